//! Links a native image that starts at `DriverEntry`, with a PDB, unlike the images of the project that are
//! packaged, and a map: the lab's host reads the names of functions in either.

fn main() {
    for argument in [
        "/DRIVER",
        "/SUBSYSTEM:NATIVE",
        "/ENTRY:DriverEntry",
        "/NODEFAULTLIB",
        "/MAP",
        "/OPT:REF",
        "/MANIFEST:NO",
    ] {
        println!("cargo::rustc-cdylib-link-arg={argument}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
