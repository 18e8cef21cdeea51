//! Formatting and lints, in every workspace. A warning is an error here.

use crate::{
    cargo, paths, program, setup,
    toolchain::{Target, Toolchain},
};
use anyhow::{Result, ensure};
use fs_err as fs;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Runs rustfmt, clippy and the linters of workflows, which print what they find.
pub fn run() -> Result<()> {
    let root = paths::root();
    workflows(&root, &workflow_files(&root)?)?;
    for workspace in ["", "crates/wdk-build-linux", "tests/lab/kernel"] {
        let folder = root.join(workspace);
        program::run_here(
            program::cargo()
                .current_dir(folder)
                .args(["fmt", "--all", "--check"]),
        )?;
    }
    // An editor's check, `cargo check --workspace --all-targets`, and lints.
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
    for features in [&["--no-default-features"][..], &["--features", "umaccess"]] {
        let mut accessors = program::cargo();
        accessors
            .current_dir(&root)
            .args([
                "clippy",
                "--quiet",
                "--package",
                "usermode-accessors",
                "--lib",
            ])
            .args(features);
        deny_warnings(accessors)?;
    }
    with_oldest_rust(&root)?;
    packages(&root)?;
    documentation(&root)?;
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

/// The oldest Rust with which the published crates compile, as their manifests say.
const OLDEST_RUST: &str = "1.91";

/// Checks the published crates with the oldest Rust, if rustup has it.
fn with_oldest_rust(root: &Path) -> Result<()> {
    let rustup = || {
        let mut command = program::named("rustup");
        command.current_dir(root).args(["run", OLDEST_RUST]);
        command
    };
    let version = rustup().args(["rustc", "--version"]).output();
    if !version.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "not checked with Rust {OLDEST_RUST}: \
             rustup toolchain install {OLDEST_RUST} --profile minimal"
        );
        return Ok(());
    }
    program::run_here(
        rustup()
            .args([
                "cargo",
                "check",
                "--quiet",
                "--lib",
                "--package",
                "nt-status",
            ])
            .args(["--package", "usermode-accessors", "--package", "mm-copy"]),
    )
}

/// Makes and builds the packages of the published crates, from what was downloaded before. A package
/// whose `repository` the owner has not set is warned of.
fn packages(root: &Path) -> Result<()> {
    program::run_here(
        program::cargo()
            .current_dir(root)
            .args(["package", "--quiet", "--offline", "--allow-dirty"])
            .args(["--package", "nt-status"])
            .args(["--package", "usermode-accessors", "--package", "mm-copy"]),
    )
}

/// Makes the documentation of the published crates, in which each link must lead somewhere.
fn documentation(root: &Path) -> Result<()> {
    program::run_here(
        program::cargo()
            .current_dir(root)
            .args(["doc", "--quiet", "--no-deps", "--package", "nt-status"])
            .args(["--package", "usermode-accessors", "--package", "mm-copy"])
            .env("RUSTDOCFLAGS", "--deny warnings"),
    )
}

/// Checks workflows of the project at `root`, by themselves: neither linter asks a network or runs another
/// program.
pub fn workflows(root: &Path, files: &[PathBuf]) -> Result<()> {
    let linters = setup::workflow_linters()?;
    program::run_here(
        program::named(linters.program("actionlint"))
            .current_dir(root)
            // Else it runs these programs where a machine has them, for scripts in steps.
            .args(["-shellcheck=", "-pyflakes="])
            .args(files),
    )?;
    program::run_here(
        program::named(linters.program("zizmor"))
            .current_dir(root)
            .args([
                "--offline",
                "--no-progress",
                "--quiet",
                "--persona=pedantic",
            ])
            .args(files),
    )
}

/// Returns the files of the workflows.
fn workflow_files(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = root.join(".github/workflows");
    let files: Vec<PathBuf> = fs::read_dir(&folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    ensure!(!files.is_empty(), "{} has no workflow", folder.display());
    Ok(files)
}

/// Packages with a part that is only for Windows.
const FOR_WINDOWS: [&str; 6] = [
    "xtask",
    "ringcopy-win32",
    "ringcopy-client",
    "ringcopy-wine",
    "accessor-matrix",
    "ringcopy-bench",
];

/// Checks the parts that are only for Windows. Nothing is linked, so the library of the driver's target
/// serves.
fn for_windows(root: &Path) -> Result<()> {
    let mut clippy = program::cargo();
    clippy
        .current_dir(root)
        .args(["clippy", "--quiet", "--lib", "--bins"])
        .args(["--test", "process", "--bench", "accessors"])
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

fn cross(target: Target, folder: &Path, target_dir: &str) -> Result<()> {
    let target_dir = paths::target().join(target_dir);
    deny_warnings(cargo::command("clippy", target, folder, &target_dir)?)
}

fn deny_warnings(mut clippy: Command) -> Result<()> {
    program::run_here(clippy.args(["--", "--deny", "warnings"]))
}
