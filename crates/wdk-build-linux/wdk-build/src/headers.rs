//! The folders of the headers, and the options with which clang reads them.

use crate::{ApiSubset, ConfigError, DriverConfig, IoError};
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

/// Options for kernel code, which has no C runtime that probes the stack or holds a cookie. The first one would
/// leave out unwind data, which every function on x64 has but a leaf: "x64 exception handling" in the
/// documentation of Microsoft's compiler.
pub(crate) const FREESTANDING: [&str; 4] = [
    "-ffreestanding",
    "-fasynchronous-unwind-tables",
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

    /// The folders for a driver in C: this project's headers by the names of Microsoft's, then the others.
    pub(crate) fn paths_for_c(&self) -> impl Iterator<Item = PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/c");
        std::iter::once(folder).chain(self.paths())
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

/// The headers of a subset: this project's, or those of Microsoft's `wdk-build` that mingw-w64 has and
/// that compile together.
pub(crate) const fn of(subset: ApiSubset) -> &'static [&'static str] {
    match subset {
        ApiSubset::Base => &["ntoskrnl.h"],
        ApiSubset::Wdf => &["wdf.h"],
        ApiSubset::Gpio => &["gpio.h"],
        ApiSubset::Spb => &[],
        ApiSubset::Hid => &[
            "hidclass.h",
            "hidsdi.h",
            "hidpi.h",
            "kbdmou.h",
            "ntdd8042.h",
        ],
        ApiSubset::ParallelPorts => &["ntddpar.h", "ntddser.h", "parallel.h"],
        ApiSubset::Storage => &[
            "ntddcdrm.h",
            "ntddcdvd.h",
            "ntdddisk.h",
            "ntddmmc.h",
            "ntddscsi.h",
            "ntddstor.h",
            "ntddtape.h",
            "ntddvol.h",
            "mountdev.h",
            "mountmgr.h",
            "ntddchgr.h",
            "storduid.h",
        ],
        ApiSubset::Usb => &[
            "usb.h",
            "usbioctl.h",
            "usbspec.h",
            "usbbusif.h",
            "usbdlib.h",
        ],
    }
}

/// The option of clang for a definition.
pub(crate) fn define((name, value): (String, Option<String>)) -> String {
    value.map_or_else(|| format!("-D{name}"), |value| format!("-D{name}={value}"))
}

/// Macros that the headers expect. A compiler for mingw defines `__MINGW32__` and `__MINGW64__`
/// itself. The last one stops a warning of clang 19 and later about `mm3dnow.h`, which mingw-w64's
/// `intrin.h` includes.
pub(crate) fn definitions(driver: DriverConfig) -> Vec<(String, Option<String>)> {
    let mut definitions: Vec<_> = [
        "_AMD64_",
        "AMD64",
        "_KERNEL_MODE",
        "__MINGW32__",
        "__MINGW64__",
        "_CLANG_DISABLE_CRT_DEPRECATION_WARNINGS",
    ]
    .map(|name| (name.to_owned(), None))
    .into();
    if let DriverConfig::Kmdf(kmdf) = driver {
        let (major, minor) = (kmdf.kmdf_version_major, kmdf.target_kmdf_version_minor);
        let minimum = kmdf.minimum_kmdf_version_minor.unwrap_or(minor);
        let values = [
            ("KMDF_VERSION_MAJOR", major.to_string()),
            ("KMDF_VERSION_MINOR", minor.to_string()),
            ("KMDF_MINIMUM_VERSION_REQUIRED", minimum.to_string()),
            ("WDF_FUNCTIONS", function_table(major, minor)),
        ];
        definitions.extend(values.map(|(name, value)| (name.to_owned(), Some(value))));
    }
    definitions
}

/// The name of the client's variable that points at the framework's function table.
pub(crate) fn function_table(major: u8, minor: u8) -> String {
    format!("WdfFunctions_{major:02}{minor:03}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KmdfConfig;
    use std::{error::Error, fs};

    /// The functions are compiled as well, each against its type.
    #[test]
    fn clang_accepts_the_headers_of_a_driver_in_c() -> Result<(), Box<dyn Error>> {
        let source = Path::new(env!("OUT_DIR")).join("driver.c");
        let text = "#include <ntddk.h>\n#include <wdmsec.h>\n#include <wdf.h>\n\
                    typedef struct { int Field; } OURS;\n\
                    WDF_DECLARE_CONTEXT_TYPE(OURS)\n\
                    void init(PWDF_OBJECT_ATTRIBUTES a)\n\
                    { WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(a, OURS); }\n";
        fs::write(&source, text)?;
        for minor in [31, 33] {
            check(minor, &source, HeaderFolders::find()?.paths_for_c())?;
        }
        Ok(())
    }

    fn check(
        minor: u8,
        source: &Path,
        folders: impl IntoIterator<Item = PathBuf>,
    ) -> Result<(), Box<dyn Error>> {
        let driver = DriverConfig::Kmdf(KmdfConfig {
            kmdf_version_major: 1,
            target_kmdf_version_minor: minor,
            minimum_kmdf_version_minor: None,
        });
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
            .args(definitions(driver).into_iter().map(define))
            .args(
                folders
                    .into_iter()
                    .map(|folder| format!("-isystem{}", folder.display())),
            )
            .arg(source)
            .output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "1.{minor}: {errors}");
        Ok(())
    }

    /// The headers assert the layouts, so that a compilation checks them.
    #[test]
    fn clang_accepts_the_headers_and_their_assertions() -> Result<(), Box<dyn Error>> {
        let entry = Path::new(env!("CARGO_MANIFEST_DIR")).join("driver-entry/WdfDriverEntry.c");
        for minor in [31, 33] {
            check(minor, &entry, HeaderFolders::find()?.paths())?;
        }
        Ok(())
    }

    #[test]
    fn clang_accepts_the_headers_of_the_subsets_together() -> Result<(), Box<dyn Error>> {
        use ApiSubset::{Base, Gpio, Hid, ParallelPorts, Storage, Usb, Wdf};
        let includes: String = [Base, Wdf, Gpio, Hid, ParallelPorts, Storage, Usb]
            .iter()
            .flat_map(|subset| of(*subset))
            .flat_map(|header| ["#include <", header, ">\n"])
            .collect();
        let source = Path::new(env!("OUT_DIR")).join("subsets.c");
        fs::write(&source, includes)?;
        check(33, &source, HeaderFolders::find()?.paths())
    }
}
