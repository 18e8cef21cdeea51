//! Tells the linker how to make a KMDF driver of this package.

fn main() -> Result<(), wdk_build::ConfigError> {
    wdk_build::configure_wdk_binary_build()
}
