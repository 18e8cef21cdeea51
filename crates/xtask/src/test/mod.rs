//! Everything that `cargo xtask test` proves, in the order of what it costs to find out.

mod arm;
mod lints;
mod mutants;

use crate::{
    accessors,
    error::Error,
    lab::Lab,
    package::{self, Programs, Signing},
    places, program, setup, wine,
};
use std::{env, path::PathBuf, process::Command};

/// Runs it all, and stops at the first failure.
///
/// # Errors
///
/// What failed; the failing program has said why.
pub fn run() -> Result<(), Error> {
    setup::for_tests()?;
    let lab = Lab::prepare()?;
    lints::run()?;
    host()?;
    wine::test()?;
    arm::run()?;
    wine::lint()?;
    let packages = packages()?;
    wine::run(&packages[0], &lab.images().framework)?;
    end_to_end(&mut program::cargo(), &lab, &packages)?;
    mutants::run(&lab)
}

/// All that can be tested without ring 0.
fn host() -> Result<(), Error> {
    program::run_here(program::cargo().current_dir(places::root()).arg("test"))?;
    let linux_build = places::root().join("crates/wdk-build-linux");
    program::run_here(
        program::cargo()
            .current_dir(linux_build)
            .args(["test", "--package", "wdk-build", "--target-dir"])
            .arg(places::target().join("wdk-build")),
    )
}

/// Two packages of this tree. The second's driver is built anew, from a copy of the tree elsewhere:
/// what differs between the two depends on something else than the sources.
fn packages() -> Result<[PathBuf; 2], Error> {
    setup::for_package_checks()?;
    let programs = Programs::build()?;
    let again = Programs {
        driver: mutants::unbroken_driver()?,
        client: programs.client.clone(),
    };
    let folder = places::target().join("package-test");
    let packages = ["first", "again"].map(|name| folder.join(name));
    for (package, programs) in packages.iter().zip([programs, again]) {
        let signer = Signing::default().signer(package)?;
        package::make(package, &programs, &signer)?;
    }
    Ok(packages)
}

/// The driver as a file, the package, and the driver at work in the lab.
fn end_to_end(cargo: &mut Command, lab: &Lab, packages: &[PathBuf; 2]) -> Result<(), Error> {
    cargo.current_dir(places::root()).args([
        "test",
        "--package",
        "ringcopy-tests",
        "--no-fail-fast",
        "--",
        "--ignored",
    ]);
    lab.tell(cargo);
    accessors::tell(cargo, &accessors::build()?);
    cargo
        .env("RINGCOPY_PACKAGE", &packages[0])
        .env("RINGCOPY_PACKAGE_AGAIN", &packages[1])
        .env(
            "RINGCOPY_XTASK",
            env::current_exe().map_err(Error::file("xtask"))?,
        );
    cargo
        .env("RINGCOPY_WINE_SELFTEST", wine::selftest_record())
        .env("RINGCOPY_IMAGE_READERS", setup::image_readers()?);
    program::run_here(cargo)?;
    accessors::report_ring_0()
}
