//! The driver that tests of the lab itself load.

use crate::driver;
use anyhow::Result;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The variable with its path.
const VARIABLE: &str = "RINGCOPY_LAB_TEST_DRIVER";

/// Builds it, with its PDB and the linker's map beside it.
pub fn build() -> Result<PathBuf> {
    let [driver, _, _] = driver::build_files(
        "building the lab's test driver",
        &["lab-test-driver"],
        [
            ("lab_test_driver.dll", "lab-test.sys"),
            ("lab_test_driver.pdb", "lab-test.pdb"),
            ("deps/lab_test_driver.map", "lab-test.map"),
        ],
    )?;
    Ok(driver)
}

/// Sets the variable that tells tests where it is.
pub fn set_variable(command: &mut Command, driver: &Path) {
    command.env(VARIABLE, driver);
}
