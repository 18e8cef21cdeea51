//! What a package says of itself: its version, its date, the framework it needs. All of it is the
//! commit's, so that one commit makes one package.

use super::{
    date::{self, Source},
    problem::Problem,
};
use crate::{error::Error, places, program};
use std::{env, fs, path::Path, time::Duration};

/// The variable that reproducible builds take their date from.
const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// The versions of KMDF, by the Windows that brings them ("KMDF Version History"). A driver runs
/// where the framework is at least as recent as the one that it was built for.
const FRAMEWORKS: [(u32, &str); 2] = [
    (33, "Windows 11 or Windows Server 2022, or later"),
    (31, "Windows 10 version 2004, or later"),
];

/// Who the package is.
pub struct Identity {
    /// As in `0.1.0`.
    pub version: &'static str,
    /// Since the beginning of 1970.
    pub date: Duration,
    kmdf: (u32, u32),
}

impl Identity {
    /// Reads it from the tree.
    ///
    /// # Errors
    ///
    /// If the tree has no date that a package can have, or the driver's manifest no framework.
    pub fn of_tree() -> Result<Self, Error> {
        let manifest = places::root().join("Cargo.toml");
        let text = fs::read_to_string(&manifest).map_err(Error::file(&manifest))?;
        let number = |name| {
            number(&text, name).ok_or_else(|| Problem::NoKmdfVersion {
                path: manifest.clone(),
                name,
            })
        };
        let epoch = env::var(EPOCH).ok();
        let source = if epoch.is_some() {
            Source::Builder
        } else {
            Source::Commit
        };
        let date = date(epoch.as_deref(), &places::root())?;
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            date: date::of_package(date, source, date::now())?,
            kmdf: (
                number("kmdf-version-major")?,
                number("target-kmdf-version-minor")?,
            ),
        })
    }

    /// Month, day and year, as `DriverVer` has them.
    ///
    /// # Errors
    ///
    /// If it is after 9999.
    pub fn driver_date(&self) -> Result<String, Problem> {
        let (year, month, day) = self.calendar_date()?;
        Ok(format!("{month:02}/{day:02}/{year}"))
    }

    /// Year, month and day, for people.
    ///
    /// # Errors
    ///
    /// If it is after 9999.
    pub fn readable_date(&self) -> Result<String, Problem> {
        let (year, month, day) = self.calendar_date()?;
        Ok(format!("{year}-{month:02}-{day:02}"))
    }

    fn calendar_date(&self) -> Result<(u16, u8, u8), Problem> {
        let date = der::DateTime::from_unix_duration(self.date)?;
        Ok((date.year(), date.month(), date.day()))
    }

    /// The version in four parts, as `DriverVer` has it.
    pub fn driver_version(&self) -> String {
        format!("{}.0", self.version)
    }

    /// The framework, as in `1.31`.
    pub fn kmdf_version(&self) -> String {
        format!("{}.{}", self.kmdf.0, self.kmdf.1)
    }

    /// Which Windows brings the framework.
    pub fn windows(&self) -> &'static str {
        FRAMEWORKS
            .iter()
            .find(|(minor, _)| *minor <= self.kmdf.1)
            .map_or("Windows 10 or 11", |(_, windows)| windows)
    }
}

/// The date of the package: `epoch` if the builder gave one, else that of the commit in `tree`.
fn date(epoch: Option<&str>, tree: &Path) -> Result<Duration, Problem> {
    if let Some(epoch) = epoch {
        return seconds(epoch).ok_or_else(|| Problem::NoDate {
            why: format!("{EPOCH} is \"{epoch}\", which is no such number"),
        });
    }
    let git = |arguments: &[&str]| {
        program::output_of(program::git(tree).args(arguments)).map_err(|error| Problem::NoDate {
            why: error.to_string().trim_end().replace('\n', " "),
        })
    };
    // A repository may hold the folder into which the sources were unpacked, and know nothing of them.
    if !git(&["rev-parse", "--show-prefix"])?.trim().is_empty() {
        return Err(Problem::NoDate {
            why: "the repository that git finds is not its own but one around it".to_owned(),
        });
    }
    let said = git(&["log", "-1", "--no-show-signature", "--format=%ct"])?;
    seconds(&said).ok_or_else(|| Problem::NoDate {
        why: "git names none".to_owned(),
    })
}

fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_secs)
}

