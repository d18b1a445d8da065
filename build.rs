//! How the shared library presents itself to the loader.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Programs are bound to this name; the number changes when the ABI breaks.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,librask.so.0");
    // Threads run in the library and thread-local destructors point into it: dlclose must not unmap it.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
