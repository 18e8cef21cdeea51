//! The linking of kernel-mode images: libraries, entry point and the linker's arguments.

use crate::{Config, ConfigError, IoError, config, headers, import_library};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// What the real one passes for every driver, less `/KERNEL`, `/MAPINFO` and `/IGNORE`, which lld
/// doesn't know.
const ARGUMENTS: [&str; 9] = [
    "/DRIVER",
    "/NODEFAULTLIB",
    "/SUBSYSTEM:NATIVE",
    "/NXCOMPAT",
    "/DYNAMICBASE",
    "/OPT:REF,ICF",
    "/INTEGRITYCHECK",
    "/MAP",
    "/MANIFEST:NO",
];

/// What is asked of the linker besides. That equal sources make equal images: a PDB would hold the
/// name of rustc's temporary folder, and the image the PDB's hash, so there is none, and addresses
/// are looked up in the map. And the checksum, which Windows verifies in a driver.
const ARGUMENTS_OF_OURS: [&str; 4] = ["/BREPRO", "/DEBUG:NONE", "/HIGHENTROPYVA", "/RELEASE"];

/// Configures the link of a KMDF driver: for a driver's build script.
///
/// # Errors
///
/// If the target or its C runtime is not what a driver needs, or a tool or header is missing.
pub fn configure_wdk_binary_build() -> Result<(), ConfigError> {
    let (config, folder) = configure_image("FxDriverEntry")?;
    for name in ["hal", "wmilib", "WdfLdr"] {
        import_library::make(name, &folder)?;
        link_library(name);
    }
    compile_driver_entry(&config)?;
    link_library("WdfDriverEntry");

    // Microsoft's holds the stack cookie's checks; code compiled without cookies calls none.
    let empty = folder.join("BufferOverflowFastFailK.lib");
    fs::write(&empty, "!<arch>\n").map_err(|source| IoError::with_path(empty, source))?;
    link_library("BufferOverflowFastFailK");
    Ok(())
}

/// Configures the link of an export driver, a DLL for other drivers, over the kernel alone. Not
/// part of the real `wdk-build`: for the build script of the framework's stand-in.
///
/// # Errors
///
/// As [`configure_wdk_binary_build`].
pub fn configure_export_driver_build() -> Result<(), ConfigError> {
    configure_image("DriverEntry").map(|_| ())
}

/// What both kinds of image have in common. Returns the folder for libraries, which the linker
/// searches.
fn configure_image(entry: &str) -> Result<(Config, PathBuf), ConfigError> {
    config::require_target()?;
    config::require_static_crt()?;
    let config = Config::new()?;
    config.emit_cfg_settings();

    let folder = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    println!("cargo::rustc-link-search=native={}", folder.display());
    println!("cargo::rustc-cdylib-link-arg=/ENTRY:{entry}");
    for argument in ARGUMENTS.into_iter().chain(ARGUMENTS_OF_OURS) {
        println!("cargo::rustc-cdylib-link-arg={argument}");
    }
    import_library::make("ntoskrnl", &folder)?;
    link_library("ntoskrnl");
    Ok((config, folder))
}

fn link_library(name: &str) {
    println!("cargo::rustc-cdylib-link-arg={name}.lib");
}

/// Compiles the entry point that the image starts at.
fn compile_driver_entry(config: &Config) -> Result<(), ConfigError> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = package.join("driver-entry/WdfDriverEntry.c");
    println!("cargo::rerun-if-changed={}", source.display());
    println!(
        "cargo::rerun-if-changed={}",
        package.join("include").display()
    );

    let mut build = cc::Build::new();
    build
        .cargo_metadata(false)
        .file(source)
        .flags(
            config
                .include_paths()?
                .map(|folder| format!("-isystem{}", folder.display())),
        )
        .flags(headers::DIALECT)
        .flags(headers::FREESTANDING);
    for (name, value) in config.preprocessor_definitions() {
        build.define(&name, value.as_deref());
    }
    Ok(build.try_compile("WdfDriverEntry")?)
}
