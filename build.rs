//! Tells the linker how to make a KMDF driver of this package.

#[cfg(windows)]
fn main() -> Result<(), wdk_build::ConfigError> {
    wdk_build::configure_wdk_binary_build()
}

/// Elsewhere the package is empty: a Linux host builds the driver in `crates/wdk-build-linux`.
#[cfg(not(windows))]
const fn main() {}
