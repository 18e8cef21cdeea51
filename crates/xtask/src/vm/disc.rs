//! Discs for the guest: ISO 9660 with Joliet names, which Windows and its set-up read without a driver.

use crate::program;
use anyhow::{Context as _, Result, ensure};
use fs_err as fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The name that Windows shows for the disc.
const LABEL: &str = "RINGCOPY";

/// A disc's file, and the folder that it is removed with.
pub struct Disc {
    path: PathBuf,
    _folder: Option<TempDir>,
}

impl Disc {
    /// Makes a disc with the files of a package, and with further files.
    pub fn make(package: &Path, files: &[(&str, &str)]) -> Result<Self> {
        ensure!(
            package.join("ringcopy.exe").is_file(),
            "{} is no package; make one with `cargo xtask package`",
            package.display()
        );
        let folder = tempfile::Builder::new()
            .prefix("ringcopy-disc-")
            .tempdir()?;
        let contents = folder.path().join("contents");
        fs::create_dir(&contents)?;
        for entry in fs::read_dir(package)? {
            let entry = entry?;
            if entry.path().is_file() {
                fs::copy(entry.path(), contents.join(entry.file_name()))?;
            }
        }
        for (name, text) in files {
            fs::write(contents.join(name), text)?;
        }
        let path = folder.path().join("disc.iso");
        program::output_of(
            program::named("xorriso")
                .args(["-as", "mkisofs", "-quiet", "-J", "-r", "-V", LABEL, "-o"])
                .arg(&path)
                .arg(&contents),
        )
        .context("the disc for the guest can't be made")?;
        Ok(Self {
            path,
            _folder: Some(folder),
        })
    }

    #[cfg(test)]
    pub const fn at(path: PathBuf) -> Self {
        Self {
            path,
            _folder: None,
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes a disc with a package. An installed machine looks for it each time that it starts.
pub fn of_package(package: &Path) -> Result<Disc> {
    Disc::make(package, &[])
}
