//! One change of the sources, which a test must notice.

use anyhow::{Result, bail};

pub struct Mutant {
    pub name: &'static str,
    pub file: &'static str,
    /// A part of the file that is there exactly once.
    pub original: &'static str,
    pub broken: &'static str,
    /// A test of `ringcopy-tests`, as `binary::test`; for Wine, of `usermode-accessors`; for the
    /// host, of their package, whose own binary is `lib`.
    pub caught_by: &'static str,
}

impl Mutant {
    /// Returns the text of the file after the change. The file's lines may end as on Windows.
    pub fn of(&self, text: &str) -> Result<String> {
        let text = text.replace("\r\n", "\n");
        if text.matches(self.original).count() != 1 {
            bail!(
                "the mutant \"{}\" no longer fits {}; adapt it in crates/xtask/src/test/mutants",
                self.name,
                self.file
            );
        }
        Ok(text.replacen(self.original, self.broken, 1))
    }

    /// Returns the test program that must notice, and the test in it.
    pub fn test(&self) -> (&str, &str) {
        self.caught_by
            .split_once("::")
            .unwrap_or((self.caught_by, ""))
    }
}
