//! The driver that tests the stand-in for KMDF.

use crate::driver;
use anyhow::Result;
use std::path::PathBuf;

/// The variable with its path.
pub const TEST_DRIVER: &str = "RINGCOPY_WDF_TEST_DRIVER";

/// Builds it.
pub fn build_test_driver() -> Result<PathBuf> {
    let [driver] = driver::build_files(
        "building the framework's test driver",
        &["wdf-test-driver"],
        [("wdf_test_driver.dll", "wdf-test.sys")],
    )?;
    Ok(driver)
}
