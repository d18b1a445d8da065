//! `include/rask.h` is what the sources say, and compiles wherever it is promised to.
//!
//! `RASK_BLESS=1 cargo test --test header` writes it anew.

#[path = "header/compile.rs"]
mod compile;
#[path = "header/generate.rs"]
mod generate;
#[path = "header/tidy.rs"]
mod tidy;

const HEADER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include/rask.h");

#[test]
fn the_header_is_current() {
    let header = generate::header();
    if std::env::var_os("RASK_BLESS").is_some() {
        std::fs::write(HEADER, &header).unwrap();
    }
    let committed = std::fs::read_to_string(HEADER).unwrap_or_default();
    for (number, (committed, generated)) in committed.lines().zip(header.lines()).enumerate() {
        assert_eq!(committed, generated, "line {}: RASK_BLESS=1 cargo test --test header", number + 1);
    }
    assert_eq!(committed.len(), header.len(), "RASK_BLESS=1 cargo test --test header");
}

#[test]
fn no_line_is_longer_than_110_columns() {
    for line in generate::header().lines() {
        assert!(line.chars().count() <= 110, "{line}");
        assert_eq!(line.trim_end(), line);
    }
}

#[test]
fn every_function_has_its_contract() {
    let header = generate::header();
    let mut doc = String::new();
    let mut functions = 0;
    for line in header.lines() {
        if line.starts_with("/**") {
            doc.clear();
        }
        if line.starts_with("/**") || line.starts_with(" *") {
            doc += line;
        } else if !line.starts_with([' ', '#']) && !line.starts_with("static") && !line.starts_with("typedef")
        {
            if let Some((name, _)) = line.split_once('(').filter(|_| line.ends_with([';', ','])) {
                let returns = name.starts_with("void rask_") || doc.contains("Returns: ");
                assert!(returns && doc.contains("Threads: ") && doc.contains("Blocks: "), "{line}\n{doc}");
                functions += 1;
            }
        }
    }
    assert!(functions > 60, "{functions}");
}
