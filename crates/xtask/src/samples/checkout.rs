//! A checkout of somebody else's repository, which stays as it is: builds take place in a copy.

use super::{c, package};
use crate::{paths, program};
use anyhow::{Context as _, Result};
use fs_err as fs;
use std::path::{Path, PathBuf};

/// The folder of all copies, and of what is made for them.
pub fn scratch() -> PathBuf {
    paths::target().join("samples")
}

/// A checkout, and its copy.
#[derive(Clone)]
pub struct Checkout {
    /// Its name and commit, as in `windows-drivers-rs 0123456789ab`.
    pub title: String,
    /// The checkout itself.
    original: PathBuf,
    /// The copy.
    pub copy: PathBuf,
    /// The files, by their paths in the copy.
    pub files: Vec<PathBuf>,
    /// The folder of `wdk-build`, if that is a part of the checkout. The copy has another one there.
    pub wdk_build: Option<PathBuf>,
    has_packages: bool,
}

impl Checkout {
    /// Copies the tracked files of a checkout.
    ///
    /// # Errors
    ///
    /// If the folder is no checkout of a git repository.
    pub fn of(folder: &Path) -> Result<Self> {
        let folder = folder
            .canonicalize()
            .with_context(|| folder.display().to_string())?;
        let git = |arguments: &[&str]| program::output_of(program::git(&folder).args(arguments));
        let commit = git(&["rev-parse", "--short=12", "HEAD"])
            .with_context(|| format!("{} is no checkout of a git repository", folder.display()))?;
        let is_changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
        let changes = if is_changed { ", changed" } else { "" };
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let files: Vec<PathBuf> = git(&["ls-files", "-z"])?
            .split_terminator('\0')
            .map(PathBuf::from)
            .collect();
        let checkout = Self {
            title: format!("{name} {}{changes}", commit.trim()),
            original: folder.clone(),
            copy: scratch().join(&*name),
            wdk_build: package::wdk_build(&folder, &files),
            has_packages: files.iter().any(|file| file.ends_with("Cargo.toml")),
            files,
        };
        checkout.fill(&folder)?;
        Ok(checkout)
    }

    /// Returns whether a build may need the file: any, if there are packages of cargo's; the C samples are
    /// in a repository of thousands of others.
    fn is_needed(&self, file: &Path) -> bool {
        let folders = c::SAMPLES.iter().map(|(_, folder)| *folder);
        let mut folders = folders.chain([c::SHARED]);
        self.has_packages || folders.any(|folder| file.starts_with(folder))
    }

    /// Returns the path in the checkout of a file of the copy.
    pub fn original(&self, file: &Path) -> PathBuf {
        let inside = file.strip_prefix(&self.copy).unwrap_or(file);
        self.original.join(inside)
    }

    /// Copies what changed: cargo goes by a file's time. A copy of another commit is deleted first.
    fn fill(&self, from: &Path) -> Result<()> {
        let title = self.copy.with_extension("commit");
        if fs::read_to_string(&title).is_ok_and(|title| title != self.title) {
            fs::remove_dir_all(&self.copy)?;
        }
        fs::create_dir_all(&self.copy)?;
        fs::write(title, &self.title)?;
        for file in &self.files {
            let source = from.join(file);
            let replaced = self.wdk_build.as_ref();
            let is_replaced = replaced.is_some_and(|folder| file.starts_with(folder));
            // Not a submodule's folder, nor a file that is deleted.
            if source.is_file() && !is_replaced && self.is_needed(file) {
                write_if_changed(&self.copy.join(file), &fs::read(source)?)?;
            }
        }
        Ok(())
    }
}

/// Writes a file, unless it has these bytes: cargo goes by a file's time.
pub fn write_if_changed(file: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(file).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(file, bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_repository_is_told() {
        let scratch = tempfile::tempdir().unwrap();
        let error = Checkout::of(scratch.path()).err().unwrap();
        assert!(
            error
                .to_string()
                .ends_with("is no checkout of a git repository"),
            "{error:#}"
        );
    }
}
