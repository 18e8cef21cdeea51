//! What can go wrong, with the way out where there is one.

use std::path::PathBuf;

/// A file or program that could not be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct IoError {
    path: PathBuf,
    source: std::io::Error,
}

impl IoError {
    /// An error met while using `path`.
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
    /// A file or program that could not be used.
    #[error(transparent)]
    Io(#[from] IoError),

    /// mingw-w64's headers for drivers are in none of the known places.
    #[error(
        "no header ddk/ntifs.h under {searched:?}; on Debian and its kin: apt-get install mingw-w64-common"
    )]
    HeadersNotFound {
        /// The include folders that were tried.
        searched: Vec<PathBuf>,
    },

    /// The target is not the one that the layouts and the import libraries are for.
    #[error("this wdk-build serves the target x86_64-pc-windows-msvc, not {target}")]
    UnsupportedTarget {
        /// The target asked for.
        target: String,
    },

    /// A kernel-mode image can't load a C runtime.
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
        /// What the program said.
        message: String,
    },

    /// The entry point in C did not compile.
    #[error("WdfDriverEntry.c: {0}")]
    DriverEntry(#[from] cc::Error),

    /// bindgen knows no such version of Rust.
    #[error("bindgen: {0}")]
    RustTarget(String),
}
