//! Rust's standard library for the targets that are not the host's: compiled, or as sources to be
//! compiled along with the project.

use super::rust_source_package;
use crate::{
    error::Error,
    program,
    step::Step,
    toolchain::{Target, Toolchain},
};

/// Gets the library for `targets` if it is neither there compiled nor as sources. Returns whether it
/// had to.
///
/// # Errors
///
/// [`Error::Missing`] if no way led to it.
pub(super) fn get_missing(targets: &[Target]) -> Result<bool, Error> {
    let toolchain = Toolchain::of_rustc()?;
    if is_there(&toolchain, targets) {
        return Ok(false);
    }

    if program::find("rustup").is_some() {
        let step = Step::start("asking rustup for Rust's library");
        for ask in [["target", "add"], ["component", "add"]] {
            let mut rustup = program::named("rustup");
            rustup.args(ask);
            match ask[0] {
                "target" => rustup.args(targets.iter().map(|target| target.triple())),
                _ => rustup.arg("rust-src"),
            };
            // Where rustup can't get it, the next way may.
            if program::run(&step, &mut rustup).is_ok() && is_there(&toolchain, targets) {
                step.done();
                return Ok(true);
            }
        }
    }

    rust_source_package::get(&toolchain)?;
    Ok(true)
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

fn is_there(toolchain: &Toolchain, targets: &[Target]) -> bool {
    toolchain.has_library_source()
        || targets
            .iter()
            .all(|target| toolchain.has_compiled_library(*target))
}
