//! Errors of a build, with advice where there is any.

use crate::{ApiSubset, DriverConfig};
use std::{fmt, path::PathBuf};

/// The error of a file or program.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct IoError {
    path: PathBuf,
    source: std::io::Error,
}

impl IoError {
    /// Makes the error of `path`.
    pub fn with_path(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self {
            path: path.into(),
            source,
        }
    }
}

/// Why a build could not be configured.
///
/// Its `Debug` form is the same sentence, because that is the form in which the `main` of a build script
/// prints it.
#[derive(thiserror::Error)]
pub enum ConfigError {
    /// The error of a file or program.
    #[error(transparent)]
    Io(#[from] IoError),

    /// mingw-w64's headers for drivers are in none of the known folders.
    #[error(
        "no header ddk/ntifs.h under {searched:?}; on Debian and its kin: apt-get install mingw-w64-common"
    )]
    HeadersNotFound {
        /// The include folders that were tried.
        searched: Vec<PathBuf>,
    },

    /// The target folder lies outside of the project, so that the project's manifest is not found.
    #[error(
        "no Cargo.lock in a folder above {}; keep the target folder inside the project that is built", out.display()
    )]
    ProjectNotFound {
        /// The output folder of the build script.
        out: PathBuf,
    },

    /// The project's manifest could not be read, or has something else than a version in it.
    #[error("package.metadata.wdk: {0}")]
    Metadata(String),

    /// No manifest of the project names a driver model.
    #[error(
        "{} has no [package.metadata.wdk.driver-model]; a KMDF driver has there: driver-type = \"KMDF\", \
         kmdf-version-major = 1, target-kmdf-version-minor = 31", root.display()
    )]
    NoDriverModel {
        /// The root of the project.
        root: PathBuf,
    },

    /// Manifests of the project name models that differ.
    #[error("the project asks for more than one driver model, and one build has one: {models:?}")]
    SeveralDriverModels {
        /// The models.
        models: Vec<DriverConfig>,
    },

    /// The model is not KMDF.
    #[error(
        "package.metadata.wdk: driver-type is {driver_type:?}; this wdk-build builds drivers of the type \
         \"KMDF\", and Microsoft's wdk-build on Windows builds the others"
    )]
    UnsupportedDriverType {
        /// The type asked for.
        driver_type: String,
    },

    /// The declarations are those of other versions.
    #[error(
        "this wdk-build has declarations for KMDF 1.31 to 1.33, not for {major}.{target} with the minimum \
         {major}.{minimum}; a driver for 1.31 runs on every later framework"
    )]
    UnsupportedKmdf {
        /// Major version.
        major: u8,
        /// Minor version that the driver is built for.
        target: u8,
        /// Oldest minor version that the driver runs with.
        minimum: u8,
    },

    /// mingw-w64 has no headers for the subset.
    #[error(
        "mingw-w64 has no headers for the subset {api_subset:?} of wdk-sys; Microsoft's wdk-build on \
         Windows builds a driver that needs them"
    )]
    SubsetWithoutHeaders {
        /// The subset asked for.
        api_subset: ApiSubset,
    },

    /// The layouts and the import libraries are for another target.
    #[error(
        "this wdk-build serves the target x86_64-pc-windows-msvc, not {target}; pass --target x86_64-pc-windows-msvc to cargo"
    )]
    UnsupportedTarget {
        /// The target asked for.
        target: String,
    },

    /// A kernel-mode image cannot load a C runtime.
    #[error(
        "the C runtime is not linked statically; add `-C target-feature=+crt-static` to the target's \
         rustflags in .cargo/config.toml"
    )]
    StaticCrtNotEnabled,

    /// The linker of Microsoft's toolchain is not on Linux.
    #[error(
        "no linker is named for x86_64-pc-windows-msvc; add linker = \"rust-lld\" and the rustflags \
         \"-C\", \"linker-flavor=lld-link\" to [target.x86_64-pc-windows-msvc] in .cargo/config.toml"
    )]
    NoLinker,

    /// The `cc` crate would look for a compiler of Microsoft's.
    #[error(
        "no C compiler is named for x86_64-pc-windows-msvc; add CC_x86_64_pc_windows_msvc = \"clang\" and \
         AR_x86_64_pc_windows_msvc = \"llvm-lib\" to [env] in .cargo/config.toml"
    )]
    NoCompiler,

    /// The C compiler would read the headers as Microsoft's compiler does.
    #[error(
        "CFLAGS_x86_64_pc_windows_msvc lacks {missing}, with which clang reads mingw-w64's headers; set it in \
         [env] in .cargo/config.toml"
    )]
    NoDialect {
        /// The missing options.
        missing: String,
    },

    /// `llvm-dlltool` ran and failed.
    #[error("llvm-dlltool failed on {}: {message}", definition.display())]
    ImportLibrary {
        /// The list of names.
        definition: PathBuf,
        /// What the program printed.
        message: String,
    },

    /// A file in C did not compile: the entry point, or the driver's own.
    #[error("clang: {0}")]
    Compiler(#[from] cc::Error),

    /// bindgen knows no such version of Rust.
    #[error("bindgen: {0}")]
    RustTarget(String),
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
