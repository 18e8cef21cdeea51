//! The `wdk-build` here in the version that a sample's lock file asks for, since cargo replaces a package by
//! one of the same version alone. Its interface is that of 0.6, which has all that `wdk-sys` asked of 0.5. It
//! hands a builder of `bindgen` to `wdk-sys`, so both have to use the same one.

use crate::{cargo, paths};
use anyhow::{Context as _, Result};
use fs_err as fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The dependencies that `wdk-build` shares with `wdk-sys`.
const SHARED: [&str; 2] = ["bindgen", "cargo_metadata"];

/// What a lock file says of `wdk-build`.
#[derive(Debug, PartialEq, Eq)]
pub struct Locked {
    /// Its version.
    version: String,
    /// Those of [`SHARED`] that the lock file has, with the versions that `wdk-sys` uses.
    shared: Vec<(&'static str, String)>,
    /// Whether it comes from a registry.
    pub from_registry: bool,
}

impl Locked {
    /// Reads a lock file.
    ///
    /// # Errors
    ///
    /// If it has no `wdk-build`.
    pub fn of(lock_file: &str) -> Result<Self> {
        let lock: Table = lock_file.parse().context("Cargo.lock")?;
        let packages = lock.get("package").and_then(Value::as_array);
        let packages = packages.map_or(&[][..], Vec::as_slice);
        let text = |package: &Value, key| Some(package.get(key)?.as_str()?.to_owned());
        let named = |name: &str| {
            packages
                .iter()
                .find(|package| text(package, "name").as_deref() == Some(name))
        };
        let wdk_build = named("wdk-build").context("Cargo.lock has no wdk-build")?;
        let dependencies = named("wdk-sys").and_then(|package| package.get("dependencies"));
        let dependencies = dependencies.and_then(Value::as_array);
        let version_of = |name: &'static str| {
            // A dependency has a version in the list if there are several.
            let listed = dependencies
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .filter_map(|dependency| dependency.split_once(' '))
                .find_map(|(listed, version)| (listed == name).then(|| version.to_owned()));
            let version = listed.or_else(|| text(named(name)?, "version"))?;
            Some((name, version))
        };
        Ok(Self {
            version: text(wdk_build, "version").context("wdk-build has no version")?,
            shared: SHARED.into_iter().filter_map(version_of).collect(),
            from_registry: wdk_build.get("source").is_some(),
        })
    }

    /// Returns a name for a folder: the versions.
    pub fn title(&self) -> String {
        let shared = self.shared.iter();
        let shared = shared.map(|(name, version)| format!("-{name}-{version}"));
        format!("{}{}", self.version, shared.collect::<String>())
    }

    /// Writes the package into `folder`, with these versions in its manifest. With `is_member`, the package
    /// belongs to the workspace around it.
    pub fn write(&self, folder: &Path, is_member: bool) -> Result<()> {
        let source = source();
        let manifest = fs::read_to_string(source.join("Cargo.toml"))?;
        let manifest = self.manifest(&manifest, is_member)?;
        cargo::write_source(&folder.join("Cargo.toml"), manifest.as_bytes())?;
        copy_but_manifest(&source, folder)
    }

    fn manifest(&self, ours: &str, is_member: bool) -> Result<String> {
        let mut manifest: Table = ours.parse()?;
        // They are the workspace's.
        manifest.remove("lints");
        if !is_member {
            manifest.insert("workspace".to_owned(), Value::Table(Table::new()));
        }
        let version = ("package", "version", self.version.clone());
        let shared = self.shared.iter();
        let shared = shared.map(|(name, version)| ("dependencies", *name, format!("={version}")));
        for (section, key, value) in shared.chain([version]) {
            let table = manifest.get_mut(section).and_then(Value::as_table_mut);
            table
                .with_context(|| format!("wdk-build's manifest has no {section}"))?
                .insert(key.to_owned(), Value::from(value));
        }
        Ok(toml::to_string(&manifest)?)
    }
}

/// Returns the folder of the `wdk-build` here.
pub fn source() -> PathBuf {
    paths::root().join("crates/wdk-build-linux/wdk-build")
}

/// Copies a folder without its manifest.
fn copy_but_manifest(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_but_manifest(&path, &copy)?;
        } else if entry.file_name() != "Cargo.toml" {
            cargo::write_source(&copy, &fs::read(path)?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(source: &str, dependency: &str) -> Locked {
        let file = format!(
            "[[package]]\nname = 'bindgen'\nversion = '0.71.1'\n\
             [[package]]\nname = 'wdk-build'\nversion = '0.5.1'\n{source}\n\
             [[package]]\nname = 'wdk-sys'\nversion = '0.5.1'\ndependencies = ['{dependency}', 'cc']\n"
        );
        Locked::of(&file).unwrap()
    }

    #[test]
    fn a_lock_file_names_the_versions() {
        let expected = Locked {
            version: "0.5.1".to_owned(),
            shared: vec![("bindgen", "0.71.1".to_owned())],
            from_registry: true,
        };
        assert_eq!(locked("source = 'registry+x'", "bindgen"), expected);
        let other = locked("", "bindgen 0.72.1");
        assert_eq!(other.title(), "0.5.1-bindgen-0.72.1");
        assert!(!other.from_registry);
        let error = Locked::of("[[package]]\nname = 'a'\n").unwrap_err();
        assert_eq!(error.to_string(), "Cargo.lock has no wdk-build");
    }

    #[test]
    fn our_manifest_gets_these_versions() {
        let ours = fs::read_to_string(source().join("Cargo.toml")).unwrap();
        let made = locked("", "bindgen").manifest(&ours, false).unwrap();
        let made: Table = made.parse().unwrap();
        assert_eq!(made["package"]["version"].as_str(), Some("0.5.1"));
        assert_eq!(made["dependencies"]["bindgen"].as_str(), Some("=0.71.1"));
        assert!(made.contains_key("workspace") && !made.contains_key("lints"));
    }
}
