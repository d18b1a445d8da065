//! Which version this is.

use std::ffi::{CStr, c_char};

/// Incompatible changes.
pub const RASK_VERSION_MAJOR: u32 = 0;
/// Compatible additions (before 1.0: any change).
pub const RASK_VERSION_MINOR: u32 = 1;
/// Corrections.
pub const RASK_VERSION_PATCH: u32 = 0;

const TEXT: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(text) => text,
    Err(_) => panic!("a version has no NUL in it"),
};

/// The version of the library that was loaded, which may be later than the one this header is of.
///
/// Returns: major << 16 | minor << 8 | patch.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_version() -> u32 {
    RASK_VERSION_MAJOR << 16 | RASK_VERSION_MINOR << 8 | RASK_VERSION_PATCH
}

/// The same as text, "0.1.0".
///
/// Returns: a static text.
/// Threads: any. Blocks: no.
#[unsafe(no_mangle)]
pub extern "C" fn rask_version_string() -> *const c_char {
    TEXT.as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_those_of_the_manifest() {
        let text = format!("{RASK_VERSION_MAJOR}.{RASK_VERSION_MINOR}.{RASK_VERSION_PATCH}");
        assert_eq!(text, env!("CARGO_PKG_VERSION"));
        assert_eq!(TEXT.to_str(), Ok(&text[..]));
    }
}
