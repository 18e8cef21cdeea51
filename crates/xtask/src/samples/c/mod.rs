//! Drivers in C, with the headers of `wdk-build`: a project of cargo's compiles the files of a folder and
//! links them, as it links a driver in Rust.

use super::{
    checkout::{Checkout, scratch},
    replacement,
};
use crate::cargo;
use anyhow::Result;
use fs_err as fs;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// The folders of Microsoft's C samples that are tried, and the names of their images.
pub const SAMPLES: [(&str, &str); 3] = [
    ("nonpnp", "general/ioctl/kmdf/sys"),
    ("echo", "general/echo/kmdf/driver/AutoSync"),
    ("echo_2", "general/echo/kmdf/driver/DriverSync"),
];

/// The folder of the headers that echo's driver and program share.
const SHARED: &str = "general/echo/kmdf/exe";

/// What a preprocessor of Microsoft's, WPP, would write for each file: here, tracing is nothing.
const NO_TRACING: &str = "#define WPP_INIT_TRACING(...)\n\
    #define WPP_CLEANUP(...)\n\
    #define TraceEvents(...)\n\
    #define Hexdump(...)\n";

/// Returns whether a folder of a checkout has files in C.
pub fn has_files(checkout: &Checkout, folder: &str) -> bool {
    let is_c = |file: &&PathBuf| file.extension().is_some_and(|extension| extension == "c");
    let mut files = checkout.files.iter().filter(is_c);
    files.any(|file| file.parent() == Some(Path::new(folder)))
}

/// Returns whether a file, named by its path in a checkout, is a part of a sample.
pub fn is_of_a_sample(file: &Path) -> bool {
    let folders = SAMPLES.iter().map(|(_, folder)| *folder);
    let mut folders = folders.chain([SHARED]);
    folders.any(|folder| file.starts_with(folder))
}

/// Returns the variables of the project's build script, for the sample at `folder`.
pub fn variables(checkout: &Checkout, folder: &str) -> [(&'static str, PathBuf); 2] {
    [("SAMPLE", folder), ("SHARED", SHARED)]
        .map(|(name, folder)| (name, checkout.copy.join(folder)))
}

/// Makes the project for the sample at `folder`, a path in the checkout. Returns its folder.
pub fn project(checkout: &Checkout, name: &str, folder: &str) -> Result<PathBuf> {
    let project = scratch().join("c").join(name);
    let wdk_build = replacement::source().display().to_string();
    let quoted = serde_json::Value::from(wdk_build).to_string();
    let manifest = include_str!("project/manifest.toml")
        .replace("sample-name", name)
        .replace("\"\"", &quoted);
    for (file, text) in [
        ("Cargo.toml", manifest.as_str()),
        ("build.rs", include_str!("project/build.rs")),
        ("lib.rs", include_str!("project/lib.rs")),
    ] {
        cargo::write_source(&project.join(file), text.as_bytes())?;
    }
    for (file, text) in headers(&checkout.copy.join(folder))? {
        cargo::write_source(&project.join("headers").join(file), text.as_bytes())?;
    }
    Ok(project)
}

/// Returns the headers that a sample includes and does not have: those of WPP, and those that it names in
/// other letters than the file's, which Windows does not tell apart.
fn headers(sample: &Path) -> Result<Vec<(String, String)>> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(sample)? {
        files.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    let mut headers = Vec::new();
    for file in &files {
        let text = fs::read(sample.join(file))?;
        let text = String::from_utf8_lossy(&text);
        for name in text.lines().filter_map(included) {
            let other = || files.iter().find(|file| file.eq_ignore_ascii_case(name));
            let made_by_wpp = || {
                Path::new(name)
                    .extension()
                    .is_some_and(|kind| kind == "tmh")
            };
            if files.contains(name) {
                // The compiler finds it.
            } else if made_by_wpp() {
                headers.push((name.to_owned(), NO_TRACING.to_owned()));
            } else if let Some(other) = other() {
                let path = sample.join(other);
                headers.push((
                    name.to_owned(),
                    format!("#include \"{}\"\n", path.display()),
                ));
            }
        }
    }
    Ok(headers)
}

/// Returns the name that a line includes in quotes.
fn included(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix('#')?.trim_start();
    let rest = rest.strip_prefix("include")?.trim_start();
    rest.strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_headers_are_made() {
        let scratch = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(scratch.path().join(name), text).unwrap();
        write(
            "a.c",
            "#include <wdf.h>\n# include \"Trace.h\" // x\n#include \"a.tmh\"\n#include \"a.h\"\n",
        );
        write("a.h", "#include \"elsewhere.h\"\n");
        write("trace.h", "");
        let headers = headers(scratch.path()).unwrap();
        let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["Trace.h", "a.tmh"]);
        assert!(headers[0].1.ends_with("/trace.h\"\n"));
    }
}
