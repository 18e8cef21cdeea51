//! Errors of a build, with advice where there is any.

use std::path::PathBuf;

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
#[derive(Debug, thiserror::Error)]
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

    /// The layouts and the import libraries are for another target.
    #[error("this wdk-build serves the target x86_64-pc-windows-msvc, not {target}")]
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

    /// `llvm-dlltool` ran and failed.
    #[error("llvm-dlltool failed on {}: {message}", definition.display())]
    ImportLibrary {
        /// The list of names.
        definition: PathBuf,
        /// What the program printed.
        message: String,
    },

    /// The entry point in C did not compile.
    #[error("WdfDriverEntry.c: {0}")]
    DriverEntry(#[from] cc::Error),

    /// bindgen knows no such version of Rust.
    #[error("bindgen: {0}")]
    RustTarget(String),
}
