//! Makes the machine able to build: looks for what is needed, and gets what is missing. There is
//! no record of what was done: each run looks again, which takes a fraction of a second.

mod apt_source;
mod image_readers;
mod rust_library;
mod rust_source_package;
mod system_packages;

pub use apt_source::Archive;

use crate::{error::Error, toolchain::Target};
use std::path::PathBuf;
use system_packages::Need;

/// Gets what building the driver and running the lab need.
///
/// # Errors
///
/// The first thing that is missing and can't be got, with the command that would get it.
pub fn run() -> Result<(), Error> {
    if !get_missing(&[system_packages::LAB], Target::FOR_LAB)? {
        eprintln!("set-up: complete, nothing to do");
    }
    Ok(())
}

/// Gets what all the tests need, before the first of them runs: what can't be got, is told of in one
/// command.
///
/// # Errors
///
/// As for [`run`].
pub fn for_tests() -> Result<(), Error> {
    get_missing(
        &[
            system_packages::LAB,
            system_packages::WINDOWS_PROGRAMS,
            system_packages::WINE,
            system_packages::ARM,
            system_packages::PACKAGE_CHECKS,
        ],
        Target::FOR_TESTS,
    )?;
    rust_library::get_sources()?;
    image_readers()?;
    Ok(())
}

/// Gets what reads images of memory back in the tests, and tells the Python that has it.
///
/// # Errors
///
/// As for [`run`].
pub fn image_readers() -> Result<PathBuf, Error> {
    image_readers::get_missing()
}

/// Gets what is needed of these and Rust's library. Returns whether anything was missing.
fn get_missing(needs: &[&'static [Need]], targets: &[Target]) -> Result<bool, Error> {
    if cfg!(windows) {
        return Err(Error::Missing {
            what: "this task builds without the WDK, on Linux; here there is the WDK".to_owned(),
            command: "cargo make".to_owned(),
        });
    }
    let packages = system_packages::get_missing(needs)?;
    let library = rust_library::get_missing(targets)?;
    Ok(packages || library)
}

/// Gets what building Windows programs needs besides.
///
/// # Errors
///
/// As for [`run`].
pub fn for_windows_programs() -> Result<(), Error> {
    system_packages::get_missing(&[system_packages::WINDOWS_PROGRAMS])?;
    rust_library::get_sources()?;
    Ok(())
}

/// Gets what running them needs.
///
/// # Errors
///
/// As for [`run`].
pub fn for_wine() -> Result<(), Error> {
    system_packages::get_missing(&[system_packages::WINE])?;
    for_windows_programs()
}

/// Gets what running tests for 64-bit Arm needs.
///
/// # Errors
///
/// As for [`run`].
pub fn for_arm() -> Result<(), Error> {
    system_packages::get_missing(&[system_packages::ARM])?;
    Ok(())
}

/// Gets what the accessors' benchmarks need.
///
/// # Errors
///
/// As for [`run`].
pub fn for_benchmarks() -> Result<(), Error> {
    for_wine()?;
    system_packages::get_missing(&[system_packages::BENCHMARKS])?;
    Ok(())
}

/// Gets what tells whether a package is signed as it should be.
///
/// # Errors
///
/// As for [`run`].
pub fn for_package_checks() -> Result<(), Error> {
    system_packages::get_missing(&[system_packages::PACKAGE_CHECKS])?;
    Ok(())
}

/// Gets what making the root file system of another release needs.
///
/// # Errors
///
/// As for [`run`].
pub fn for_releases() -> Result<(), Error> {
    system_packages::get_missing(&[system_packages::RELEASES])?;
    Ok(())
}
