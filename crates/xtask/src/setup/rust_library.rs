//! Rust's standard library for the targets that are not the host's: compiled, or as sources to be
//! compiled along with the project.

use super::rust_source_package;
use crate::{
    error::Error,
    program,
    step::Step,
    toolchain::{Target, Toolchain},
};

/// Gets the library for `targets`: compiled where rustup has it so, otherwise as sources. Returns
/// whether it had to.
///
/// # Errors
///
/// [`Error::Missing`] if no way led to it.
pub(super) fn get_missing(targets: &[Target]) -> Result<bool, Error> {
    let toolchain = Toolchain::of_rustc()?;
    let is_there = || {
        targets
            .iter()
            .all(|target| toolchain.has_compiled_library(*target))
    };
    if is_there() {
        return Ok(false);
    }
    if program::find("rustup").is_some() {
        let step = Step::start("asking rustup for Rust's library");
        let mut rustup = program::named("rustup");
        rustup
            .args(["target", "add"])
            .args(targets.iter().map(|target| target.triple()));
        if program::run(&step, &mut rustup).is_ok() && is_there() {
            step.done();
            return Ok(true);
        }
    }
    get_sources()
}

/// Gets the sources, for a target that nobody has the compiled library of. Returns whether it had
/// to.
///
/// # Errors
///
/// [`Error::Missing`] if no way led to them.
pub(super) fn get_sources() -> Result<bool, Error> {
    let toolchain = Toolchain::of_rustc()?;
    if toolchain.has_library_source() {
        return Ok(false);
    }
    if program::find("rustup").is_some() {
        let step = Step::start("asking rustup for the sources of Rust's library");
        let mut rustup = program::named("rustup");
        rustup.args(["component", "add", "rust-src"]);
        if program::run(&step, &mut rustup).is_ok() && toolchain.has_library_source() {
            step.done();
            return Ok(true);
        }
    }
    rust_source_package::get(&toolchain)?;
    Ok(true)
}
