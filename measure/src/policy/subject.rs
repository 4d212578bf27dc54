//! The policies that are compared, each in images with the same program.
use measure::random::Random;
use std::ffi::OsStr;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::launch::{command, firewall};
use tests::{Result, ensure};

/// How many addresses the list has.
const ADDRESSES: usize = 1_000_000;
/// How many rules stand before the one that lets in.
const RULES: usize = 10_000;

/// The most that is put into an image besides, in pages.
const PADDING: u64 = 128;
const PAGE: usize = 4096;

/// The rules of `examples/tcp-8080-only.json`.
const THREE: &str =
    r#"{"tcp": {"dest": "8080"}, "action": "accept"}, {"udp": {"src": "67"}, "action": "accept"}, {"action": "drop"}"#;

/// What comes before them for a block list.
const LISTED: &str = r#"{"ip": {"src": "@threats"}, "action": "drop"}, "#;

/// A policy, as a configuration.
pub struct Subject {
    /// What it is called.
    pub name: &'static str,
    config: String,
}

/// What is compared: the first with all others. The second is the same again and shows what is noise.
pub fn subjects(folder: &Path) -> Result<Vec<Subject>> {
    std::fs::write(folder.join("list.txt"), addresses())?;
    let lists = r#""firewall": {"lists": {"threats": {"file": "list.txt"}},"#;
    let listed = firewall(&format!("{LISTED}{THREE}")).replacen(r#""firewall": {"#, lists, 1);
    let subjects = [
        ("no policy", "{}".to_string()),
        ("no policy, again", "{}".to_string()),
        ("3 rules", firewall(THREE)),
        ("10,000 rules", firewall(&many_rules())),
        ("1,000,000 addresses", listed),
    ];
    Ok(subjects.map(|(name, config)| Subject { name, config }).into())
}

impl Subject {
    /// An image with the policy and a program, and with a file of a length that is drawn: where things happen to lie in the
    /// machine's memory is to be another each time.
    pub fn image(&self, folder: &Path, program: &OsStr, random: &mut Random) -> Result<PathBuf> {
        let (config, image, padding) = (folder.join("config.json"), folder.join("image"), folder.join("padding"));
        std::fs::write(&padding, vec![0; random.within(1, PADDING) as usize * PAGE])?;
        let comma = if self.config == "{}" { "" } else { "," };
        let files = format!("{{\"Files\": [{:?}]{comma}", padding.display().to_string());
        std::fs::write(&config, self.config.replacen('{', &files, 1))?;
        let mut build = Command::new(command()?);
        build.arg("build").arg(&config).arg(program).arg("-o").arg(&image);
        let output = build.output()?;
        ensure!(output.status.success(), "{build:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(image)
    }
}

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
