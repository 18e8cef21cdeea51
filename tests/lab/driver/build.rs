//! Links a native image that starts at `DriverEntry`. It has a PDB beside it, unlike the images of the
//! project that are packaged: the lab's host reads the names of functions there.

fn main() {
    for argument in [
        "/DRIVER",
        "/SUBSYSTEM:NATIVE",
        "/ENTRY:DriverEntry",
        "/NODEFAULTLIB",
        "/OPT:REF",
        "/MANIFEST:NO",
    ] {
        println!("cargo::rustc-cdylib-link-arg={argument}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