/// The value of `name = number` in a manifest.
fn number(manifest: &str, name: &str) -> Option<u32> {
    manifest.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.trim_start().strip_prefix('=')?;
        value.trim().parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{path::PathBuf, process};

    const MANIFEST: &str = "[a]\nkmdf-version-major = 1\ntarget-kmdf-version-minor = 31\n";

    fn identity(minor: u32) -> Identity {
        Identity {
            version: "1.2.3",
            date: date(Some("1700000000"), Path::new("/")).unwrap(),
            kmdf: (1, minor),
        }
    }

    #[test]
    fn dates_and_versions_are_as_the_inf_has_them() {
        let identity = identity(31);
        assert_eq!(identity.driver_date().unwrap(), "11/14/2023");
        assert_eq!(identity.readable_date().unwrap(), "2023-11-14");
        assert_eq!(identity.driver_version(), "1.2.3.0");
        assert_eq!(identity.kmdf_version(), "1.31");
    }

    #[test]
    fn the_framework_tells_the_windows() {
        assert!(identity(33).windows().starts_with("Windows 11"));
        assert!(
            identity(31)
                .windows()
                .starts_with("Windows 10 version 2004")
        );
    }

    #[test]
    fn the_framework_is_read_by_its_whole_name() {
        assert_eq!(number(MANIFEST, "kmdf-version-major"), Some(1));
        assert_eq!(number(MANIFEST, "target-kmdf-version-minor"), Some(31));
        assert_eq!(number(MANIFEST, "kmdf-version"), None);
    }

    #[test]
    fn without_a_date_the_reader_learns_what_to_do() {
        let bad = date(Some("yesterday"), Path::new("/")).unwrap_err();
        assert!(bad.to_string().contains("\"yesterday\""), "{bad}");
        // No repository holds the root of a file system.
        let none = date(None, Path::new("/")).unwrap_err().to_string();
        assert!(none.contains("SOURCE_DATE_EPOCH"), "{none}");
        assert!(none.contains("git rev-parse failed"), "{none}");
    }

    /// A repository with one commit, and folders besides, gone with its test.
    struct Repository(PathBuf);

    impl Repository {
        fn new() -> Self {
            let path = env::temp_dir().join(format!("ringcopy-date-{}", process::id()));
            fs::create_dir_all(&path).unwrap();
            let repository = Self(path);
            repository.git("", &["init", "--quiet", "--template="]);
            repository.commit("", "1600000000");
            repository
        }

        fn folder(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }

        fn git(&self, folder: &str, arguments: &[&str]) {
            let mut git = program::git(&self.folder(folder));
            let named = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
            program::output_of(git.args(named).args(arguments)).unwrap();
        }

        fn commit(&self, folder: &str, when: &str) {
            let mut git = program::git(&self.folder(folder));
            git.args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
                .args([
                    "-c",
                    "commit.gpgSign=false",
                    "-c",
                    "core.hooksPath=/dev/null",
                ])
                .args(["commit", "--quiet", "--allow-empty", "--message=a"])
                .env("GIT_AUTHOR_DATE", format!("{when} +0000"))
                .env("GIT_COMMITTER_DATE", format!("{when} +0000"));
            program::output_of(&mut git).unwrap();
        }

        fn date(&self, folder: &str) -> Result<u64, String> {
            let date = date(None, &self.folder(folder));
            date.map(|date| date.as_secs())
                .map_err(|problem| problem.to_string())
        }
    }

    impl Drop for Repository {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn f3_the_date_is_that_of_the_trees_own_repository() {
        let repository = Repository::new();
        assert_eq!(repository.date(""), Ok(1_600_000_000));
        // What was unpacked in it is none of its own.
        fs::create_dir_all(repository.folder("unpacked/tree")).unwrap();
        let refused = repository.date("unpacked/tree").unwrap_err();
        assert!(refused.contains("one around it"), "{refused}");
        assert!(refused.contains("SOURCE_DATE_EPOCH"), "{refused}");
        // Another working tree of it has a file where a clone has a folder, and so has a submodule.
        repository.git("", &["worktree", "add", "--quiet", "--detach", "other"]);
        repository.commit("other", "1600000100");
        assert_eq!(repository.date("other"), Ok(1_600_000_100));
        assert!(repository.folder("other/.git").is_file());
        repository.git(
            "",
            &["init", "--quiet", "--separate-git-dir=part.git", "part"],
        );
        repository.commit("part", "1600000200");
        assert_eq!(repository.date("part"), Ok(1_600_000_200));
    }
}
