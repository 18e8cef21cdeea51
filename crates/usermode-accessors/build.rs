//! Cargo requires a build script of a package with `links`. It has nothing to build.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
