//! What the end-to-end tests share: where the images are, how a lab starts and how it has to end,
//! and the requests that the tests change.

#![forbid(unsafe_code)]

mod client;
mod completion;
mod copies;
pub mod entries;
pub mod framework;
pub mod inf;
mod lab;
pub mod package;
pub mod soak;
pub mod test_authority;
pub mod traces;
mod victim;

use std::{
    env,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
    thread,
};

pub use client::{ClientRun, run_client};
pub use completion::{BatchOutput, completion, refused};
pub use copies::{Call, copy_memory_each};
pub use lab::{
    CheckedLab, PRIVILEGED, boot, boot_with, open, options, options_for, privileged, until_both,
    until_it_happened, with_engine, with_two_processors, with_value,
};
pub use victim::{LENGTH, Victim, batch, buffer, scatter, with_victim};

/// What a test fills memory with that nothing may write.
pub const UNTOUCHED: u8 = 0xEE;

/// Prints what a test has tried, though it passes.
pub fn report(what: &str) {
    let thread = thread::current();
    let test = thread.name().unwrap_or("a test");
    drop(writeln!(io::stderr(), "{test}: {what}"));
}

/// The driver, as built for this run.
#[must_use]
pub fn driver() -> PathBuf {
    artefact("RINGCOPY_DRIVER")
}

/// The folder of the whole project.
///
/// # Panics
/// Never: this package lies two folders deep in it.
#[must_use]
pub fn tree() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
}

/// The tracked files of the project that match a pattern of git's, as paths from its folder.
///
/// # Panics
/// If git cannot list them.
#[must_use]
pub fn tracked_files(pattern: &str) -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", pattern])
        .current_dir(tree())
        .output()
        .unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    names.lines().map(PathBuf::from).collect()
}

/// The program that `cargo xtask` runs.
#[must_use]
pub fn xtask() -> PathBuf {
    artefact("RINGCOPY_XTASK")
}

/// A file that `cargo xtask test` built, by the variable that names it.
///
/// # Panics
/// If the variable is not set.
#[must_use]
pub fn artefact(variable: &str) -> PathBuf {
    env::var_os(variable).map_or_else(
        || panic!("{variable} is not set: run cargo xtask test"),
        PathBuf::from,
    )
}

/// Returns bytes without a visible order, another sequence for every seed.
#[must_use]
pub fn pattern(seed: u64, length: usize) -> Vec<u8> {
    ringcopy_client::suites::pattern(seed, length as u64)
}
