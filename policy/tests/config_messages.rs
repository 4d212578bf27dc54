//! What a configuration in `tests/config` is told, word for word: `NAME.json` and beside it `NAME.txt`.
//!
//! `SNAPSHOTS=overwrite cargo test -p policy --test config_messages` writes the `.txt` files anew; read them before
//! they are committed.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use policy::config::{self, Config, Error, Warning};
use policy::diagnostic::render;
use snapbox::{Assert, Data};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let entries = std::fs::read_dir(folder).expect("the folder of cases");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    assert!(!files.is_empty());
    files
}

/// The files of lists lie beside the cases.
fn parse(text: &str) -> Result<(Config, Vec<Warning>), Vec<Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let mut load = |name: &str| match name {
        "missing.list" => Err("No such file or directory".to_string()),
        _ => std::fs::read(folder.join(name)).map_err(|error| error.to_string()),
    };
    config::parse_with(text, &mut load, |_| Vec::new())
}

fn errors(bytes: &[u8]) -> Vec<Error> {
    let parsed = config::decode(bytes).map_err(|error| vec![error]).and_then(parse);
    parsed.err().unwrap_or_default()
}

/// What the reader of a terminal without colours sees.
fn message(path: &Path) -> String {
    let bytes = std::fs::read(path).expect("a case");
    let name = path.file_name().expect("a name").to_string_lossy();
    let text = String::from_utf8_lossy(&bytes);
    match config::decode(&bytes).map_err(|error| vec![error]).and_then(parse) {
        Ok((_, warnings)) => render(&name, &text, warnings, false),
        Err(errors) => render(&name, &text, errors, false),
    }
}

#[test]
fn every_case_is_told_what_its_text_file_says() {
    let assert = Assert::new().normalize_paths(false).action_env("SNAPSHOTS");
    let differing: Vec<String> = cases()
        .iter()
        .filter_map(|path| {
            let expected = Data::read_from(&path.with_extension("txt"), None);
            assert.try_eq(Some(&path.display()), message(path).into(), expected).err()
        })
        .map(|difference| difference.to_string())
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn every_case_has_something_to_be_told() {
    for path in cases() {
        assert!(!message(&path).is_empty(), "{}", path.display());
    }
}

#[test]
fn every_kind_of_error_and_fault_has_a_case() {
    let mut seen = BTreeSet::new();
    for path in cases() {
        for error in errors(&std::fs::read(path).expect("a case")) {
            let debug = format!("{:?}", error.kind);
            seen.insert(first_word(&debug));
            seen.extend(debug.rsplit_once("fault: ").map(|(_, fault)| first_word(fault)));
            seen.extend(debug.split_once("expected: ").map(|(_, expected)| first_word(expected)));
        }
    }
    let all = "NotUtf8 Syntax EmptyFile TooDeep ControlCharacter NulCharacter DuplicateKey UnknownKey Misplaced ListFile ListLine ListLines \
               NearFirewall WrongType NotSupported Conflict Value EmptyArray MixedNegation KlibWithoutPolicy TestShape ExpectsNothing NotOfProperty Property Packet \
               Ipv4Prefix Ipv6Prefix Port IcmpType IcmpCode Protocol Fragment Action Default Lint Memory Ipv4Address NetMask VariableName \
               Empty Space NegatedTwice List NotDecimal LeadingZero TooLarge Reversed NotAddress OtherVersion Zone \
               Mask NamedList UnknownList NegatedMember NotName ListMember ListName NotOneOf Zero NotContiguous EqualsSign \
               Verdict RuleName Host NoSuchRule UnknownRule";
    let missing: Vec<&str> = all.split_whitespace().filter(|name| !seen.contains(*name)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

fn first_word(debug: &str) -> String {
    debug.chars().take_while(|c| c.is_alphanumeric()).collect()
}

#[test]
fn a_refusal_of_the_caller_is_drawn_like_any_other() {
    let text = "{\"RunConfig\": {\"Ports\": [\"80\", \"70000\"]}}";
    let (config, _) = config::parse(text).expect("ports are not looked at here");
    assert_eq!(config.run.ports, ["80", "70000"]);
    let span = config.run.port_spans[1].clone();
    assert_eq!(&text[span.clone()], "\"70000\"");
    let drawn = render("fw.json", text, [Error::refused(span, "70000 is no port", "a port from 1 to 65535")], false);
    let expected = "\
error: 70000 is no port
 --> fw.json:1:32
  |
1 | {\"RunConfig\": {\"Ports\": [\"80\", \"70000\"]}}
  |                                ^^^^^^^ expected a port from 1 to 65535
";
    assert_eq!(drawn, expected);
}

#[test]
fn colours_are_there_only_when_asked_for() {
    let text = "{\"Argz\": []}";
    let errors = config::parse(text).expect_err("an unknown key");
    assert!(render("fw.json", text, &errors, true).contains("\u{1b}["));
    assert!(!render("fw.json", text, &errors, false).contains('\u{1b}'));
}
