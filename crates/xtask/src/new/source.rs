//! Where a project takes `wdk-build`, the accessors and the lab from.

use crate::paths;
use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use serde_json::Value;
use std::path::PathBuf;
use toml::Table;

/// The address in the files of the template.
pub const ADDRESS: &str = "https://example.org/ringcopy.git";

/// The folder of the lab in the template.
const LAB: &str = "RINGCOPY = { value = \"ringcopy\", relative = true }";

/// A repository, or a clone of it.
pub enum Source {
    /// The address of a git repository.
    Repository(String),
    /// The folder of a clone.
    Clone(PathBuf),
}

impl Source {
    /// Returns the repository that the user names or that the root's manifest names, or this clone.
    ///
    /// # Errors
    ///
    /// If the address cannot be one.
    pub fn choose(repository: Option<&str>) -> Result<Self> {
        let named = match repository {
            Some(address) => Some(address.to_owned()),
            None => of_manifest(&fs::read_to_string(paths::root().join("Cargo.toml"))?)?,
        };
        let Some(address) = named else {
            return Ok(Self::Clone(paths::root()));
        };
        let is_plain = |letter: char| letter.is_ascii_graphic() && !"\"\\'`$<>".contains(letter);
        if !address.contains("://") || !address.chars().all(is_plain) {
            bail!("{address:?} is no address of a git repository, such as {ADDRESS}");
        }
        Ok(Self::Repository(address))
    }

    /// Returns a text of the template that takes from here what it needs.
    pub fn fill_in(&self, text: &str) -> String {
        let tree = match self {
            Self::Repository(address) => return text.replace(ADDRESS, address),
            Self::Clone(tree) => tree,
        };
        // A string of JSON means the same in TOML.
        let quoted = |path: &str| Value::from(tree.join(path).display().to_string()).to_string();
        let git = format!("{{ git = \"{ADDRESS}\" }}");
        let path = |package, path| {
            let dependency = format!("{package} = {git}");
            let by_path = format!("{package} = {{ path = {} }}", quoted(path));
            move |text: String| text.replace(&dependency, &by_path)
        };
        let accessors = path("usermode-accessors", "crates/usermode-accessors");
        let wdk_build = path("wdk-build", "crates/wdk-build-linux/wdk-build");
        wdk_build(accessors(text.to_owned())).replace(LAB, &format!("RINGCOPY = {}", quoted("")))
    }
}

/// Returns the repository that the root's manifest names for its packages.
fn of_manifest(manifest: &str) -> Result<Option<String>> {
    let manifest: Table = manifest.parse().context("the root's Cargo.toml")?;
    let package = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("package"));
    let repository = package.and_then(|package| package.get("repository"));
    Ok(repository.and_then(toml::Value::as_str).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_names_the_repository_in_one_place() {
        let manifest = "[workspace.package]\nversion = \"1.0.0\"\n";
        assert_eq!(of_manifest(manifest).unwrap(), None);
        let owned = format!("{manifest}repository = \"https://example.com/x\"\n");
        assert_eq!(
            of_manifest(&owned).unwrap().as_deref(),
            Some("https://example.com/x")
        );
    }

    #[test]
    fn an_address_has_nothing_that_a_shell_or_toml_would_read() {
        for address in ["https://example.com/x.git", "ssh://git@example.com/x"] {
            assert!(Source::choose(Some(address)).is_ok(), "{address}");
        }
        for address in [
            "",
            "x",
            "https://a b",
            "https://a\"b",
            "https://a`b",
            "https://a$b",
        ] {
            assert!(Source::choose(Some(address)).is_err(), "{address}");
        }
    }

    #[test]
    fn a_clone_is_taken_by_its_path() {
        let clone = Source::Clone("/my \"clone\"".into());
        let text = clone.fill_in(&format!(
            "usermode-accessors = {{ git = \"{ADDRESS}\" }}\nwdk-build = {{ git = \"{ADDRESS}\" }}\n{LAB}"
        ));
        assert_eq!(
            text,
            "usermode-accessors = { path = \"/my \\\"clone\\\"/crates/usermode-accessors\" }\n\
             wdk-build = { path = \"/my \\\"clone\\\"/crates/wdk-build-linux/wdk-build\" }\n\
             RINGCOPY = \"/my \\\"clone\\\"/\""
        );
    }
}
