//! The configuration that build scripts read.

use crate::{
    ConfigError,
    headers::{self, HeaderFolders},
    metadata,
};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use std::path::PathBuf;

/// The driver model of a build, and its headers.
#[derive(Debug, Clone)]
pub struct Config {
    /// The driver model.
    pub driver_config: DriverConfig,
    folders: HeaderFolders,
    root: Utf8PathBuf,
}

/// The driver model. Build scripts match on all three; [`Config`] holds KMDF alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriverConfig {
    /// No framework.
    Wdm,
    /// The Kernel-Mode Driver Framework.
    Kmdf(KmdfConfig),
    /// The User-Mode Driver Framework.
    Umdf(UmdfConfig),
}

/// Version of the Kernel-Mode Driver Framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KmdfConfig {
    /// Major version.
    pub kmdf_version_major: u8,
    /// Minor version that the driver is built for.
    pub target_kmdf_version_minor: u8,
    /// Oldest minor version that the driver runs with, if it is another.
    pub minimum_kmdf_version_minor: Option<u8>,
}

/// Version of the User-Mode Driver Framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UmdfConfig {
    /// Major version.
    pub umdf_version_major: u8,
    /// Minor version that the driver is built for.
    pub target_umdf_version_minor: u8,
    /// Oldest minor version that the driver runs with, if it is another.
    pub minimum_umdf_version_minor: Option<u8>,
}

/// A part of the WDK that `wdk-sys` generates bindings for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiSubset {
    /// The functions of the kernel.
    Base,
    /// The framework.
    Wdf,
    /// General-purpose I/O.
    Gpio,
    /// Human interface devices.
    Hid,
    /// Parallel and serial ports.
    ParallelPorts,
    /// The Simple Peripheral Bus.
    Spb,
    /// Storage.
    Storage,
    /// The Universal Serial Bus.
    Usb,
}

impl Config {
    /// The configuration of the project that is built.
    ///
    /// # Errors
    ///
    /// If the kernel headers of mingw-w64 are missing, or the project asks for no driver model that is
    /// known here.
    pub(crate) fn new() -> Result<Self, ConfigError> {
        let (driver_config, root) = metadata::driver_config()?;
        Ok(Self {
            driver_config,
            folders: HeaderFolders::find()?,
            root,
        })
    }

    /// The root of the project that is built.
    pub(crate) fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// Prints the driver model's `cfg` for cargo, and its possible values.
    pub(crate) fn emit_cfg_settings(&self) {
        println!(
            r#"cargo::rustc-check-cfg=cfg(driver_model__driver_type, values("WDM", "KMDF", "UMDF"))"#
        );
        let model = match self.driver_config {
            DriverConfig::Wdm => "WDM",
            DriverConfig::Kmdf(_) => "KMDF",
            DriverConfig::Umdf(_) => "UMDF",
        };
        println!(r#"cargo::rustc-cfg=driver_model__driver_type="{model}""#);
    }

    /// Folders to search for headers, first to last.
    ///
    /// # Errors
    ///
    /// None; the signature is that of Microsoft's `wdk-build`.
    pub fn include_paths(&self) -> Result<impl Iterator<Item = PathBuf>, ConfigError> {
        Ok(self.folders.paths().into_iter())
    }

    /// The compiler for C code of a driver, which includes `ntddk.h` and `wdf.h`.
    pub(crate) fn c_compiler(&self) -> cc::Build {
        let mut compiler = cc::Build::new();
        let folders = self.folders.paths_for_c();
        compiler
            .cargo_metadata(false)
            .flags(folders.map(|folder| format!("-isystem{}", folder.display())))
            .flags(headers::DIALECT)
            .flags(headers::FREESTANDING);
        for (name, value) in self.preprocessor_definitions() {
            compiler.define(&name, value.as_deref());
        }
        // Else mingw-w64's headers define these two in every file, and the linker finds several.
        for name in ["InterlockedBitTestAndSet", "InterlockedBitTestAndReset"] {
            compiler.define(&format!("__INTRINSIC_DEFINED_{name}"), None);
        }
        compiler
    }

    /// Macros to define: name, and value if it has one.
    pub fn preprocessor_definitions(&self) -> impl Iterator<Item = (String, Option<String>)> {
        headers::definitions(self.driver_config).into_iter()
    }

    /// The headers of a subset.
    ///
    /// # Errors
    ///
    /// [`ConfigError::SubsetWithoutHeaders`].
    pub fn headers(
        &self,
        api_subset: ApiSubset,
    ) -> Result<impl Iterator<Item = String>, ConfigError> {
        match headers::of(api_subset) {
            [] => Err(ConfigError::SubsetWithoutHeaders { api_subset }),
            headers => Ok(headers.iter().map(ToString::to_string)),
        }
    }

    /// C source that includes the headers of `api_subsets`, in that order.
    ///
    /// # Errors
    ///
    /// [`ConfigError::SubsetWithoutHeaders`].
    pub fn bindgen_header_contents(
        &self,
        api_subsets: impl IntoIterator<Item = ApiSubset>,
    ) -> Result<String, ConfigError> {
        let mut contents = String::new();
        for subset in api_subsets {
            for header in self.headers(subset)? {
                contents.extend(["#include \"", header.as_str(), "\"\n"]);
            }
        }
        Ok(contents)
    }

    /// Libraries that the bindings link: none. The driver's build script names all libraries
    /// ([`configure_wdk_binary_build`](crate::configure_wdk_binary_build)), so that an image that uses
    /// the types alone, such as the framework's stand-in, imports nothing.
    #[must_use]
    pub const fn bindgen_library_link_raw_lines(&self, _: ApiSubset) -> Option<String> {
        None
    }

    /// Name of the client's variable that points at the framework's function table. The framework's
    /// version is part of it.
    #[must_use]
    pub fn compute_wdffunctions_symbol_name(&self) -> Option<String> {
        let (major, minor) = match self.driver_config {
            DriverConfig::Wdm => return None,
            DriverConfig::Kmdf(kmdf) => (kmdf.kmdf_version_major, kmdf.target_kmdf_version_minor),
            DriverConfig::Umdf(umdf) => (umdf.umdf_version_major, umdf.target_umdf_version_minor),
        };
        Some(headers::function_table(major, minor))
    }
}
