//! Stands in for Microsoft's `wdk-build` on a Linux host.
//!
//! The crates `wdk`, `wdk-sys`, `wdk-alloc` and `wdk-panic` come from the registry unchanged. Their
//! build scripts, and a driver's, ask `wdk-build` for the WDK. In its place, this crate has the kernel
//! headers of mingw-w64, headers of this project for what those lack, import libraries made from
//! lists of names, and an entry point in C. It has the part of the interface of `wdk-build` 0.6.0
//! (<https://docs.rs/wdk-build/0.6.0/wdk_build/>) that those build scripts call.
//!
//! It builds KMDF drivers for x64, for the version that the manifest asks for (1.31 to 1.33).

#![forbid(unsafe_code)]
#![expect(
    clippy::redundant_pub_crate,
    reason = "an item shows its own visibility, without a look at its module"
)]

mod bindgen;
mod config;
mod driver_link;
mod error;
mod headers;
mod import_library;
mod metadata;
mod settings;
mod signature_cache;

pub use bindgen::BuilderExt;
pub use config::{ApiSubset, Config, DriverConfig, KmdfConfig, UmdfConfig};
pub use driver_link::{compile_c, configure_export_driver_build, configure_wdk_binary_build};
// For `compile_c`.
pub use cc;
pub use error::{ConfigError, IoError};

/// Sets the driver model for the build of a library, as `cfg(driver_model__driver_type = "KMDF")`.
///
/// # Errors
///
/// If the kernel headers of mingw-w64 are missing, or the manifest asks for no driver model that is
/// known here.
pub fn configure_wdk_library_build() -> Result<(), ConfigError> {
    Config::new()?.emit_cfg_settings();
    Ok(())
}

/// As [`configure_wdk_library_build`], then runs `f` with the configuration. `wdk-sys` makes its
/// bindings in `f`.
///
/// # Errors
///
/// As [`configure_wdk_library_build`], and whatever `f` returns.
pub fn configure_wdk_library_build_and_then<F, E>(mut f: F) -> Result<(), E>
where
    F: FnMut(Config) -> Result<(), E>,
    E: From<ConfigError>,
{
    settings::require_target(&settings::of_process)?;
    settings::require_compiler(&settings::of_process)?;
    let config = Config::new()?;
    config.emit_cfg_settings();
    signature_cache::delete()?;
    f(config)
}
