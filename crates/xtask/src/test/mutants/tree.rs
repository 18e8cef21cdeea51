//! The copy of the tree in which mutants are built.
//!
//! It differs from the tree in its folder's name, at which tools stumble that split at spaces, and in
//! its line ends, which are those of Windows. So each build there shows that neither matters, above
//! all the build of the second package's driver.

use super::mutant::Mutant;
use crate::{cargo, paths, program, step::Step, toolchain::Target};
use anyhow::Result;
use fs_err as fs;
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// The folder of sources and builds, under `target/`.
const FOLDER: &str = "mutants, in & out, Übung";

/// The file name extensions of text files.
const TEXT: [&str; 12] = [
    "c", "def", "h", "inx", "ld", "lock", "md", "rs", "s", "toml", "tsv", "txt",
];

/// A driver, and the variable that tells a test in the lab where it is.
pub struct Image {
    pub package: &'static str,
    /// cargo's name for it.
    pub file: &'static str,
    /// Its name in the lab.
    pub name: &'static str,
    pub variable: &'static str,
}

/// A copy of the sources. It is kept between runs, so that each build is incremental.
pub struct Tree {
    pub sources: PathBuf,
    pub target_dir: PathBuf,
}

impl Tree {
    pub fn copy() -> Result<Self> {
        let folder = paths::target().join(FOLDER);
        let tree = Self {
            sources: folder.join("sources"),
            target_dir: folder.join("build"),
        };
        copy_changed(&paths::root(), &tree.sources)?;
        Ok(tree)
    }

    /// Runs `work` while the sources are those of the mutant.
    pub fn with<T>(&self, mutant: &Mutant, work: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
        let path = self.sources.join(&mutant.file);
        let text = fs::read_to_string(&path)?;
        mutant.apply(&self.sources)?;
        let done = work(&self.sources);
        fs::write(&path, text)?;
        done
    }

    /// Builds an image from the sources as they are. Returns its path.
    pub fn build(&self, step: &Step, image: &Image) -> Result<PathBuf> {
        let workspace = self.sources.join("crates/wdk-build-linux");
        let mut cargo = cargo::build(Target::Windows, &workspace, &self.target_dir)?;
        program::run(step, cargo.args(["--package", image.package]))?;
        let built = self
            .target_dir
            .join(Target::Windows.triple())
            .join("release");
        let named = built.join(image.name);
        fs::copy(built.join(image.file), &named)?;
        Ok(named)
    }
}

/// Copies the files that differ, so that others keep their times and are not built again, and removes
/// files that are gone. Links are left out: none is a source, and an editor's lock is a link that
/// leads nowhere.
fn copy_changed(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        let source = from.join(entry.file_name());
        if !source.symlink_metadata().is_ok_and(|is| !is.is_symlink()) {
            let path = entry.path();
            if path.is_dir() {
                fs::remove_dir_all(&path)?;
            } else {
                fs::remove_file(&path)?;
            }
        }
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if !["target", ".git"]
                .iter()
                .any(|skipped| entry.file_name() == *skipped)
            {
                copy_changed(&source, &copy)?;
            }
        } else if kind.is_file() {
            cargo::write_source(&copy, &bytes_of(&source)?)?;
        }
    }
    Ok(())
}

/// Returns the bytes of a source file's copy.
fn bytes_of(source: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(source)?;
    let extension = source.extension().and_then(OsStr::to_str);
    Ok(match extension {
        Some(extension) if TEXT.contains(&extension) => with_windows_lines(&bytes),
        _ => bytes,
    })
}

fn with_windows_lines(text: &[u8]) -> Vec<u8> {
    let mut other = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let (content, end) = line
            .strip_suffix(b"\r\n")
            .or_else(|| line.strip_suffix(b"\n"))
            .map_or((line, b"".as_slice()), |content| (content, b"\r\n"));
        other.extend_from_slice(content);
        other.extend_from_slice(end);
    }
    other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_on_windows() {
        for (text, other) in [
            ("a\nb\n", "a\r\nb\r\n"),
            ("a\r\nb", "a\r\nb"),
            ("\n\r\n", "\r\n\r\n"),
            ("", ""),
        ] {
            assert_eq!(with_windows_lines(text.as_bytes()), other.as_bytes());
        }
    }

    #[cfg(unix)]
    #[test]
    fn sources_are_copied_and_links_are_not() {
        use std::os::unix::fs::symlink;
        let scratch = tempfile::tempdir().unwrap();
        let (tree, copy) = (scratch.path().join("tree"), scratch.path().join("copy"));
        fs::create_dir_all(tree.join("src")).unwrap();
        fs::create_dir_all(&copy).unwrap();
        fs::write(tree.join("src/lib.rs"), "sources\n").unwrap();
        // An editor's lock on a file.
        symlink("user@host.1", tree.join("src/.#lib.rs")).unwrap();
        symlink("src", tree.join("linked")).unwrap();
        // Leftovers of an earlier run.
        fs::write(copy.join("gone.rs"), "").unwrap();
        fs::write(copy.join("linked"), "").unwrap();

        copy_changed(&tree, &copy).unwrap();

        let names = |folder: &str| -> Vec<_> {
            fs::read_dir(copy.join(folder))
                .unwrap()
                .map(|entry| entry.unwrap().file_name())
                .collect()
        };
        assert_eq!(names("."), ["src"]);
        assert_eq!(names("src"), ["lib.rs"]);
        let copied = fs::read(copy.join("src/lib.rs")).unwrap();
        assert_eq!(copied, b"sources\r\n");
    }
}
