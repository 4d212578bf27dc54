//! ARCHITECTURE.md names files and folders of this tree: they must exist.
use std::path::Path;

/// The words between backticks that look like a path of this tree.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split('`').skip(1).step_by(2);
    words.filter(|word| {
        word.contains('/') && !word.contains(' ') && !word.starts_with(['/', '.']) && !word.contains(':')
    })
}

#[test]
fn every_file_that_the_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let named: Vec<&str> = paths(&text).collect();
    assert!(named.len() > 20, "only {named:?} were found: has the notation changed?");
    for path in named {
        assert!(root.join(path).exists(), "ARCHITECTURE.md names `{path}`, which does not exist");
    }
}
