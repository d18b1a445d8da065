//! The header under every compiler here, as every language it is promised to be, in two translation units.

use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// What ordinary programs write, in C.
const USE: &str = "tests/header/use.c";
/// The same header in a second translation unit of the same program, in the common subset of C and C++.
const AGAIN: &str = "tests/header/again.c";

/// The compilers that are installed; at least one is.
fn installed(candidates: &[&'static str]) -> Vec<&'static str> {
    let works =
        |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success());
    let found: Vec<_> = candidates.iter().copied().filter(works).collect();
    assert!(!found.is_empty(), "none of {candidates:?} is installed");
    found
}

fn compile(compiler: &str, flags: &[&str], source: &str, to: &Path) {
    let out = Command::new(compiler)
        .args(["-Wall", "-Wextra", "-pedantic", "-Werror"])
        .args(flags)
        .args(["-c", "-I"])
        .arg(Path::new(ROOT).join("include"))
        .arg(Path::new(ROOT).join(source))
        .arg("-o")
        .arg(to)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{compiler} {flags:?} {source}:\n{errors}");
}

/// A folder for what is built here.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Both objects as one: a symbol that the header defines twice would show.
fn link(compiler: &str, folder: &Path) {
    let out = Command::new(compiler)
        .args(["-r", "-nostdlib"])
        .arg(folder.join("use.o"))
        .arg(folder.join("again.o"))
        .arg("-o")
        .arg(folder.join("both.o"))
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn c() {
    let folder = scratch("header-c");
    for compiler in installed(&["cc", "gcc", "clang"]) {
        for standard in ["-std=c11", "-std=c17"] {
            for more in [&["-Wconversion", "-Wsign-conversion", "-Wshadow"][..], &["-O2"]] {
                let flags = [&[standard], more].concat();
                compile(compiler, &flags, USE, &folder.join("use.o"));
                compile(compiler, &flags, AGAIN, &folder.join("again.o"));
                link(compiler, &folder);
            }
        }
    }
}

#[test]
fn cpp() {
    let folder = scratch("header-cpp");
    for compiler in installed(&["c++", "g++", "clang++"]) {
        for standard in ["-std=c++17", "-std=c++20"] {
            let flags = ["-x", "c++", standard, "-Wshadow", "-Wold-style-cast"];
            compile(compiler, &flags, AGAIN, &folder.join("again.o"));
        }
    }
}

#[test]
fn the_header_stands_alone() {
    let folder = scratch("header-alone");
    let header = "include/rask.h";
    for compiler in installed(&["cc", "gcc", "clang"]) {
        // clang takes a header that it is given for a program, and its inline functions for unused.
        compile(compiler, &["-x", "c", "-std=c11", "-Wno-unused-function"], header, &folder.join("c.o"));
        compile(compiler, &["-x", "c++", "-std=c++17"], header, &folder.join("cpp.o"));
    }
}
