//! The policies that are compared, each in an image with the same program.
use measure::random::Random;
use std::ffi::OsStr;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::launch::{command, firewall, project};
use tests::{Result, ensure};

/// How many addresses the list has.
const ADDRESSES: usize = 1_000_000;
/// How many rules stand before the one that lets in.
const RULES: usize = 10_000;

/// A policy, in an image.
pub struct Subject {
    /// What it is called.
    pub name: &'static str,
    /// The image.
    pub image: PathBuf,
}

/// What is compared: the first with all others. The second is the same again and shows what is noise.
pub fn subjects(folder: &Path, program: &OsStr) -> Result<Vec<Subject>> {
    let open = folder.join("open.json");
    std::fs::write(&open, "{}")?;
    let three = project().join("examples/tcp-8080-only.json");
    let rules = folder.join("rules.json");
    std::fs::write(&rules, firewall(&many_rules()))?;
    let list = folder.join("list.json");
    std::fs::write(folder.join("list.txt"), addresses())?;
    std::fs::write(&list, LIST)?;
    let configs = [
        ("no policy", &open),
        ("no policy, again", &open),
        ("3 rules", &three),
        ("10,000 rules", &rules),
        ("1,000,000 addresses", &list),
    ];
    configs.into_iter().map(|(name, config)| subject(name, config, folder, program)).collect()
}

fn subject(name: &'static str, config: &Path, folder: &Path, program: &OsStr) -> Result<Subject> {
    let image = folder.join(name.replace(' ', "-"));
    let mut build = Command::new(command()?);
    build.arg("build").arg(config).arg(program).arg("-o").arg(&image);
    let output = build.output()?;
    ensure!(output.status.success(), "{build:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(Subject { name, image })
}

/// A block list before the rules of `examples/tcp-8080-only.json`.
const LIST: &str = r#"{
  "RunConfig": {"Klibs": ["firewall"]},
  "ManifestPassthrough": {"firewall": {
    "lists": {"threats": {"file": "list.txt"}},
    "rules": [
      {"ip": {"src": "@threats"}, "action": "drop"},
      {"tcp": {"dest": "8080"}, "action": "accept"},
      {"udp": {"src": "67"}, "action": "accept"},
      {"action": "drop"}
    ]
  }}
}"#;

/// Any addresses but those of the network that the machine is in, a line each.
fn addresses() -> String {
    let mut random = Random::new(1);
    let mut lines = String::with_capacity(ADDRESSES * 16);
    let mut count = 0;
    while count < ADDRESSES {
        let [a, b, c, d] = (random.next() as u32).to_be_bytes();
        if (1..224).contains(&a) && a != 10 {
            // Writing to a text cannot fail.
            let _ = writeln!(lines, "{a}.{b}.{c}.{d}");
            count += 1;
        }
    }
    lines
}

/// Rules for two networks, a protocol and a port, as filter sets have them, none of which is met; then those of
/// `examples/tcp-8080-only.json`.
fn many_rules() -> String {
    let mut random = Random::new(2);
    let mut rules = String::new();
    for _ in 0..RULES {
        let [source, destination] = [network(&mut random), network(&mut random)];
        let transport = random.choose(&["tcp", "udp"]);
        let first = random.within(1, 60_000);
        let last = first + random.weighted(&[(8, 0), (1, 10), (1, 5000)]);
        let action = random.choose(&["drop", "accept"]);
        let _ = write!(
            rules,
            r#"{{"ip": {{"src": "{source}", "dest": "{destination}"}}, "{transport}": {{"dest": "{first}-{last}"}}, "action": "{action}"}},"#
        );
    }
    rules
        + r#"{"tcp": {"dest": "8080"}, "action": "accept"}, {"udp": {"src": "67"}, "action": "accept"}, {"action": "drop"}"#
}

/// A network that is not 10.0.0.0/8: of a few large ones, as those of one site are.
fn network(random: &mut Random) -> String {
    let length = random.weighted(&[(1, 16), (2, 20), (6, 24), (4, 28), (6, 32)]);
    let high = random.below(64) << 24 | 0x4000_0000;
    let address = (high | random.below(16) << 20 | random.below(1 << 20)) as u32 & u32::MAX << (32 - length);
    let [a, b, c, d] = address.to_be_bytes();
    format!("{a}.{b}.{c}.{d}/{length}")
}
