//! The symbols that librask.so exports are those of `tests/exports.txt`, and each is declared in the header.
//!
//! `RASK_BLESS=1 cargo test --test exports` writes the list anew.

use std::path::{Path, PathBuf};
use std::process::Command;

const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/exports.txt");
const HEADER: &str = include_str!("../include/rask.h");

/// The shared library that cargo built for this test: next to the test itself, or one folder above.
fn library() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("librask.so"))
        .find(|library| library.exists())
        .unwrap_or_else(|| panic!("no librask.so near {}", test.display()))
}

fn run(program: &str, arguments: &[&str], library: &Path) -> String {
    let out = Command::new(program).args(arguments).arg(library).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn the_exported_symbols_are_those_of_the_list() {
    let symbols = run("nm", &["-D", "--defined-only", "--format=posix"], &library());
    let mut exported: Vec<_> = symbols.lines().filter_map(|line| line.split(' ').next()).collect();
    exported.sort_unstable();
    let list = exported.join("\n") + "\n";
    if std::env::var_os("RASK_BLESS").is_some() {
        std::fs::write(LIST, &list).unwrap();
    }
    assert!(exported.iter().all(|symbol| symbol.starts_with("rask_")), "{list}");
    assert_eq!(list, std::fs::read_to_string(LIST).unwrap(), "RASK_BLESS=1 cargo test --test exports");
    for symbol in exported {
        assert!(HEADER.contains(&format!("{symbol}(")), "{symbol} is not in the header");
    }
}

#[test]
fn the_library_has_its_name_and_stays_loaded() {
    let dynamic = run("readelf", &["-d", "-W"], &library());
    assert!(dynamic.contains("[librask.so.0]"), "{dynamic}");
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
}
