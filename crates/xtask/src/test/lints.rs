//! Formatting and lints, in every workspace. A warning is an error here.

use crate::{
    cargo,
    error::Error,
    places, program,
    toolchain::{Target, Toolchain},
};
use std::{path::Path, process::Command};

/// Checks what rustfmt and clippy can check.
///
/// # Errors
///
/// If either has something to say; it has said it.
pub fn run() -> Result<(), Error> {
    let root = places::root();
    for workspace in ["", "crates/wdk-build-linux", "tests/lab/kernel"] {
        let folder = root.join(workspace);
        program::run_here(
            program::cargo()
                .current_dir(folder)
                .args(["fmt", "--all", "--check"]),
        )?;
    }
    // F5: what an editor checks, `cargo check --workspace --all-targets`, and lints besides.
    let mut host = program::cargo();
    host.current_dir(&root)
        .args(["clippy", "--quiet", "--workspace", "--all-targets"]);
    deny_warnings(host)?;
    // The client's library is also built without the program, for programs that depend on it.
    let mut library = program::cargo();
    library
        .current_dir(&root)
        .args(["clippy", "--quiet", "--package", "ringcopy-client", "--lib"])
        .arg("--no-default-features");
    deny_warnings(library)?;
    for_windows(&root)?;
    cross(
        Target::Windows,
        &root.join("crates/wdk-build-linux"),
        "windows",
    )?;
    cross(
        Target::BareMetal,
        &root.join("tests/lab/kernel"),
        "lab-kernel",
    )
}

/// Packages of which a part is for Windows alone.
const FOR_WINDOWS: [&str; 5] = [
    "ringcopy-win32",
    "ringcopy-client",
    "ringcopy-wine",
    "accessor-matrix",
    "ringcopy-bench",
];

/// What is for Windows alone, and so for no other of these to see: of the client, and the accessors'
/// matrix and benchmarks. Nothing is linked, so the library of the driver's target serves.
fn for_windows(root: &Path) -> Result<(), Error> {
    let mut clippy = program::cargo();
    clippy
        .current_dir(root)
        .args(["clippy", "--quiet", "--lib", "--bins"])
        .args(["--test", "windows", "--bench", "accessors"])
        .args(["--target", Target::Windows.triple()])
        // The C guard that the benchmarks compare with, in mingw-w64's headers.
        .env("CC_x86_64_pc_windows_msvc", "clang")
        .env("AR_x86_64_pc_windows_msvc", "llvm-lib")
        .env(
            "CFLAGS_x86_64_pc_windows_msvc",
            "--target=x86_64-w64-windows-gnu -fms-extensions",
        );
    for package in FOR_WINDOWS {
        clippy.args(["--package", package]);
    }
    if !Toolchain::of_rustc()?.has_compiled_library(Target::Windows) {
        clippy
            .args(["-Z", "build-std=std,panic_abort"])
            .env("RUSTC_BOOTSTRAP", "1");
    }
    deny_warnings(clippy)
}

fn cross(target: Target, folder: &Path, target_dir: &str) -> Result<(), Error> {
    let target_dir = places::target().join(target_dir);
    let toolchain = Toolchain::of_rustc()?;
    deny_warnings(cargo::command(
        &toolchain,
        "clippy",
        target,
        folder,
        &target_dir,
    ))
}

fn deny_warnings(mut clippy: Command) -> Result<(), Error> {
    program::run_here(clippy.args(["--", "--deny", "warnings"]))
}
