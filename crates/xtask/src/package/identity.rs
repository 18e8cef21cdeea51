//! The version, date and framework of a package. All of them come from the commit, so that one commit
//! makes one package.

use super::date::{self, Source};
use crate::{paths, program};
use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use std::{env, path::Path, time::Duration};

/// The variable with the date of reproducible builds.
const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// The versions of KMDF, with the versions of Windows that contain them ("KMDF Version History"). A
/// driver runs with the framework for which it was built, or a later one.
const FRAMEWORKS: [(u32, &str); 2] = [
    (33, "Windows 11 or Windows Server 2022, or later"),
    (31, "Windows 10 version 2004, or later"),
];

/// The identity of a package.
pub struct Identity {
    /// As in `0.1.0`.
    pub version: &'static str,
    /// Since the beginning of 1970.
    pub date: Duration,
    kmdf: (u32, u32),
}

impl Identity {
    /// Reads the identity from the tree.
    pub fn of_tree() -> Result<Self> {
        let manifest = paths::root().join("Cargo.toml");
        let text = fs::read_to_string(&manifest)?;
        let number = |name| {
            number(&text, name)
                .with_context(|| format!("{} has no {name} that is a number", manifest.display()))
        };
        let epoch = env::var(EPOCH).ok();
        let source = if epoch.is_some() {
            Source::User
        } else {
            Source::Commit
        };
        let date = date(epoch.as_deref(), &paths::root())?;
        date::check(date, source, date::now())?;
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            date,
            kmdf: (
                number("kmdf-version-major")?,
                number("target-kmdf-version-minor")?,
            ),
        })
    }

    /// Returns month, day and year, as `DriverVer` has them.
    pub fn driver_date(&self) -> Result<String> {
        let date = der::DateTime::from_unix_duration(self.date)?;
        let (year, month, day) = (date.year(), date.month(), date.day());
        Ok(format!("{month:02}/{day:02}/{year}"))
    }

    /// Returns the version in four parts, as `DriverVer` has it.
    pub fn driver_version(&self) -> String {
        format!("{}.0", self.version)
    }

    /// Returns the version of the framework, as in `1.31`.
    pub fn kmdf_version(&self) -> String {
        format!("{}.{}", self.kmdf.0, self.kmdf.1)
    }

    /// Returns the versions of Windows that contain the framework.
    pub fn windows(&self) -> &'static str {
        FRAMEWORKS
            .iter()
            .find(|(minor, _)| *minor <= self.kmdf.1)
            .map_or("Windows 10 or 11", |(_, windows)| windows)
    }
}

/// Returns the date of the package: `epoch` if the user has set it, else that of the commit in `tree`.
fn date(epoch: Option<&str>, tree: &Path) -> Result<Duration> {
    if let Some(epoch) = epoch {
        return seconds(epoch)
            .with_context(|| no_date(&format!("{EPOCH} is \"{epoch}\", which is no such number")));
    }
    let git = |arguments: &[&str]| {
        program::output_of(program::git(tree).args(arguments)).or_else(|error| {
            let why = format!("{error:#}").trim_end().replace('\n', " ");
            bail!(no_date(&why))
        })
    };
    // The sources may have been unpacked into the folder of another repository.
    if !git(&["rev-parse", "--show-prefix"])?.trim().is_empty() {
        bail!(no_date(
            "the repository that git finds is not its own but one around it"
        ));
    }
    let output = git(&["log", "-1", "--no-show-signature", "--format=%ct"])?;
    seconds(&output).with_context(|| no_date("git prints none"))
}

fn no_date(why: &str) -> String {
    format!(
        "the package is dated by its commit, and {why}; work in a clone with git installed, or set \
         {EPOCH} to the seconds since 1970"
    )
}

fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_secs)
}

/// Returns the value of `name = number` in a manifest.
fn number(manifest: &str, name: &str) -> Option<u32> {
    manifest.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.trim_start().strip_prefix('=')?;
        value.trim().parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use tempfile::TempDir;

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
        assert_eq!(date::readable(identity.date), "2023-11-14");
        assert_eq!(identity.driver_version(), "1.2.3.0");
        assert_eq!(identity.kmdf_version(), "1.31");
    }

    #[test]
    fn the_framework_determines_the_windows() {
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
    fn without_a_date_the_error_says_what_to_do() {
        let bad = date(Some("yesterday"), Path::new("/")).unwrap_err();
        assert!(bad.to_string().contains("\"yesterday\""), "{bad}");
        // No repository holds the root of a file system.
        let none = date(None, Path::new("/")).unwrap_err().to_string();
        assert!(none.contains("SOURCE_DATE_EPOCH"), "{none}");
        assert!(none.contains("git rev-parse failed"), "{none}");
    }

    /// A repository, and other folders in it.
    struct Repository(TempDir);

    impl Repository {
        fn folder(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn git(&self, folder: &str, arguments: &[&str], when: &str) {
            let mut git = program::git(&self.folder(folder));
            for setting in [
                "user.name=a",
                "user.email=a@example.org",
                "commit.gpgSign=false",
                "core.hooksPath=/dev/null",
            ] {
                git.args(["-c", setting]);
            }
            git.env("GIT_AUTHOR_DATE", when)
                .env("GIT_COMMITTER_DATE", when);
            program::output_of(git.args(arguments)).unwrap();
        }

        fn commit(&self, folder: &str, when: u64) {
            let commit = ["commit", "--quiet", "--allow-empty", "--message=a"];
            self.git(folder, &commit, &format!("{when} +0000"));
        }

        fn date(&self, folder: &str) -> Result<u64, String> {
            let date = date(None, &self.folder(folder));
            date.map(|date| date.as_secs())
                .map_err(|error| error.to_string())
        }
    }

    #[test]
    fn the_date_is_that_of_the_trees_own_repository() {
        let repository = Repository(TempDir::new().unwrap());
        repository.git("", &["init", "--quiet", "--template="], "");
        repository.commit("", 1_600_000_000);
        assert_eq!(repository.date(""), Ok(1_600_000_000));
        // Sources that were unpacked in another repository.
        fs::create_dir_all(repository.folder("unpacked/tree")).unwrap();
        let refused = repository.date("unpacked/tree").unwrap_err();
        assert!(refused.contains("one around it"), "{refused}");
        assert!(refused.contains("SOURCE_DATE_EPOCH"), "{refused}");
        // Another working tree has a file `.git` instead of a folder, as a submodule has.
        repository.git("", &["worktree", "add", "--quiet", "--detach", "other"], "");
        repository.commit("other", 1_600_000_100);
        assert_eq!(repository.date("other"), Ok(1_600_000_100));
        assert!(repository.folder("other/.git").is_file());
        let part = ["init", "--quiet", "--separate-git-dir=part.git", "part"];
        repository.git("", &part, "");
        repository.commit("part", 1_600_000_200);
        assert_eq!(repository.date("part"), Ok(1_600_000_200));
    }
}
