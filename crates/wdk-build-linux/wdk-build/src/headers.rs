//! The folders of the headers, and the options with which clang reads them.

use crate::{ApiSubset, ConfigError, IoError};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The folders of mingw-w64's headers on Debian and its derivatives, on Arch, and on Fedora.
const MINGW_W64: [&str; 3] = [
    "/usr/share/mingw-w64/include",
    "/usr/x86_64-w64-mingw32/include",
    "/usr/x86_64-w64-mingw32/sys-root/mingw/include",
];

/// Options for mingw-w64's headers, which are written for GCC, and Microsoft's ABI, in which an
/// enumeration is an `int` and bit-fields are packed by their declared type. They select GCC's dialect
/// and undefine the macros of Microsoft's compiler, with which the headers of clang and of mingw-w64
/// would both declare the same intrinsics.
pub(crate) const DIALECT: [&str; 5] = [
    "-fno-ms-compatibility",
    "-fms-extensions",
    "-fgnuc-version=4.2.1",
    "-U_MSC_VER",
    "-U_MSC_EXTENSIONS",
];

/// Options for kernel code, which has no C runtime that probes the stack or holds a cookie.
pub(crate) const FREESTANDING: [&str; 3] = [
    "-ffreestanding",
    "-fno-stack-protector",
    "-mno-stack-arg-probe",
];

/// The folders that hold the headers.
#[derive(Debug, Clone)]
pub(crate) struct HeaderFolders {
    mingw_w64: PathBuf,
}

impl HeaderFolders {
    /// Finds the headers of mingw-w64.
    ///
    /// # Errors
    ///
    /// [`ConfigError::HeadersNotFound`].
    pub(crate) fn find() -> Result<Self, ConfigError> {
        MINGW_W64
            .iter()
            .map(PathBuf::from)
            .find(|folder| folder.join("ddk/ntifs.h").is_file())
            .map(|mingw_w64| Self { mingw_w64 })
            .ok_or_else(|| ConfigError::HeadersNotFound {
                searched: MINGW_W64.map(PathBuf::from).to_vec(),
            })
    }

    /// The folders in order: this project's headers, those that its build script wrote, mingw-w64's.
    pub(crate) fn paths(&self) -> [PathBuf; 4] {
        [
            Path::new(env!("CARGO_MANIFEST_DIR")).join("include"),
            Path::new(env!("OUT_DIR")).join("include"),
            self.mingw_w64.clone(),
            self.mingw_w64.join("ddk"),
        ]
    }
}

/// The folder of clang's own headers. Unlike the program, libclang may not find it.
///
/// # Errors
///
/// If `clang` cannot be run.
pub(crate) fn of_clang() -> Result<PathBuf, ConfigError> {
    let output = Command::new("clang")
        .arg("-print-resource-dir")
        .output()
        .map_err(|source| IoError::with_path("clang", source))?;
    let folder = String::from_utf8_lossy(&output.stdout);
    Ok(Path::new(folder.trim()).join("include"))
}

/// The one header of a subset.
pub(crate) const fn header_of(subset: ApiSubset) -> &'static str {
    match subset {
        ApiSubset::Base => "ntoskrnl.h",
        ApiSubset::Wdf => "wdf.h",
    }
}

/// The option of clang for a definition.
pub(crate) fn define((name, value): (String, Option<String>)) -> String {
    value.map_or_else(|| format!("-D{name}"), |value| format!("-D{name}={value}"))
}

/// Macros that the headers expect. A compiler for mingw defines `__MINGW32__` and `__MINGW64__`
/// itself. The last one stops a warning of clang 19 and later about `mm3dnow.h`, which mingw-w64's
/// `intrin.h` includes.
pub(crate) fn definitions((major, minor): (u8, u8)) -> Vec<(String, Option<String>)> {
    let number = |number: u8| Some(number.to_string());
    [
        ("_AMD64_", None),
        ("AMD64", None),
        ("_KERNEL_MODE", None),
        ("__MINGW32__", None),
        ("__MINGW64__", None),
        ("KMDF_VERSION_MAJOR", number(major)),
        ("KMDF_VERSION_MINOR", number(minor)),
        ("WDF_FUNCTIONS", Some(function_table(major, minor))),
        ("_CLANG_DISABLE_CRT_DEPRECATION_WARNINGS", None),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// The name of the client's variable that points at the framework's function table.
pub(crate) fn function_table(major: u8, minor: u8) -> String {
    format!("WdfFunctions_{major:02}{minor:03}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KMDF_VERSION;
    use std::error::Error;

    /// The headers assert the layouts, so that a compilation checks them.
    #[test]
    fn clang_accepts_the_headers_and_their_assertions() -> Result<(), Box<dyn Error>> {
        let entry = Path::new(env!("CARGO_MANIFEST_DIR")).join("driver-entry/WdfDriverEntry.c");
        let output = Command::new("clang")
            .args([
                "--target=x86_64-pc-windows-msvc",
                "-fsyntax-only",
                "-Wall",
                "-Wextra",
                "-Werror",
            ])
            .args(DIALECT)
            .args(FREESTANDING)
            .args(
                definitions(KMDF_VERSION)
                    .into_iter()
                    .map(|(name, value)| format!("-D{name}={}", value.unwrap_or_default())),
            )
            .args(
                HeaderFolders::find()?
                    .paths()
                    .map(|folder| format!("-isystem{}", folder.display())),
            )
            .arg(entry)
            .output()?;
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }
}
