//! A checkout of somebody else's repository, which stays as it is: builds take place in a copy.

use super::{c, package};
use crate::{cargo, paths, program};
use anyhow::{Context as _, Result};
use fs_err as fs;
use std::path::{Path, PathBuf};

/// The folder of all copies, and of what is made for them.
pub fn scratch() -> PathBuf {
    paths::target().join("samples")
}

/// A checkout, and its copy.
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
            copy: scratch().join(&*name),
            wdk_build: package::wdk_build(&folder, &files),
            original: folder,
            files,
        };
        checkout.fill()?;
        Ok(checkout)
    }

    /// Returns the path in the checkout of a file of the copy.
    pub fn original(&self, file: &Path) -> PathBuf {
        let inside = file.strip_prefix(&self.copy).unwrap_or(file);
        self.original.join(inside)
    }

    /// Copies what changed: cargo goes by a file's time. A copy of another commit is deleted first.
    fn fill(&self) -> Result<()> {
        let title = self.copy.with_added_extension("commit");
        if fs::read_to_string(&title).is_ok_and(|title| title != self.title) {
            fs::remove_dir_all(&self.copy)?;
        }
        fs::create_dir_all(&self.copy)?;
        fs::write(title, &self.title)?;
        // A build needs any file, if there are packages of cargo's. The C samples are in a repository of
        // thousands of others.
        let has_packages = self.files.iter().any(|file| file.ends_with("Cargo.toml"));
        for file in &self.files {
            let source = self.original.join(file);
            let replaced = self.wdk_build.as_ref();
            let is_replaced = replaced.is_some_and(|folder| file.starts_with(folder));
            let is_needed = has_packages || c::is_of_a_sample(file);
            // Not a submodule's folder, nor a file that is deleted.
            if source.is_file() && !is_replaced && is_needed {
                cargo::write_source(&self.copy.join(file), &fs::read(source)?)?;
            }
        }
        Ok(())
    }
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
