//! Everything that `cargo xtask test` proves, in the order of what it costs to find out; and the
//! mutants, which prove the tests.

mod arm;
mod lints;
pub mod mutants;
mod parts;

use crate::{
    accessors,
    error::Error,
    lab::Lab,
    package::{self, Programs, Signing},
    places, program, setup, wine,
};
use parts::Part;
use std::{env, path::PathBuf, process::Command};

/// The parts of the tests.
pub const PARTS: &[Part] = &[
    Part {
        name: "lints",
        what: "formatting and lints, in every workspace",
        run: |_| lints::run(),
    },
    Part {
        name: "host",
        what: "what can be tested without Windows or ring 0",
        run: |_| host(),
    },
    Part {
        name: "accessors",
        what: "the accessors' Windows programs, in Wine",
        run: |_| wine::test(),
    },
    Part {
        name: "arm",
        what: "the accessors for 64-bit Arm",
        run: |_| arm::run(),
    },
    Part {
        name: "package",
        what: "two packages for Windows, from two folders",
        run: |_| make_packages(),
    },
    Part {
        name: "wine",
        what: "the package's driver and client, in Wine",
        run: |lab| {
            let [package, _] = packages()?;
            wine::run(&package, &lab.images().framework)
        },
    },
    Part {
        name: "lab",
        what: "the driver end to end, in ring 0",
        run: |lab| end_to_end(&mut program::cargo(), lab, &packages()?),
    },
];

/// Runs the parts with these names, or all, and stops at the first failure.
///
/// # Errors
///
/// What failed; the failing program has said why.
pub fn run(only: &[String]) -> Result<(), Error> {
    let mut parts = parts::Run::of(PARTS, only);
    parts
        .prepare(|| {
            setup::for_tests()?;
            Lab::prepare()
        })
        .and_then(|lab| parts.each(&lab))
}

/// All that can be tested without ring 0.
fn host() -> Result<(), Error> {
    program::run_here(program::cargo().current_dir(places::root()).arg("test"))?;
    let linux_build = places::root().join("crates/wdk-build-linux");
    program::run_here(
        program::cargo()
            .current_dir(linux_build)
            .args(["test", "--package", "wdk-build"])
            .args(["--target", "host-tuple", "--target-dir"])
            .arg(places::target().join("wdk-build")),
    )
}

/// Where two packages of this tree are.
fn package_folders() -> [PathBuf; 2] {
    ["first", "again"].map(|name| places::target().join("package-test").join(name))
}

/// The two packages. They are made where an earlier part has not made them.
fn packages() -> Result<[PathBuf; 2], Error> {
    let packages = package_folders();
    if !packages.iter().all(|package| package.is_dir()) {
        make_packages()?;
    }
    Ok(packages)
}

/// Makes two packages of this tree. The second's driver is built from a copy of the tree elsewhere:
/// what differs between the two depends on something else than the sources.
fn make_packages() -> Result<(), Error> {
    setup::for_package_checks()?;
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
