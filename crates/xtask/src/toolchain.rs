//! The Rust toolchain that this program runs with, and the targets that it can build for.

use crate::program;
use anyhow::Result;
use fs_err as fs;
use std::path::{Path, PathBuf};

/// The target of Windows programs: they need nothing that Windows 7, or Wine 8, lacks, such as
/// `bcryptprimitives.dll`. There is no compiled standard library for it, so each build compiles it.
pub const WINDOWS_PROGRAMS: &str = "x86_64-win7-windows-gnu";

/// Their linker, mingw-w64's, which adds the C runtime's start-up code and libgcc.
pub const WINDOWS_PROGRAMS_LINKER: &str = "x86_64-w64-mingw32-gcc";

/// The program that makes import libraries for them, which is rustc's own choice.
pub const WINDOWS_PROGRAMS_DLLTOOL: &str = "x86_64-w64-mingw32-dlltool";

/// A target other than the host's that the project builds for.
#[derive(Clone, Copy)]
pub enum Target {
    /// The driver and the framework's stand-in.
    Windows,
    /// The lab's kernel.
    BareMetal,
    /// Only the accessors, whose unwind data a test decodes.
    WindowsOnArm,
    /// The accessors' tests, in QEMU's user-mode emulator.
    LinuxOnArm,
}

impl Target {
    /// The targets of the driver and the lab.
    pub const FOR_LAB: &[Self] = &[Self::Windows, Self::BareMetal];

    /// The targets of all tests.
    pub const FOR_TESTS: &[Self] = &[
        Self::Windows,
        Self::BareMetal,
        Self::WindowsOnArm,
        Self::LinuxOnArm,
    ];

    /// Returns rustc's name for it.
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
    /// Asks rustc.
    pub fn of_rustc() -> Result<Self> {
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

    /// Returns its folder.
    pub fn sysroot(&self) -> &Path {
        &self.sysroot
    }

    /// Returns the folder in which rustc expects the sources of the standard library.
    pub fn library_source(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib/src/rust")
    }

    /// Returns whether the sources of the standard library are there.
    pub fn has_library_source(&self) -> bool {
        self.library_source()
            .join("library/core/src/lib.rs")
            .is_file()
    }

    /// Returns whether the compiled standard library for `target` is there.
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

/// Returns a field of the output of `rustc --version --verbose`.
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
