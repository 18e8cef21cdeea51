//! A mutant: a patch file in `crates/xtask/mutants`.
//!
//! Its first line is `NAME, caught by BINARY::TEST`. The rest is a patch of one file, as `git diff -U1`
//! prints it: with little context, so that changes of other lines nearby do not make it stale.

use crate::{paths, program};
use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub struct Mutant {
    pub name: String,
    /// A test of `ringcopy-tests`, as `binary::test`; for Wine, of `usermode-accessors`; for the
    /// host, of their package, whose unit tests are in `lib`, or in `bin` for `xtask`.
    pub caught_by: String,
    /// The changed file.
    pub file: String,
    patch_file: PathBuf,
    patch: String,
}

impl Mutant {
    /// Reads the mutants in a folder of `crates/xtask/mutants`, in the order of their file names.
    pub fn read_all(folder: &str) -> Result<Vec<Self>> {
        let folder = paths::root().join("crates/xtask/mutants").join(folder);
        let mut files = fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>>>()?;
        files.sort();
        files.into_iter().map(Self::read).collect()
    }

    fn read(patch_file: PathBuf) -> Result<Self> {
        let shown = patch_file.display();
        let patch = fs::read_to_string(&patch_file)?.replace("\r\n", "\n");
        let mut lines = patch.lines();
        let (name, caught_by) = lines
            .next()
            .and_then(|line| line.split_once(", caught by "))
            .filter(|(name, test)| !name.is_empty() && test.contains("::"))
            .with_context(|| {
                format!("{shown} does not begin with a line `NAME, caught by BINARY::TEST`")
            })?;
        let mut files = lines.filter_map(|line| line.strip_prefix("+++ b/"));
        let (Some(file), None) = (files.next(), files.next()) else {
            bail!("{shown} is no patch of one file, with lines `--- a/FILE` and `+++ b/FILE`");
        };
        Ok(Self {
            name: name.to_owned(),
            caught_by: caught_by.to_owned(),
            file: file.to_owned(),
            patch_file,
            patch,
        })
    }

    /// Changes the file in a tree, whose lines may end as on Windows.
    pub fn apply(&self, tree: &Path) -> Result<()> {
        let (patch_file, file) = (self.patch_file.display(), &self.file);
        let path = tree.join(file);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{patch_file} changes a file that can't be read"))?
            .replace("\r\n", "\n");
        // git would take the nearest of several places.
        let lines: Vec<&str> = text.lines().collect();
        for hunk in self.patch.split("\n@@").skip(1) {
            let old = hunk.lines().skip(1);
            let old: Vec<&str> = old
                .filter_map(|line| line.strip_prefix([' ', '-']))
                .collect();
            let places = lines.windows(old.len().max(1)).filter(|part| *part == old);
            let places = places.count();
            if places != 1 {
                bail!(
                    "{patch_file} is stale: its lines without `+` are in {places} places of {file}, \
                     and not in one; adapt the patch"
                );
            }
        }
        fs::write(&path, text)?;
        let mut git = program::git(tree);
        // The paths are relative to the tree, also if it is in a repository. With `--unidiff-zero`, a
        // patch of the first or last lines of a file also fits after lines were added there.
        git.env("GIT_CEILING_DIRECTORIES", tree.parent().unwrap_or(tree))
            .args(["apply", "--unidiff-zero", "--whitespace=nowarn"])
            .arg(&self.patch_file);
        program::output_of(&mut git)
            .with_context(|| format!("{patch_file} can't be applied to {file}"))?;
        Ok(())
    }

    /// Returns the test program that must notice, and the test in it.
    pub fn test(&self) -> (&str, &str) {
        self.caught_by.split_once("::").unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "a, caught by lib::b\n";
    const PATCH: &str = "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";

    /// Returns the text of a file after a patch, or the error.
    fn patched(patch: &str, text: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let (patch_file, file) = (folder.path().join("p.patch"), folder.path().join("x"));
        fs::write(&patch_file, patch).unwrap();
        fs::write(&file, text).unwrap();
        Mutant::read(patch_file)
            .and_then(|mutant| mutant.apply(folder.path()))
            .map(|()| fs::read_to_string(file).unwrap())
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_patch_is_applied_wherever_its_lines_are() {
        let patch = format!("{HEADER}{PATCH}");
        for (text, changed) in [
            ("one\ntwo\nthree\n", "one\n2\nthree\n"),
            ("0\r\n0\r\none\r\ntwo\r\nthree\r\n", "0\n0\none\n2\nthree\n"),
        ] {
            assert_eq!(patched(&patch, text).as_deref(), Ok(changed));
        }
    }

    #[test]
    fn a_bad_patch_is_named_in_a_sentence() {
        let whole = format!("{HEADER}{PATCH}");
        let text = "one\ntwo\nthree\n";
        for (patch, text, expected) in [
            (
                "",
                text,
                "p.patch does not begin with a line `NAME, caught by BINARY::TEST`",
            ),
            (PATCH, text, "p.patch does not begin with a line"),
            (
                &whole.replace("lib::b", ""),
                text,
                "p.patch does not begin with a line",
            ),
            (
                &whole.replace("a, c", ", c"),
                text,
                "p.patch does not begin with a line",
            ),
            (HEADER, text, "p.patch is no patch of one file"),
            (
                &format!("{whole}{PATCH}"),
                text,
                "p.patch is no patch of one file",
            ),
            (
                &whole.replace("b/x", "b/y"),
                text,
                "p.patch changes a file that can't be read",
            ),
            (
                &whole.replace("@@ -1,3", "-1,3"),
                text,
                "p.patch can't be applied to x",
            ),
            (
                &whole.replace("+1,3", "+1,9"),
                text,
                "p.patch can't be applied to x",
            ),
            (
                &whole,
                "one\n2\nthree\n",
                "p.patch is stale: its lines without `+` are in 0 places of x",
            ),
            (
                &whole,
                &text.repeat(2),
                "p.patch is stale: its lines without `+` are in 2 places of x",
            ),
        ] {
            let error = patched(patch, text).unwrap_err();
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }
}
