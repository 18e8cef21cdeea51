//! The sources of Rust's standard library from Debian's package `rust-src`, for a machine without
//! rustup. The package is not installed but unpacked under `target/`. A link to it is put where rustup
//! would have put the sources.

use super::archive::{self, DEBIAN_KEYRING};
use crate::{paths, program, step::Step, toolchain::Toolchain};
use anyhow::{Context as _, Result, anyhow};
use fs_err as fs;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

const PACKAGE: &str = "rust-src";

/// Suites that may have the version, the likeliest and smallest first.
const SUITES: [&str; 5] = [
    "trixie-backports",
    "forky",
    "sid",
    "bookworm-backports",
    "trixie",
];

/// Installs the sources of exactly the compiler's version.
pub(super) fn install(toolchain: &Toolchain) -> Result<()> {
    let archive = archive::of_this_machine("debian").ok_or_else(|| missing(toolchain, &[]))?;
    let step = Step::start(format!(
        "getting the sources of Rust {}'s library from Debian",
        toolchain.release
    ));
    let folder = paths::target().join("setup/rust-src");
    let mut seen = Vec::new();
    for suite in SUITES {
        step.detail(suite);
        let apt = Apt::new(&folder, &archive, suite)?;
        // The mirror may lack the suite.
        if program::run(&step, apt.command("apt-get").arg("update")).is_err() {
            continue;
        }
        let mut madison = apt.command("apt-cache");
        let versions = versions_in(&program::output_of(madison.args(["madison", PACKAGE]))?);
        if let Some(version) = versions
            .iter()
            .find(|version| upstream_of(version) == toolchain.release)
        {
            let sources = unpack(&step, &apt, version, toolchain)?;
            link(&step, &sources, &toolchain.library_source())?;
            step.done();
            return Ok(());
        }
        let upstream = versions
            .iter()
            .map(|version| upstream_of(version).to_owned());
        seen.extend(upstream);
    }
    Err(missing(toolchain, &seen))
}

fn missing(toolchain: &Toolchain, seen: &[String]) -> anyhow::Error {
    let versions = if seen.is_empty() {
        String::new()
    } else {
        format!(" (Debian has it for {})", seen.join(", "))
    };
    anyhow!(
        "Rust {}'s standard library is missing for the targets of the driver and the lab, and so are \
         its sources{versions}; run: rustup component add rust-src",
        toolchain.release
    )
}

/// apt over one suite, with lists and caches of its own.
struct Apt {
    folder: PathBuf,
    options: [String; 6],
}

impl Apt {
    fn new(folder: &Path, archive: &str, suite: &str) -> Result<Self> {
        let lists = folder.join("lists").join(suite);
        let cache = folder.join("cache").join(suite);
        for needed in [lists.join("partial"), cache.join("archives/partial")] {
            fs::create_dir_all(&needed)?;
        }
        let source = folder.join(suite).with_extension("sources");
        let entry = format!(
            "Types: deb\nURIs: {archive}\nSuites: {suite}\nComponents: main\n\
             Signed-By: {DEBIAN_KEYRING}\n"
        );
        fs::write(&source, entry)?;

        let options = [
            ("Dir::Etc::sourcelist", source.display().to_string()),
            ("Dir::Etc::sourceparts", "/dev/null".to_owned()),
            ("Dir::State::Lists", lists.display().to_string()),
            ("Dir::Cache", cache.display().to_string()),
            // apt's own user may not write here.
            ("APT::Sandbox::User", "root".to_owned()),
            ("Acquire::Languages", "none".to_owned()),
        ]
        .map(|(name, value)| format!("{name}={value}"));
        Ok(Self {
            folder: folder.to_owned(),
            options,
        })
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

/// Downloads and unpacks one version, after removing the leftovers of an interrupted run. Returns the
/// folder of the sources.
fn unpack(step: &Step, apt: &Apt, version: &str, toolchain: &Toolchain) -> Result<PathBuf> {
    let unfinished = apt.folder.join("unfinished");
    let name = format!("rustc-{}", toolchain.release);
    let sources = apt.folder.join(&name);
    for left in [&unfinished, &sources] {
        if left.exists() {
            fs::remove_dir_all(left)?;
        }
    }
    fs::create_dir_all(&unfinished)?;
    program::run(
        step,
        apt.command("apt-get")
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
    fs::rename(&unpacked, &sources)?;
    fs::remove_dir_all(&unfinished)?;
    Ok(sources)
}

/// Returns the package file in `folder`.
fn downloaded(folder: &Path) -> Result<PathBuf> {
    fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .with_context(|| format!("{}: no package was downloaded", folder.display()))
}

/// Makes `link` a link to `sources`, also where an older link leads nowhere.
fn link(step: &Step, sources: &Path, link: &Path) -> Result<()> {
    if let Some(folder) = link.parent() {
        fs::create_dir_all(folder)?;
    }
    program::run(
        step,
        program::named("ln")
            .args(["--symbolic", "--force", "--no-dereference"])
            .args([sources, link]),
    )
}

/// Returns the versions in the output of `apt-cache madison`: `package | version | source`.
fn versions_in(madison: &str) -> Vec<String> {
    madison
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .map(|version| version.trim().to_owned())
        .collect()
}

/// Returns the upstream part of a Debian version, without epoch, repacking mark and revision.
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
