//! Every dependency has a licence that deny.toml allows.
use serde_json::Value;
use spdx::{Expression, ParseMode};
use std::process::Command;

/// The licences in deny.toml.
fn allowed() -> Vec<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deny.toml")).unwrap();
    let deny: toml::Table = text.parse().unwrap();
    deny["licenses"]["allow"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_string()).collect()
}

fn satisfied(licence: &str, allowed: &[String]) -> bool {
    // Some packages still write `/` for OR.
    let expression = Expression::parse_mode(licence, ParseMode::LAX).unwrap();
    expression.evaluate(|requirement| allowed.contains(&requirement.to_string()))
}

#[test]
fn every_dependency_has_an_allowed_licence() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let mut metadata = Command::new(env!("CARGO"));
    metadata.args(["metadata", "--format-version=1", "--all-features", "--manifest-path", manifest]);
    let output = metadata.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.iter().any(|package| package["name"] == "smoltcp"), "the kernel's dependencies are missing");
    let allowed = allowed();
    let refused = |package: &&Value| !satisfied(package["license"].as_str().unwrap_or("none"), &allowed);
    let refused: Vec<_> =
        packages.iter().filter(refused).map(|package| (&package["name"], &package["license"])).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn what_is_not_allowed_is_refused() {
    let allowed = allowed();
    for (licence, expected) in [
        ("MIT OR Apache-2.0", true),
        ("MIT/Apache-2.0", true),
        ("(MIT OR GPL-3.0-only) AND Unicode-3.0", true),
        ("GPL-3.0-only", false),
        ("MIT AND LGPL-2.1-or-later", false),
        ("Apache-2.0 WITH LLVM-exception", false),
    ] {
        assert_eq!(satisfied(licence, &allowed), expected, "{licence}");
    }
}
