//! The Rust toolchain that cargo runs here with, and what it can build for.

use crate::{error::Error, program};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What Windows programs are built for: they need nothing that Windows 7, or Wine 8, lacks, such as
/// `bcryptprimitives.dll`. Nobody has its standard library, which is compiled along.
pub const WINDOWS_PROGRAMS: &str = "x86_64-win7-windows-gnu";

/// Their linker: mingw-w64's, which links the C runtime's start-up code and libgcc in.
pub const WINDOWS_PROGRAMS_LINKER: &str = "x86_64-w64-mingw32-gcc";

/// What makes import libraries for them, as rustc would choose it by itself.
pub const WINDOWS_PROGRAMS_DLLTOOL: &str = "x86_64-w64-mingw32-dlltool";

/// A target other than the host's that the project builds for.
#[derive(Clone, Copy)]
pub enum Target {
    /// The driver and the framework's stand-in.
    Windows,
    /// The lab's kernel.
    BareMetal,
    /// The accessors alone, to look at.
    WindowsOnArm,
    /// The accessors' tests, which QEMU's user-mode emulator runs.
    LinuxOnArm,
}

impl Target {
    /// Those that the driver and the lab need.
    pub const FOR_LAB: &[Self] = &[Self::Windows, Self::BareMetal];

    /// Those that all tests need.
    pub const FOR_TESTS: &[Self] = &[
        Self::Windows,
        Self::BareMetal,
        Self::WindowsOnArm,
        Self::LinuxOnArm,
    ];

    /// The name that rustc gives it.
    pub const fn triple(self) -> &'static str {
        match self {
            Self::Windows => "x86_64-pc-windows-msvc",
            Self::BareMetal => "x86_64-unknown-none",
            Self::WindowsOnArm => "aarch64-pc-windows-msvc",
            Self::LinuxOnArm => "aarch64-unknown-linux-gnu",
        }
    }
}

/// An installed toolchain.
pub struct Toolchain {
    /// rustc's version, as in `1.95.0`.
    pub release: String,
    /// The commit that rustc was built from, if rustc knows it.
    pub commit: Option<String>,
    sysroot: PathBuf,
}

impl Toolchain {
    /// Asks rustc about itself.
    ///
    /// # Errors
    ///
    /// If rustc can't be run.
    pub fn of_rustc() -> Result<Self, Error> {
        let version = program::output_of(program::named("rustc").args(["--version", "--verbose"]))?;
        let sysroot = program::output_of(program::named("rustc").args(["--print", "sysroot"]))?;
        Ok(Self {
            release: field(&version, "release").unwrap_or_default().to_owned(),
            commit: field(&version, "commit-hash")
                .filter(|commit| *commit != "unknown")
                .map(str::to_owned),
            sysroot: PathBuf::from(sysroot.trim()),
        })
    }

    /// Where all of it is.
    pub fn sysroot(&self) -> &Path {
        &self.sysroot
    }

    /// Where the sources of the standard library belong.
    pub fn library_source(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib/src/rust")
    }

    /// Whether the sources of the standard library are there.
    pub fn has_library_source(&self) -> bool {
        self.library_source()
            .join("library/core/src/lib.rs")
            .is_file()
    }

    /// Whether the compiled standard library for `target` is there.
    pub fn has_compiled_library(&self, target: Target) -> bool {
        let folder = self.sysroot.join("lib/rustlib").join(target.triple());
        holds_core(&folder.join("lib"))
    }
}

fn holds_core(folder: &Path) -> bool {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
}

/// A field of what `rustc --version --verbose` says.
fn field<'a>(version: &'a str, name: &str) -> Option<&'a str> {
    version
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[cfg(test)]
mod tests {
    use super::field;

    const VERSION: &str = "rustc 1.2.3 (0123abcd 2020-02-02)\nbinary: rustc\n\
        commit-hash: 0123abcd\nrelease: 1.2.3\nLLVM version: 4.5.6\n";

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        assert_eq!(field(VERSION, "release"), Some("1.2.3"));
        assert_eq!(field(VERSION, "commit-hash"), Some("0123abcd"));
        assert_eq!(field(VERSION, "commit"), None);
    }
}
