//! The parts of `cargo xtask test`, the quickest first, and the mutants, which test the tests.

mod arm;
#[cfg(test)]
mod lint_tables;
mod lints;
mod miri;
pub mod mutants;
mod parts;

use crate::{
    accessors, demo, framework,
    lab::Lab,
    lab_test_driver, new,
    package::{self, Programs, Signing},
    paths, program, setup, wine,
};
use anyhow::Result;
pub use lints::workflows as lint_workflows;
use parts::Part;
use std::{path::PathBuf, process::Command};

/// The parts of the tests.
pub const PARTS: &[Part] = &[
    Part {
        name: "lints",
        what: "formatting and lints, in every workspace",
        by_name: false,
        run: |_| lints::run(),
    },
    Part {
        name: "host",
        what: "tests that need neither Windows nor ring 0",
        by_name: false,
        run: |_| host(),
    },
    Part {
        name: "accessors",
        what: "the accessors' Windows programs, in Wine",
        by_name: false,
        run: |_| wine::test(),
    },
    Part {
        name: "arm",
        what: "the accessors for 64-bit Arm",
        by_name: false,
        run: |_| arm::run(),
    },
    Part {
        name: "package",
        what: "two packages for Windows, from two folders",
        by_name: false,
        run: |_| make_packages(),
    },
    Part {
        name: "wine",
        what: "the package's driver and client, in Wine",
        by_name: false,
        run: |lab| {
            let [package, _] = packages()?;
            wine::run(&package, &lab.images().framework)
        },
    },
    Part {
        name: "new",
        what: "a driver that `cargo xtask new` makes, in ring 0",
        by_name: false,
        run: |_| new::trial::run(),
    },
    Part {
        name: "lab",
        what: "the driver end to end, in ring 0",
        by_name: false,
        run: |lab| end_to_end(&mut program::cargo(), lab, &packages()?),
    },
    Part {
        name: "demo",
        what: "each scene of the demonstration",
        by_name: false,
        run: demo::check,
    },
    Part {
        name: "miri",
        what: "tests in Miri that take minutes; `host` runs the quick ones",
        by_name: true,
        run: |_| miri::all(),
    },
];

/// Runs the parts with these names, or all parts, and stops at the first failure.
pub fn run(only: &[String]) -> Result<()> {
    parts::run(PARTS, only, || {
        setup::for_tests()?;
        Lab::prepare()
    })
}

/// Runs the tests that need neither Windows nor ring 0.
fn host() -> Result<()> {
    program::run_here(program::cargo().current_dir(paths::root()).arg("test"))?;
    miri::quick()?;
    program::run_here(program::cargo().current_dir(paths::root()).args([
        "test",
        "--package",
        "xtask",
        "--test",
        "vm",
        "--",
        "--ignored",
    ]))?;
    let linux_build = paths::root().join("crates/wdk-build-linux");
    program::run_here(
        program::cargo()
            .current_dir(linux_build)
            .args(["test", "--package", "wdk-build"])
            .args(["--target", "host-tuple", "--target-dir"])
            .arg(paths::target().join("wdk-build")),
    )
}

/// Returns the folders of two packages of this tree.
fn package_folders() -> [PathBuf; 2] {
    ["first", "again"].map(|name| paths::target().join("package-test").join(name))
}

/// Returns the two packages, which are made unless an earlier part has made them.
fn packages() -> Result<[PathBuf; 2]> {
    let packages = package_folders();
    if !packages.iter().all(|package| package.is_dir()) {
        make_packages()?;
    }
    Ok(packages)
}

/// Makes two packages of this tree. The second's driver is built in another folder: whatever differs
/// between the two does not depend on the sources alone.
fn make_packages() -> Result<()> {
    setup::packages(&[setup::PACKAGE_CHECKS])?;
    let programs = Programs::build()?;
    let again = Programs {
        driver: mutants::unbroken_driver()?,
        client: programs.client.clone(),
    };
    for (package, programs) in package_folders().iter().zip([programs, again]) {
        let signer = Signing::default().signer(package)?;
        package::make(package, &programs, &signer)?;
    }
    Ok(())
}

/// Runs the tests of the driver as a file, of the packages, and of the driver in the lab.
fn end_to_end(cargo: &mut Command, lab: &Lab, packages: &[PathBuf; 2]) -> Result<()> {
    cargo.current_dir(paths::root()).args([
        "test",
        "--package",
        "ringcopy-tests",
        "--no-fail-fast",
        "--",
        "--ignored",
    ]);
    lab.set_variables(cargo);
    accessors::set_variables(cargo, &accessors::build()?);
    cargo.env(framework::TEST_DRIVER, framework::build_test_driver()?);
    lab_test_driver::set_variable(cargo, &lab_test_driver::build()?);
    cargo
        .env("RINGCOPY_PACKAGE", &packages[0])
        .env("RINGCOPY_PACKAGE_AGAIN", &packages[1])
        .env("RINGCOPY_XTASK", paths::this_program());
    cargo
        .env("RINGCOPY_WINE_SELFTEST", wine::selftest_record())
        .env("RINGCOPY_WINE_LOG", wine::driver_log())
        .env("RINGCOPY_IMAGE_READERS", setup::image_readers()?);
    program::run_here(cargo)?;
    accessors::report_ring_0()
}
