//! The sources of Rust's standard library from Debian's package `rust-src`, for a machine where
//! rustup can't get them. The package is unpacked under `target/`, and linked to from where rustup
//! would have put the sources; nothing is installed.

use super::apt_source::Archive;
use crate::{error::Error, places, program, step::Step, toolchain::Toolchain};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

const PACKAGE: &str = "rust-src";

/// Suites that may hold the version sought, the likeliest and smallest first.
const SUITES: [&str; 5] = [
    "trixie-backports",
    "forky",
    "sid",
    "bookworm-backports",
    "trixie",
];

/// Gets the sources of exactly the compiler's version.
///
/// # Errors
///
/// [`Error::Missing`] if this isn't Debian or no suite has that version.
pub(super) fn get(toolchain: &Toolchain) -> Result<(), Error> {
    let archive = Archive::of_this_machine("debian").ok_or_else(|| missing(toolchain, &[]))?;
    let step = Step::start(format!(
        "getting the sources of Rust {}'s library from Debian",
        toolchain.release
    ));
    let folder = places::target().join("setup/rust-src");
    let mut seen = Vec::new();
    for suite in SUITES {
        step.detail(suite);
        let apt = Apt::new(&folder, &archive, suite)?;
        // A suite that the mirror lacks is one in which the version is not.
        if program::run(&step, apt.get().arg("update")).is_err() {
            continue;
        }
        let versions = program::output_of(apt.cache().args(["madison", PACKAGE]))?;
        let versions = versions_in(&versions);
        if let Some(version) = versions
            .iter()
            .find(|version| upstream_of(version) == toolchain.release)
        {
            let sources = unpack(&step, &apt, version, toolchain)?;
            link(&step, &sources, &toolchain.library_source())?;
            step.done();
            return Ok(());
        }
        seen.extend(
            versions
                .iter()
                .map(|version| upstream_of(version).to_owned()),
        );
    }
    Err(missing(toolchain, &seen))
}

fn missing(toolchain: &Toolchain, seen: &[String]) -> Error {
    let versions = if seen.is_empty() {
        String::new()
    } else {
        format!(" (Debian has it for {})", seen.join(", "))
    };
    Error::Missing {
        what: format!(
            "Rust {}'s standard library is missing for the targets of the driver and the lab, and \
             so are its sources{versions}",
            toolchain.release
        ),
        command: "rustup component add rust-src".to_owned(),
    }
}

/// apt-get and apt-cache over one suite, with lists and caches of their own.
struct Apt {
    folder: PathBuf,
    options: Vec<String>,
}

impl Apt {
    fn new(folder: &Path, archive: &Archive, suite: &str) -> Result<Self, Error> {
        let lists = folder.join("lists").join(suite);
        let cache = folder.join("cache").join(suite);
        for needed in [lists.join("partial"), cache.join("archives/partial")] {
            fs::create_dir_all(&needed).map_err(Error::file(&needed))?;
        }
        let source = folder.join(suite).with_extension("sources");
        fs::write(&source, archive.entry_for(suite)).map_err(Error::file(&source))?;

        let options = [
            ("Dir::Etc::sourcelist", source.display().to_string()),
            ("Dir::Etc::sourceparts", "/dev/null".to_owned()),
            ("Dir::State::Lists", lists.display().to_string()),
            ("Dir::Cache", cache.display().to_string()),
            // The user that apt would change to may not write here.
            ("APT::Sandbox::User", "root".to_owned()),
            ("Acquire::Languages", "none".to_owned()),
        ]
        .map(|(name, value)| format!("{name}={value}"));
        Ok(Self {
            folder: folder.to_owned(),
            options: options.to_vec(),
        })
    }

    fn get(&self) -> Command {
        self.command("apt-get")
    }

    fn cache(&self) -> Command {
        self.command("apt-cache")
    }

    fn command(&self, name: &str) -> Command {
        let mut command = program::named(name);
        command.current_dir(&self.folder);
        for option in &self.options {
            command.arg("-o").arg(option);
        }
        command
    }
}

/// Downloads and unpacks one version; returns the folder of the sources. What an interrupted run has
/// left is not taken for any of it.
fn unpack(step: &Step, apt: &Apt, version: &str, toolchain: &Toolchain) -> Result<PathBuf, Error> {
    let unfinished = apt.folder.join("unfinished");
    let name = format!("rustc-{}", toolchain.release);
    let sources = apt.folder.join(&name);
    for left in [&unfinished, &sources] {
        if left.exists() {
            fs::remove_dir_all(left).map_err(Error::file(left))?;
        }
    }
    fs::create_dir_all(&unfinished).map_err(Error::file(&unfinished))?;
    program::run(
        step,
        apt.get()
            .current_dir(&unfinished)
            .arg("download")
            .arg(format!("{PACKAGE}={version}")),
    )?;
    let package = downloaded(&unfinished)?;
    program::run(
        step,
        program::named("dpkg")
            .arg("-x")
            .arg(&package)
            .arg(&unfinished),
    )?;
    let unpacked = unfinished.join("usr/src").join(name);
    fs::rename(&unpacked, &sources).map_err(Error::file(&unpacked))?;
    fs::remove_dir_all(&unfinished).map_err(Error::file(&unfinished))?;
    Ok(sources)
}

/// The package file in `folder`.
fn downloaded(folder: &Path) -> Result<PathBuf, Error> {
    fs::read_dir(folder)
        .map_err(Error::file(folder))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .ok_or_else(|| Error::File {
            path: folder.to_owned(),
            source: io::Error::new(io::ErrorKind::NotFound, "no package was downloaded"),
        })
}

/// Makes `place` lead to `sources`, also where a link is whose target was cleaned away.
fn link(step: &Step, sources: &Path, place: &Path) -> Result<(), Error> {
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder).map_err(Error::file(folder))?;
    }
    program::run(
        step,
        program::named("ln")
            .args(["--symbolic", "--force", "--no-dereference"])
            .args([sources, place]),
    )
}

/// The versions in what `apt-cache madison` prints: `package | version | where from`.
fn versions_in(madison: &str) -> Vec<String> {
    madison
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .map(|version| version.trim().to_owned())
        .collect()
}

/// The upstream part of a Debian version, without epoch, repacking mark and revision.
fn upstream_of(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    version.split(['+', '-', '~']).next().unwrap_or(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn madison_lists_one_version_to_a_line() {
        let madison = " rust-src | 1.96.1+dfsg1-2~bpo13+1 | a mirror\n \
                       rust-src | 1.95.0+dfsg1-1 | a mirror\n";
        assert_eq!(
            versions_in(madison),
            ["1.96.1+dfsg1-2~bpo13+1", "1.95.0+dfsg1-1"]
        );
        assert!(versions_in("").is_empty());
    }

    #[test]
    fn upstream_version_is_what_rustc_calls_itself() {
        for (debian, upstream) in [
            ("1.95.0+dfsg1-2~bpo13+1", "1.95.0"),
            ("1.95.0~beta.3+dfsg1-1", "1.95.0"),
            ("2:1.95.0-1", "1.95.0"),
            ("1.95.0", "1.95.0"),
        ] {
            assert_eq!(upstream_of(debian), upstream, "{debian}");
        }
    }
}
