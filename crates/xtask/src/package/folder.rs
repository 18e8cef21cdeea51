//! The folder that becomes the package. Nothing in it is touched unless all of it is a package's,
//! and a package is replaced only when the next one is complete.

use super::problem::Problem;
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

/// What a file is called until the package is complete.
const UNFINISHED: &str = ".unfinished";

/// A folder that can take a package. One that was made for it goes with this value while it is
/// empty.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// What of its path was not there before, the innermost first.
    made: Vec<PathBuf>,
}

impl Folder {
    /// Makes the folder if it isn't there, and sees that it can be written: before anything is
    /// built for it.
    ///
    /// # Errors
    ///
    /// If it holds anything that is not a package's, or can't be written.
    pub fn claim(path: &Path) -> Result<Self, Problem> {
        let not_writable = |source| Problem::FolderNotWritable {
            path: path.to_owned(),
            source,
        };
        let absent = path.ancestors().take_while(|folder| !folder.exists());
        let folder = Self {
            path: path.to_owned(),
            made: absent.map(Path::to_owned).collect(),
        };
        fs::create_dir_all(path).map_err(not_writable)?;
        for entry in fs::read_dir(path).map_err(not_writable)? {
            let name = entry.map_err(not_writable)?.file_name();
            let name = name.to_string_lossy();
            let known = name.strip_suffix(UNFINISHED).unwrap_or(&name);
            if !FILES.contains(&known) {
                return Err(Problem::FolderInUse {
                    path: path.to_owned(),
                    foreign: name.into_owned(),
                });
            }
        }
        let probe = folder.unfinished(FILES[0]);
        fs::write(&probe, [])
            .and_then(|()| fs::remove_file(&probe))
            .map_err(not_writable)?;
        Ok(folder)
    }

    /// Writes the package: the bytes of [`FILES`], in their order.
    ///
    /// # Errors
    ///
    /// If a file can't be written. A package that was there is still there then.
    pub fn fill(&self, files: &[&[u8]; FILES.len()]) -> Result<(), Problem> {
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
            .map_err(|source| Problem::FolderNotWritable {
                path: self.path.clone(),
                source,
            })
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
            // It fails where there is something in it.
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, process};

    /// A folder of its own for each test, gone with it.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("ringcopy-folder-{name}-{}", process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_package_is_replaced_by_the_next() {
        let scratch = Scratch::new("replaced");
        for contents in [b"one", b"two"] {
            let folder = Folder::claim(&scratch.0.join("deep/package")).unwrap();
            folder.fill(&[contents.as_slice(); FILES.len()]).unwrap();
            for name in FILES {
                assert_eq!(fs::read(folder.path.join(name)).unwrap(), contents);
            }
            assert_eq!(fs::read_dir(&folder.path).unwrap().count(), FILES.len());
        }
    }

    #[test]
    fn a_folder_that_stayed_empty_goes_if_it_was_made_for_the_package() {
        let scratch = Scratch::new("empty");
        let (old, made) = (scratch.0.join("old"), scratch.0.join("made/for/this"));
        fs::create_dir_all(&old).unwrap();
        for folder in [&old, &made] {
            drop(Folder::claim(folder).unwrap());
        }
        assert!(old.exists());
        assert!(!scratch.0.join("made").exists());
    }

    #[test]
    fn what_is_not_a_packages_is_left_alone() {
        let scratch = Scratch::new("foreign");
        fs::create_dir_all(&scratch.0).unwrap();
        fs::write(scratch.0.join("thesis.txt"), b"years of work").unwrap();
        let refused = Folder::claim(&scratch.0).unwrap_err().to_string();
        assert!(refused.contains("holds thesis.txt"), "{refused}");
        assert!(refused.contains("--output"), "{refused}");
        assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_refused_before_anything_is_built() {
        let scratch = Scratch::new("file");
        fs::write(&scratch.0, b"a file").unwrap();
        for path in [scratch.0.clone(), scratch.0.join("below")] {
            let refused = Folder::claim(&path).unwrap_err().to_string();
            assert!(refused.contains("can't be written"), "{refused}");
        }
        fs::remove_file(&scratch.0).unwrap();
    }
}
