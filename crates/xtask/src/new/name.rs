//! The names of a driver.

use anyhow::{Result, bail};

/// More than any driver's name has. The event log and KMDF's recorder show 31 characters.
const LONGEST: usize = 64;

/// Names that cargo or rustc keep to themselves, and the packages that a project depends on.
const TAKEN: &str = "alloc build core deps examples incremental proc-macro std test \
    usermode-accessors wdk wdk-alloc wdk-build wdk-macros wdk-panic wdk-sys";

/// The words of Rust that can be no name: "Keywords" in the Rust reference.
const KEYWORDS: &str = "abstract as async await become box break const continue crate do dyn else enum \
    extern false final fn for gen if impl in let loop macro match mod move mut override priv pub ref return \
    self static struct super trait true try type typeof unsafe unsized use virtual where while yield";

/// Names that Windows gives to devices, and no file can have: "Naming Files, Paths, and Namespaces".
const DEVICES: &str = "aux com0 com1 com2 com3 com4 com5 com6 com7 com8 com9 con lpt0 lpt1 lpt2 lpt3 lpt4 \
    lpt5 lpt6 lpt7 lpt8 lpt9 nul prn";

/// The name of a package that is a driver.
pub struct Name(String);

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// If a package, a crate or a file of Windows cannot have it.
    pub fn new(name: &str) -> Result<Self> {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        if !name.starts_with(|first: char| first.is_ascii_alphabetic())
            || !name.chars().all(allowed)
        {
            bail!(
                "{name:?} can't be the name of a driver: one starts with a letter, and has letters, \
                 digits, `-` and `_`"
            );
        }
        if name.len() > LONGEST {
            bail!("{name:?} can't be the name of a driver: it has more than {LONGEST} characters");
        }
        let lower = name.to_ascii_lowercase();
        let hyphens = lower.replace('_', "-");
        for (words, kind) in [
            (TAKEN, "of a package or folder that a build needs"),
            (KEYWORDS, "a word of Rust"),
            (DEVICES, "of a device of Windows"),
        ] {
            if words
                .split_whitespace()
                .any(|word| word == lower || word == hyphens)
            {
                bail!("{name:?} can't be the name of a driver: it is that {kind}");
            }
        }
        Ok(Self(name.to_owned()))
    }

    /// Returns a text of the template with this name in it: as a package's, a crate's and a type's.
    pub fn fill_in(&self, text: &str) -> String {
        text.replace("my-driver", &self.0)
            .replace("my_driver", &self.0.replace('-', "_"))
            .replace("MyDriver", &self.in_capitals())
    }

    /// Returns the name in the form of names of the object manager, as in `MyDriver`.
    fn in_capitals(&self) -> String {
        self.0
            .split(['-', '_'])
            .filter_map(|word| word.split_at_checked(1))
            .flat_map(|(first, rest)| [first.to_ascii_uppercase(), rest.to_owned()])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_a_crate_and_a_file() {
        let longest = "a".repeat(LONGEST);
        for name in ["disk", "disk-tool", "a_1", "Echo2", &longest] {
            assert!(Name::new(name).is_ok(), "{name}");
        }
        let longer = "a".repeat(LONGEST + 1);
        for (name, expected) in [
            ("", "starts with a letter"),
            ("1a", "starts with a letter"),
            ("-a", "starts with a letter"),
            ("a b", "has letters"),
            ("a/b", "has letters"),
            ("a.b", "has letters"),
            ("über", "starts with a letter"),
            ("fn", "a word of Rust"),
            ("Con", "a device of Windows"),
            ("wdk_sys", "a package or folder"),
            ("test", "a package or folder"),
            (&longer, "more than 64"),
        ] {
            let error = Name::new(name).err().expect(name).to_string();
            assert!(error.contains(expected) && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_name_has_three_forms() {
        let text = Name::new("disk-tool_2")
            .unwrap()
            .fill_in("my-driver my_driver MyDriver");
        assert_eq!(text, "disk-tool_2 disk_tool_2 DiskTool2");
    }
}
