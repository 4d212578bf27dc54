//! What `export` prints, for the article's configurations and every target.
use snapbox::{Data, assert_data_eq};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const TARGETS: [&str; 5] = ["nftables", "aws-security-group", "aws-nacl", "gcp-firewall", "azure-nsg"];

/// A longer text is told by its length.
const LONGEST: usize = 4000;

fn export(arguments: &[&str]) -> Output {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Command::new(env!("CARGO_BIN_EXE_portcullis")).arg("export").args(arguments).current_dir(folder).output().unwrap()
}

/// A command as it is typed, and all that it prints.
fn shown(arguments: &[&str]) -> String {
    let output = export(arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    let text = if text.len() > LONGEST { format!("({} bytes)\n", text.len()) } else { text };
    let told = String::from_utf8(output.stderr).unwrap();
    let code = output.status.code().unwrap();
    format!("$ portcullis export {}\n{text}{told}exit code {code}\n\n", arguments.join(" "))
}

fn assert_as_written(name: &str, all: String) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/export/{name}.txt"));
    assert_data_eq!(all, Data::read_from(&file, None).raw());
}

#[test]
fn the_articles_configurations() {
    for name in [
        "tcp-8080-only",
        "source-or-tcp-8080",
        "drop-source",
        "drop-all-but-source",
        "drop-udp-from-subnet",
        "drop-ip6-source",
    ] {
        let config = format!("examples/{name}.json");
        let all = TARGETS.iter().map(|target| shown(&[&config, "--to", target])).collect();
        assert_as_written(name, all);
    }
}

#[test]
fn the_nearest_that_can_be_said() {
    let all = ["aws-security-group", "aws-nacl", "gcp-firewall"].iter().flat_map(|target| {
        ["wider", "narrower"]
            .map(|nearest| shown(&["examples/tcp-8080-only.json", "--to", target, "--approximate", nearest]))
    });
    assert_as_written("approximate", all.collect());
}

#[test]
fn ports_alone() {
    let mut all = TARGETS.map(|target| shown(&["-p", "8080", "-p", "9000-9010,443", "--to", target])).concat();
    all += &shown(&["--to", "nftables"]);
    all += &shown(&["examples/tcp-8080-only.json", "-p", "8080", "--to", "nftables"]);
    assert_as_written("ports", all);
}

#[test]
fn a_file_in_place_of_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.nft");
    let output = export(&["examples/tcp-8080-only.json", "--to", "nftables", "-o", path.to_str().unwrap()]);
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    let printed = export(&["examples/tcp-8080-only.json", "--to", "nftables"]).stdout;
    assert_eq!(std::fs::read(&path).unwrap(), printed);
}
