//! Drivers in Rust, with `wdk-build` replaced.

use super::{
    checkout::{Checkout, scratch},
    package::Package,
    replacement::Locked,
};
use crate::program;
use anyhow::{Context as _, Result};
use fs_err as fs;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Puts the replacement in place. Returns the root of the sample's workspace, and arguments for cargo.
pub fn prepare(checkout: &Checkout, package: &Package) -> Result<(PathBuf, Vec<String>)> {
    let root = workspace_of(&package.folder)?;
    let locked = Locked::of(&lock_file(checkout, &root)?)?;
    let mut arguments = vec!["--package".to_owned(), package.name.clone()];
    if locked.from_registry {
        let folder = scratch().join("wdk-build").join(locked.title());
        locked.write(&folder, false)?;
        let path = Value::from(folder.display().to_string());
        arguments.push("--config".to_owned());
        arguments.push(format!("patch.crates-io.wdk-build.path={path}"));
    } else {
        let folder = checkout
            .wdk_build
            .as_ref()
            .context("wdk-build comes neither from a registry nor from the checkout")?;
        locked.write(&checkout.copy.join(folder), true)?;
    }
    Ok((root, arguments))
}

/// Returns the root of a package's workspace.
fn workspace_of(folder: &Path) -> Result<PathBuf> {
    let manifest = program::output_of(program::cargo().current_dir(folder).args([
        "locate-project",
        "--workspace",
        "--message-format",
        "plain",
    ]))?;
    let root = Path::new(manifest.trim()).parent();
    Ok(root.context("cargo names no manifest")?.to_owned())
}

/// Returns the lock file of a workspace, as the checkout has it: a build with another `wdk-build` rewrites it.
/// Cargo makes one if there is none.
fn lock_file(checkout: &Checkout, root: &Path) -> Result<String> {
    let file = root.join("Cargo.lock");
    let original = checkout.original(&file);
    if original.is_file() {
        return Ok(fs::read_to_string(original)?);
    }
    program::output_of(program::cargo().current_dir(root).arg("generate-lockfile"))?;
    Ok(fs::read_to_string(file)?)
}
