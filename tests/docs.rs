//! The conformance list, `docs/dask.md`, names nothing that is not there.

use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// What stands in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The rows of all tables, cell by cell, without heads and rules.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let lines: Vec<_> = page.lines().collect();
    let is_rule = |line: &str| line.starts_with("|---");
    let is_head = |index: usize| lines.get(index + 1).is_some_and(|next| is_rule(next));
    let rows = lines
        .iter()
        .enumerate()
        .filter(|&(index, line)| line.starts_with('|') && !is_rule(line) && !is_head(index));
    rows.map(|(_, line)| line.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// Whether a C program runs the test of that name.
fn runs(program: &str, test: &str) -> bool {
    let ends = [format!(", {test});"), format!("({test});")];
    program
        .lines()
        .any(|line| line.trim_start().starts_with("RUN") && ends.iter().any(|end| line.ends_with(end)))
}

#[test]
fn every_test_in_the_conformance_list_is_there() {
    let page = read("docs/dask.md");
    let rows = rows(&page);
    assert!(rows.len() > 100, "found only {} rows", rows.len());
    for row in rows {
        let shown = row.last().expect("a row has cells");
        let mut n_shown = 0;
        for name in quoted(shown) {
            n_shown += 1;
            if name.contains('/') {
                read(name);
            } else {
                let (file, test) = name.split_once('.').unwrap_or_else(|| panic!("{name} is not file.test"));
                let path = format!("tests/c/{file}.c");
                assert!(runs(&read(&path), test), "{path} runs no test {test}");
            }
        }
        assert!((n_shown == 0) == (*shown == "—"), "neither shown nor a dash: {row:?}");
    }
}

#[test]
fn every_name_in_the_conformance_list_is_in_the_header() {
    let (page, header) = (read("docs/dask.md"), read("include/rask.h"));
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = |text: &str| -> std::collections::HashSet<String> {
        text.split(|c| !is_part(c)).map(str::to_owned).collect()
    };
    let known = words(&header);
    for word in words(&page) {
        let is_ours = word.starts_with("rask_") || (word.starts_with("RASK_") && word != "RASK_LOG");
        assert!(!is_ours || word == "rask_" || known.contains(&word), "{word} is not in the header");
    }
}

#[test]
fn every_function_of_the_header_is_in_the_conformance_list() {
    let page = read("docs/dask.md");
    // But for what Python has as part of the language.
    let plain = ["rask_arg_", "rask_return_", "rask_value_", "rask_bytes", "rask_last_", "rask_status_name"];
    let others = ["rask_none", "rask_i64", "rask_f64", "rask_str", "rask_pointer"];
    for function in read("tests/exports.txt").lines() {
        let is_plain = plain.iter().any(|prefix| function.starts_with(prefix)) || others.contains(&function);
        let short = |prefix: &str| {
            function.strip_prefix(prefix).is_some_and(|end| page.contains(&format!("`_{end}`")))
        };
        assert!(
            is_plain || page.contains(function) || short("rask_result_") || short("rask_as_completed_"),
            "{function} stands nowhere in docs/dask.md"
        );
    }
}
