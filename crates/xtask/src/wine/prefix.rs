//! Wine's prefix: the folder with a Windows machine. Wine's first program makes it. If that program is
//! interrupted or fails, the prefix is incomplete, and no later program completes it.

use anyhow::Result;
use fs_err as fs;
use std::path::{Path, PathBuf};

/// A file in each complete prefix.
const COMPLETE: &str = "ringcopy-complete";

/// A prefix, which need not exist yet.
pub struct Prefix(PathBuf);

impl Prefix {
    pub const fn at(path: PathBuf) -> Self {
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Starts Wine in it with `boot`, after ending with `end` what may still run there. A prefix is
    /// replaced if it is incomplete, or, once, if Wine does not start in it.
    pub fn start(&self, end: impl Fn(), boot: impl Fn() -> Result<()>) -> Result<()> {
        let complete = self.0.join(COMPLETE);
        if complete.is_file() {
            end();
            if boot().is_ok() {
                return Ok(());
            }
        }
        if self.0.exists() {
            // No later program would find a running server, which is identified by its folder.
            end();
            fs::remove_dir_all(&self.0)?;
        }
        fs::create_dir_all(&self.0)?;
        boot()?;
        fs::write(&complete, [])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;
    use std::cell::Cell;
    use tempfile::TempDir;

    /// A prefix whose simulated Wine starts unless there is a file `incomplete`.
    struct Scratch {
        prefix: Prefix,
        _folder: TempDir,
    }

    impl Scratch {
        fn new() -> Self {
            let folder = TempDir::new().unwrap();
            Self {
                prefix: Prefix::at(folder.path().join("prefix")),
                _folder: folder,
            }
        }

        fn has(&self, name: &str) -> bool {
            self.prefix.path().join(name).exists()
        }

        fn add(&self, name: &str) {
            fs::create_dir_all(self.prefix.path()).unwrap();
            fs::write(self.prefix.path().join(name), "").unwrap();
        }

        fn start(&self) -> Result<()> {
            self.prefix.start(|| (), || self.boot())
        }

        fn boot(&self) -> Result<()> {
            if self.has("incomplete") {
                bail!("wine failed");
            }
            self.add("system.reg");
            Ok(())
        }
    }

    #[test]
    fn an_incomplete_prefix_is_replaced() {
        let scratch = Scratch::new();
        // Wine may start in it, and then lack what was not made.
        scratch.add("part");
        scratch.start().unwrap();
        assert!(!scratch.has("part"));
        assert!(scratch.has("system.reg"));
    }

    #[test]
    fn a_prefix_in_which_wine_does_not_start_is_replaced() {
        let scratch = Scratch::new();
        scratch.start().unwrap();
        scratch.add("incomplete");
        scratch.start().unwrap();
        assert!(!scratch.has("incomplete"));
    }

    #[test]
    fn the_prefix_of_a_wine_that_failed_is_not_used_again() {
        let scratch = Scratch::new();
        let boots = Cell::new(0);
        let fail = || {
            boots.set(boots.get() + 1);
            scratch.add("incomplete");
            scratch.boot()
        };
        assert!(scratch.prefix.start(|| (), fail).is_err());
        assert_eq!(boots.get(), 1);
        scratch.start().unwrap();
    }

    #[test]
    fn a_complete_prefix_is_kept() {
        let scratch = Scratch::new();
        scratch.start().unwrap();
        scratch.add("kept");
        scratch.start().unwrap();
        assert!(scratch.has("kept"));
    }
}
