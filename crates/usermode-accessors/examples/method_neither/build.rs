//! The image imports from the kernel alone and starts at `DriverEntry`.

fn main() -> Result<(), wdk_build::ConfigError> {
    wdk_build::configure_export_driver_build()
}
