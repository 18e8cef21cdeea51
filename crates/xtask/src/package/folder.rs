//! The folder of a package. A folder with other files is left alone, and an older package is replaced
//! only when the new one is complete.

use anyhow::{Result, anyhow, bail};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The files of a package.
pub const FILES: [&str; 6] = [
    "ringcopy.sys",
    "ringcopy.inf",
    "ringcopy.cat",
    "ringcopy.cer",
    "ringcopy.exe",
    "README.txt",
];

/// The suffix of a file until the package is complete.
const UNFINISHED: &str = ".unfinished";

/// A folder that can hold a package. If it was made for this and is still empty when this is dropped,
/// it is removed.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The folders that were made, the innermost first.
    made: Vec<PathBuf>,
}

impl Folder {
    /// Makes the folder if it does not exist, and checks that files can be written in it. It is an
    /// error if it holds any file that is not a package's.
    pub fn claim(path: &Path) -> Result<Self> {
        let absent = path.ancestors().take_while(|folder| !folder.exists());
        let folder = Self {
            path: path.to_owned(),
            made: absent.map(Path::to_owned).collect(),
        };
        let names = fs::create_dir_all(path)
            .and_then(|()| fs::read_dir(path))
            .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect())
            .map_err(|error| folder.not_writable(&error));
        let names: Vec<_> = names?;
        for name in names {
            let name = name.to_string_lossy();
            let known = name.strip_suffix(UNFINISHED).unwrap_or(&name);
            if !FILES.contains(&known) {
                bail!(
                    "{} holds {name}, which belongs to no package, and was left as it is; name an \
                     empty folder, or a package's, with --output",
                    path.display()
                );
            }
        }
        let probe = folder.unfinished(FILES[0]);
        fs::write(&probe, [])
            .and_then(|()| fs::remove_file(&probe))
            .map_err(|error| folder.not_writable(&error))?;
        Ok(folder)
    }

    /// Writes the package: the bytes of [`FILES`], in their order. If a file can't be written, an
    /// older package is left unchanged.
    pub fn fill(&self, files: &[&[u8]; FILES.len()]) -> Result<()> {
        let written = FILES.iter().zip(files).try_for_each(|(name, bytes)| {
            let path = self.unfinished(name);
            fs::write(path, bytes)
        });
        if written.is_err() {
            for name in FILES {
                let _ = fs::remove_file(self.unfinished(name));
            }
        }
        written
            .and_then(|()| self.finish())
            .map_err(|error| self.not_writable(&error))
    }

    fn not_writable(&self, error: &io::Error) -> anyhow::Error {
        anyhow!(
            "{} can't be written: {error}; name another folder with --output",
            self.path.display()
        )
    }

    fn finish(&self) -> io::Result<()> {
        FILES
            .iter()
            .try_for_each(|name| fs::rename(self.unfinished(name), self.path.join(name)))
    }

    fn unfinished(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}{UNFINISHED}"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for folder in &self.made {
            // This fails if the folder is not empty.
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn a_package_is_replaced_by_the_next() {
        let scratch = tempdir().unwrap();
        for contents in [b"one", b"two"] {
            let folder = Folder::claim(&scratch.path().join("deep/package")).unwrap();
            folder.fill(&[contents.as_slice(); FILES.len()]).unwrap();
            for name in FILES {
                assert_eq!(fs::read(folder.path.join(name)).unwrap(), contents);
            }
            assert_eq!(fs::read_dir(&folder.path).unwrap().count(), FILES.len());
        }
    }

    #[test]
    fn a_folder_that_was_made_for_the_package_is_removed_if_empty() {
        let scratch = tempdir().unwrap();
        let (old, made) = (
            scratch.path().join("old"),
            scratch.path().join("made/for/this"),
        );
        fs::create_dir_all(&old).unwrap();
        for folder in [&old, &made] {
            drop(Folder::claim(folder).unwrap());
        }
        assert!(old.exists());
        assert!(!scratch.path().join("made").exists());
    }

    #[test]
    fn other_files_are_left_alone() {
        let scratch = tempdir().unwrap();
        fs::write(scratch.path().join("thesis.txt"), b"years of work").unwrap();
        let refused = Folder::claim(scratch.path()).unwrap_err().to_string();
        assert!(refused.contains("holds thesis.txt"), "{refused}");
        assert!(refused.contains("--output"), "{refused}");
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_refused_before_anything_is_built() {
        let scratch = tempdir().unwrap();
        let file = scratch.path().join("file");
        fs::write(&file, b"a file").unwrap();
        for path in [file.clone(), file.join("below")] {
            let refused = Folder::claim(&path).unwrap_err().to_string();
            assert!(refused.contains("can't be written"), "{refused}");
        }
    }
}
