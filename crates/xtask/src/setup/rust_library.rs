//! Rust's standard library for other targets than the host's: compiled, or as sources that builds
//! compile.

use super::rust_source_package;
use crate::{
    program,
    step::Step,
    toolchain::{Target, Toolchain},
};
use anyhow::Result;

/// Installs the library for `targets`: compiled if rustup has it, otherwise as sources. Returns
/// whether anything was missing.
pub(super) fn install(targets: &[Target]) -> Result<bool> {
    let toolchain = Toolchain::of_rustc()?;
    let is_there = || {
        targets
            .iter()
            .all(|target| toolchain.has_compiled_library(*target))
    };
    if is_there() {
        return Ok(false);
    }
    let add = [
        &["target", "add"],
        &*targets
            .iter()
            .map(|target| target.triple())
            .collect::<Vec<_>>(),
    ]
    .concat();
    if rustup(&add) && is_there() {
        return Ok(true);
    }
    install_sources()
}

/// Installs the sources, for targets without a compiled library. Returns whether they were missing.
/// Without rustup, as with Debian's own rustc, they come from Debian's package.
pub(super) fn install_sources() -> Result<bool> {
    let toolchain = Toolchain::of_rustc()?;
    if toolchain.has_library_source() {
        return Ok(false);
    }
    if !rustup(&["component", "add", "rust-src"]) || !toolchain.has_library_source() {
        rust_source_package::install(&toolchain)?;
    }
    Ok(true)
}

/// Runs rustup, if it is there. Returns whether it succeeded.
fn rustup(arguments: &[&str]) -> bool {
    if program::find("rustup").is_none() {
        return false;
    }
    let step = Step::start(format!("rustup {}", arguments.join(" ")));
    let ran = program::run(&step, program::named("rustup").args(arguments));
    if ran.is_ok() {
        step.done();
    }
    ran.is_ok()
}
