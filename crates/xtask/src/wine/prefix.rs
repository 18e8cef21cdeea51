//! The folder that Wine takes for a Windows machine. It is made by Wine's first program, which can be
//! interrupted, or fail; what that leaves is no machine, and no later program makes one of it.

use crate::error::Error;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Lies in a prefix that was made to its end.
const COMPLETE: &str = "ringcopy-complete";

/// A prefix, made or to be made.
pub struct Prefix(PathBuf);

impl Prefix {
    pub const fn at(path: PathBuf) -> Self {
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Has `boot` start Wine in it, after `end` has ended what may still run there. A prefix that is
    /// half made is made anew, and so is, once, one in which Wine does not start.
    ///
    /// # Errors
    ///
    /// If Wine does not start in one that was made for this, or it can't be made.
    pub fn start(&self, end: impl Fn(), boot: impl Fn() -> Result<(), Error>) -> Result<(), Error> {
        let complete = self.0.join(COMPLETE);
        if complete.is_file() {
            end();
            if boot().is_ok() {
                return Ok(());
            }
        }
        if self.0.exists() {
            // A server would stay that no other program finds: it is known by its folder.
            end();
            fs::remove_dir_all(&self.0).map_err(Error::file(&self.0))?;
        }
        fs::create_dir_all(&self.0).map_err(Error::file(&self.0))?;
        boot()?;
        fs::write(&complete, []).map_err(Error::file(&complete))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::Cell, env, process};

    /// Goes with its test.
    struct Scratch(Prefix);

    impl Scratch {
        fn new(name: &str) -> Self {
            let name = format!("ringcopy-prefix-{name}-{}", process::id());
            Self(Prefix::at(env::temp_dir().join(name)))
        }

        fn start(&self) -> Result<(), Error> {
            self.0.start(|| (), || self.boot())
        }

        /// What a Wine would leave that starts where there is nothing half made.
        fn boot(&self) -> Result<(), Error> {
            let half = self.0.path().join("half");
            if half.exists() {
                return Err(failed());
            }
            fs::write(self.0.path().join("system.reg"), "").map_err(Error::file(half))
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(self.0.path()));
        }
    }

    fn failed() -> Error {
        Error::Failed {
            program: "wine".to_owned(),
            output: String::new(),
        }
    }

    #[test]
    fn f4_a_half_made_prefix_is_made_anew() {
        let scratch = Scratch::new("half");
        fs::create_dir_all(scratch.0.path()).unwrap();
        // Wine may start in it, and then lack what was not made.
        fs::write(scratch.0.path().join("part"), "").unwrap();
        scratch.start().unwrap();
        assert!(!scratch.0.path().join("part").exists());
        assert!(scratch.0.path().join("system.reg").exists());
    }

    #[test]
    fn f4_a_prefix_in_which_wine_does_not_start_is_made_anew() {
        let scratch = Scratch::new("spoilt");
        scratch.start().unwrap();
        fs::write(scratch.0.path().join("half"), "").unwrap();
        scratch.start().unwrap();
        assert!(!scratch.0.path().join("half").exists());
    }

    #[test]
    fn f4_a_prefix_of_a_wine_that_failed_is_not_taken_for_a_good_one() {
        let scratch = Scratch::new("failed");
        let boots = Cell::new(0);
        let fail = || {
            boots.set(boots.get() + 1);
            fs::write(scratch.0.path().join("half"), "").map_err(Error::file("half"))?;
            Err(failed())
        };
        assert!(scratch.0.start(|| (), fail).is_err());
        assert_eq!(boots.get(), 1);
        scratch.start().unwrap();
    }

    #[test]
    fn a_prefix_that_is_whole_is_kept() {
        let scratch = Scratch::new("whole");
        scratch.start().unwrap();
        fs::write(scratch.0.path().join("kept"), "").unwrap();
        scratch.start().unwrap();
        assert!(scratch.0.path().join("kept").exists());
    }
}
