//! `docs/linux-abi.md` is made from the table of system calls. With `UPDATE_PAGES=1` in the environment it is written,
//! without it a page that is stale is a failure.
use kernel::syscall::{numbers, table};
use std::fmt::Write;
use std::fs;
use std::path::Path;

const HEAD: &str = "\
# System calls

What of Linux's system calls on x86-64 is there. The page is made from the table that the kernel serves them by
(`kernel/src/syscall/table.rs`); `UPDATE_PAGES=1 cargo test -p kernel --test abi_page` writes it again.

A call that is not there fails with `ENOSYS`, and a line on standard error names it, once. `run --trace` shows every call
that a program makes.

";

fn page() -> String {
    let mut served: Vec<_> = table::ALL.iter().filter(|entry| entry.served).collect();
    served.sort_by_key(|entry| entry.number);
    let mut text = HEAD.to_string();
    let _ = write!(text, "## There\n\n| number | call | what of it |\n|---:|---|---|\n");
    for entry in &served {
        let _ = writeln!(text, "| {} | `{}` | {} |", entry.number, entry.name, entry.note);
    }
    let _ = write!(text, "\n## Not there\n\n| number | call | |\n|---:|---|---|\n");
    for (number, name) in numbers::NAMES.iter().filter(|(number, _)| served.iter().all(|entry| entry.number != *number))
    {
        let note = table::ALL.iter().find(|entry| entry.number == *number).map_or("", |entry| entry.note);
        let _ = writeln!(text, "| {number} | `{name}` | {note} |");
    }
    text
}

#[test]
fn the_page_is_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/linux-abi.md");
    let page = page();
    if std::env::var_os("UPDATE_PAGES").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == page,
        "docs/linux-abi.md is stale: `UPDATE_PAGES=1 cargo test -p kernel --test abi_page` writes it"
    );
}
