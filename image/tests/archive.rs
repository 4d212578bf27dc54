//! Images: what is written is read again, nothing panics, and cpio(1) agrees.
use image::archive::{self, Entry, Image, ImageError};
use image::manifest::{Host, Manifest, Network, VERSION};
use proptest::prelude::*;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

fn manifest() -> Manifest {
    Manifest {
        version: VERSION,
        program: "/g".into(),
        args: vec!["g".into()],
        env: vec!["PORT=8080".into()],
        network: Network::Dhcp,
        rules: vec![r#"{"action": "drop"}"#.into()],
        trace: true,
        host: Host { ports: vec!["8080".into()], ..Host::default() },
    }
}

const TREE: [Entry<'static>; 5] = [
    Entry { path: "", mode: 0o040755, modified: 7, data: b"" },
    Entry { path: "/etc", mode: 0o040755, modified: 7, data: b"" },
    Entry { path: "/etc/hosts", mode: 0o100644, modified: 1_700_000_000, data: b"127.0.0.1 localhost\n" },
    Entry { path: "/etc/link", mode: 0o120777, modified: 7, data: b"hosts" },
    Entry { path: "/page", mode: 0o100755, modified: 7, data: &[7; 5000] },
];

fn sample() -> Vec<u8> {
    write(&manifest(), b"policy", TREE).unwrap()
}

/// The bytes from the entry of this name on, its header included.
fn position(image: &[u8], name: &str) -> usize {
    image.windows(name.len()).position(|window| window == name.as_bytes()).unwrap() - 110
}

fn write<'a>(
    manifest: &Manifest,
    policy: &[u8],
    files: impl IntoIterator<Item = Entry<'a>>,
) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    let length = archive::write(manifest, policy, files, |part| {
        bytes.extend_from_slice(part);
        Ok::<(), ImageError>(())
    })?;
    assert_eq!(length, bytes.len());
    Ok(bytes)
}

#[test]
fn what_is_written_is_read_again() {
    let bytes = sample();
    let image = Image::parse(&bytes).unwrap();
    assert_eq!(image.manifest, manifest());
    assert_eq!(image.policy, b"policy");
    assert_eq!(image.entries().collect::<Vec<_>>(), TREE);
}

#[test]
fn what_fills_a_page_begins_on_one() {
    let bytes = sample();
    let image = Image::parse(&bytes).unwrap();
    let large = image.entries().find(|entry| entry.data.len() >= 4096).unwrap();
    assert_eq!((large.data.as_ptr() as usize - bytes.as_ptr() as usize) % 4096, 0);
}

#[test]
fn what_follows_the_trailer_is_ignored() {
    let mut bytes = sample();
    bytes.extend_from_slice(&[0xff; 512]);
    assert_eq!(Image::parse(&bytes).unwrap().entries().count(), TREE.len());
}

#[test]
fn an_image_without_policy_is_refused() {
    let mut bytes = sample();
    let at = position(&bytes, "portcullis/policy") + 110;
    bytes[at..at + "portcullis/policy".len()].copy_from_slice(b"root/its-no-polic");
    assert_eq!(Image::parse(&bytes).unwrap_err(), ImageError::Missing("portcullis/policy"));
}

#[test]
fn two_policies_are_refused() {
    let (mut bytes, once) = (sample(), sample());
    let entry = position(&once, "portcullis/policy")..position(&once, "root\0");
    bytes.splice(entry.end..entry.end, once[entry.clone()].iter().copied());
    assert_eq!(Image::parse(&bytes).unwrap_err(), ImageError::Twice("portcullis/policy"));
}

#[test]
fn another_version_is_named() {
    let other = Manifest { version: VERSION + 1, ..manifest() };
    let error = Image::parse(&write(&other, b"", []).unwrap()).unwrap_err();
    assert_eq!(error, ImageError::OtherVersion(VERSION + 1));
}

#[test]
fn paths_that_leave_the_tree_are_refused() {
    for path in ["/..", "/a/../b", "/./a", "//a", "/a/", "a"] {
        let entry = Entry { path, mode: 0o100644, modified: 0, data: b"" };
        assert!(matches!(write(&manifest(), b"", [entry]), Err(ImageError::BadName(_))), "{path}");
    }
    let mut bytes = sample();
    let at = position(&bytes, "root/etc/hosts") + 110;
    bytes[at..at + 14].copy_from_slice(b"root/../xhosts");
    assert!(matches!(Image::parse(&bytes), Err(ImageError::BadName(_))));
}

#[test]
fn an_image_cut_anywhere_is_an_error() {
    let bytes = sample();
    let end = position(&bytes, "TRAILER!!!") + 110 + "TRAILER!!!".len() + 1;
    for length in 0..end {
        assert!(Image::parse(&bytes[..length]).is_err(), "{length}");
    }
    assert!(Image::parse(&bytes[..end]).is_ok());
}

/// What the real cpio prints, in this directory; `./test` installs it.
fn cpio(arguments: &[&str], input: &[u8], directory: &Path) -> String {
    let mut command = Command::new("cpio");
    command.args(arguments).current_dir(directory).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("this test needs cpio, which ./test installs");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn cpio_lists_and_extracts_an_image() {
    let directory = tempfile::tempdir().unwrap();
    let list = cpio(&["-it", "--quiet"], &sample(), directory.path());
    let names = [
        "portcullis/manifest",
        "portcullis/policy",
        "root",
        "root/etc",
        "root/etc/hosts",
        "root/etc/link",
        "root/page",
    ];
    assert_eq!(list.lines().collect::<Vec<_>>(), names);
    cpio(&["-id", "--quiet"], &sample(), directory.path());
    // Through the link, so that both have arrived.
    assert_eq!(std::fs::read(directory.path().join("root/etc/link")).unwrap(), TREE[2].data);
    assert_eq!(std::fs::read(directory.path().join("root/page")).unwrap(), TREE[4].data);
}

#[test]
fn an_archive_that_cpio_wrote_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let image = sample();
    cpio(&["-id", "--quiet"], &image, directory.path());
    std::fs::write(directory.path().join("root/new"), b"new").unwrap();
    let names = b"portcullis\nportcullis/manifest\nportcullis/policy\nroot\nroot/new\n";
    let archive = directory.path().join("archive");
    cpio(&["-o", "-H", "newc", "--quiet", "-F", "archive"], names, directory.path());
    let bytes = std::fs::read(archive).unwrap();
    let image = Image::parse(&bytes).unwrap();
    assert_eq!(image.manifest, manifest());
    let files: Vec<_> = image.entries().map(|entry| (entry.path, entry.data)).collect();
    assert_eq!(files, [("", &b""[..]), ("/new", b"new")]);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut image = sample();
        let _ = Image::parse(&bytes);
        image.truncate(6);
        image.extend_from_slice(&bytes);
        let _ = Image::parse(&image).map(|image| image.entries().count());
    }

    #[test]
    fn a_changed_byte_never_panics(at in 0..16384_usize, value in any::<u8>()) {
        let mut image = sample();
        let at = at % image.len();
        image[at] = value;
        if let Ok(image) = Image::parse(&image) {
            prop_assert!(image.entries().all(|entry| entry.path.is_empty() || entry.path.starts_with('/')));
        }
    }
}
