//! Puts the header together: `src/capi/rask.h.in` is its frame, cbindgen writes what stands between.
//!
//! cbindgen sorts a header by what items are (constants, types, functions). Readers want it sorted by what items
//! are about, so each section is a run of its own, or several. In the template,
//!
//! - `@section title: sources` becomes a banner and the items of those sources, `@section title` the banner only,
//! - `@items sources` becomes the items of those sources.

use crate::tidy::tidy;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const TEMPLATE: &str = "src/capi/rask.h.in";

/// The header as it should be.
pub fn header() -> String {
    let template = std::fs::read_to_string(Path::new(ROOT).join(TEMPLATE)).unwrap();
    let mut header = String::new();
    for line in template.lines() {
        if let Some(section) = line.strip_prefix("@section ") {
            let (title, sources) = section.split_once(": ").unwrap_or((section, ""));
            header += &banner(title);
            if !sources.is_empty() {
                header += "\n";
                header += &items(sources);
            }
        } else if let Some(sources) = line.strip_prefix("@items ") {
            header += &items(sources);
        } else {
            header += line;
            header += "\n";
        }
    }
    header
}

fn banner(title: &str) -> String {
    let dashes = "-".repeat(110 - "/* ----  */".len() - title.len() - 1);
    format!("/* ---- {title} {dashes} */\n")
}

/// What cbindgen makes of some sources, made pleasant.
fn items(sources: &str) -> String {
    let config = cbindgen::Config::from_root_or_default(ROOT);
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in sources.split(' ') {
        builder = builder.with_src(Path::new(ROOT).join(source));
    }
    let mut written = Vec::new();
    builder.generate().unwrap().write(&mut written);
    tidy(&String::from_utf8(written).unwrap())
}
