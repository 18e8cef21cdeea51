//! The linking of kernel-mode images: libraries, entry point and the linker's arguments.

use crate::{Config, ConfigError, IoError, import_library, settings};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The arguments that Microsoft's `wdk-build` passes for every driver, without `/KERNEL`, `/MAPINFO`
/// and `/IGNORE`, which lld does not know.
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

/// More arguments, so that equal sources make equal images, and an image has the checksum that
/// Windows verifies in a driver. There is no PDB: it would hold the name of rustc's temporary folder,
/// and the image the hash of the PDB. The map has the addresses.
const ARGUMENTS_OF_OURS: [&str; 4] = ["/BREPRO", "/DEBUG:NONE", "/HIGHENTROPYVA", "/RELEASE"];

/// Configures the link of a KMDF driver: for a driver's build script.
///
/// # Errors
///
/// If the target or its C runtime is not that of a driver, or a tool or header is missing.
pub fn configure_wdk_binary_build() -> Result<(), ConfigError> {
    let (config, folder) = configure_image("FxDriverEntry")?;
    for name in ["hal", "wmilib", "WdfLdr"] {
        import_library::make(name, &folder)?;
        link_library(name);
    }
    compile_driver_entry(&config)?;
    link_library("WdfDriverEntry");

    // Microsoft's library has the checks of stack cookies. Code without cookies does not call them.
    // The crate `tracelogging` names the other one, for a function that no driver may call; on Windows
    // it is in the SDK's folder of libraries, which the compiler adds.
    for name in ["BufferOverflowFastFailK", "rpcrt4"] {
        let empty = folder.join(name).with_extension("lib");
        fs::write(&empty, "!<arch>\n").map_err(|source| IoError::with_path(empty, source))?;
    }
    link_library("BufferOverflowFastFailK");
    Ok(())
}

/// Configures the link of an export driver, a DLL for other drivers, with the kernel's library alone.
/// Microsoft's `wdk-build` has no such function; the build script of the framework's stand-in calls it.
///
/// # Errors
///
/// As [`configure_wdk_binary_build`].
pub fn configure_export_driver_build() -> Result<(), ConfigError> {
    configure_image("DriverEntry").map(|_| ())
}

/// Configures the link of either image. Returns the folder for libraries, which the linker searches.
fn configure_image(entry: &str) -> Result<(Config, PathBuf), ConfigError> {
    settings::require_target(&settings::of_process)?;
    settings::require_link(&settings::of_process)?;
    settings::require_compiler(&settings::of_process)?;
    let config = Config::new()?;
    if let Some(profile) = settings::unwinding_profile(config.root(), &settings::of_process) {
        println!(
            "cargo::warning=the profile `{profile}` unwinds on a panic, and a driver cannot; add \
             panic = \"abort\" to [profile.{profile}] in {}/Cargo.toml",
            config.root()
        );
    }
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

/// Compiles the image's entry point.
fn compile_driver_entry(config: &Config) -> Result<(), ConfigError> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = package.join("driver-entry/WdfDriverEntry.c");
    println!("cargo::rerun-if-changed={}", source.display());
    println!(
        "cargo::rerun-if-changed={}",
        package.join("include").display()
    );

    let mut compiler = config.c_compiler();
    Ok(compiler.file(source).try_compile("WdfDriverEntry")?)
}

/// Compiles files in C into the image, after [`configure_wdk_binary_build`]: for a driver in C, or the part
/// of one. Microsoft's `wdk-build` has no such function. `adapt` may add folders and options.
///
/// # Errors
///
/// If a file does not compile, or as [`configure_wdk_binary_build`].
pub fn compile_c(
    name: &str,
    files: impl IntoIterator<Item = PathBuf>,
    adapt: impl FnOnce(&mut cc::Build),
) -> Result<(), ConfigError> {
    let mut compiler = Config::new()?.c_compiler();
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
        compiler.file(file);
    }
    adapt(&mut compiler);
    compiler.try_compile(name)?;
    link_library(name);
    Ok(())
}
