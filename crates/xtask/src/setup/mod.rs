//! Installs what builds and tests need. Nothing is recorded: each run checks again, which takes a
//! fraction of a second. What can't be installed is named in the error, with the command for it.

mod archive;
mod image_readers;
mod python_environment;
mod rust_library;
mod rust_source_package;
mod system_packages;
mod workflow_linters;

pub use archive::{DEBIAN_KEYRING, of_this_machine as archive_of_this_machine};
pub use image_readers::install as image_readers;
pub use workflow_linters::install as workflow_linters;

pub use system_packages::{
    ARM, BENCHMARKS, PACKAGE_CHECKS, RELEASES, VIRTUAL_MACHINES, install as packages,
};

use crate::toolchain::Target;
use anyhow::{Result, bail};
use system_packages::{LAB, Need, WINDOWS_PROGRAMS, WINE};

/// Installs the needs of the driver's build and of the lab.
pub fn run() -> Result<()> {
    if !install(&[LAB], Target::FOR_LAB)? {
        eprintln!("set-up: complete, nothing to do");
    }
    Ok(())
}

/// Installs the needs of all tests before the first runs, so that one command names all that is
/// missing.
pub fn for_tests() -> Result<()> {
    install(
        &[
            LAB,
            WINDOWS_PROGRAMS,
            WINE,
            ARM,
            PACKAGE_CHECKS,
            VIRTUAL_MACHINES,
        ],
        Target::FOR_TESTS,
    )?;
    rust_library::install_sources()?;
    image_readers()?;
    workflow_linters()?;
    Ok(())
}

/// Installs system packages and Rust's library. Returns whether anything was missing.
fn install(needs: &[&'static [Need]], targets: &[Target]) -> Result<bool> {
    if cfg!(windows) {
        bail!("this task builds without the WDK, on Linux; on Windows, run: cargo make");
    }
    let installed = packages(needs)?;
    let library = rust_library::install(targets)?;
    Ok(installed || library)
}

/// Installs the needs of Windows programs.
pub fn for_windows_programs() -> Result<()> {
    packages(&[WINDOWS_PROGRAMS])?;
    rust_library::install_sources().map(drop)
}

/// Installs the needs of Windows programs, and of running them.
pub fn for_wine() -> Result<()> {
    packages(&[WINE])?;
    for_windows_programs()
}
