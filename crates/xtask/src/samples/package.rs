//! The packages of a checkout that are drivers.

use super::checkout::Checkout;
use anyhow::Result;
use fs_err as fs;
use std::path::{Path, PathBuf};
use toml::Value;

/// A driver's package.
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its folder, in the copy.
    pub folder: PathBuf,
}

/// Returns the drivers: packages with `package.metadata.wdk`. Those in a folder `tests` are left out: they
/// are input of a test.
pub fn drivers(checkout: &Checkout) -> Result<Vec<Package>> {
    let is_test = |file: &Path| file.iter().any(|part| part == "tests");
    let manifests = checkout
        .files
        .iter()
        .filter(|file| file.ends_with("Cargo.toml") && !is_test(file));
    let mut drivers = Vec::new();
    for manifest in manifests {
        let manifest = checkout.copy.join(manifest);
        // The manifest of a replaced package is not there yet.
        let text = fs::read_to_string(checkout.original(&manifest))?;
        if let Some(name) = driver(&text) {
            let folder = manifest.with_file_name("");
            drivers.push(Package { name, folder });
        }
    }
    Ok(drivers)
}

/// Returns the name of a manifest's package, if that is a driver.
fn driver(manifest: &str) -> Option<String> {
    let manifest: Value = toml::from_str(manifest).ok()?;
    let package = manifest.get("package")?;
    package.get("metadata")?.get("wdk")?;
    let kinds = manifest.get("lib")?.get("crate-type")?.as_array()?;
    kinds.iter().find(|kind| kind.as_str() == Some("cdylib"))?;
    Some(package.get("name")?.as_str()?.to_owned())
}

/// Returns the folder of the package `wdk-build` among the manifests of a checkout at `root`, from there.
pub fn wdk_build(root: &Path, files: &[PathBuf]) -> Option<PathBuf> {
    files
        .iter()
        .filter(|file| file.ends_with("Cargo.toml"))
        .find(|manifest| {
            let text = fs::read_to_string(root.join(manifest)).unwrap_or_default();
            let manifest = toml::from_str::<Value>(&text).ok();
            let package = manifest
                .as_ref()
                .and_then(|manifest| manifest.get("package"));
            package.and_then(|package| package.get("name")?.as_str()) == Some("wdk-build")
        })
        .map(|manifest| manifest.with_file_name(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_is_a_library_for_the_wdk() {
        const DRIVER: &str =
            "[package]\nname = 'a-b'\n[package.metadata.wdk]\n[lib]\ncrate-type = ['cdylib']";
        assert_eq!(driver(DRIVER).as_deref(), Some("a-b"));
        for other in [
            DRIVER.replace("wdk", "docs"),
            DRIVER.replace("cdylib", "rlib"),
            DRIVER.replace("[lib]", "[[bin]]"),
            "[workspace]".to_owned(),
            "not a manifest".to_owned(),
        ] {
            assert_eq!(driver(&other), None, "{other}");
        }
    }
}
