//! Builds a sample as it is, and runs it in the lab.

use super::{
    c,
    checkout::{Checkout, scratch, write_if_changed},
    package::Package,
    rust,
    table::Row,
};
use crate::{cargo, lab::Lab, program, step::Step, toolchain::Target};
use anyhow::{Context as _, Result};
use fs_err as fs;
use std::path::PathBuf;

/// The settings for a build on Linux that a project of `cargo xtask new` has.
const LINUX: &str = include_str!("../new/template/linux.toml");

/// Replaces the rustflags of a checkout's own configuration, so it repeats what those say.
const STATIC_CRT: &str =
    "target.x86_64-pc-windows-msvc.rustflags=[\"-C\",\"target-feature=+crt-static\"]";

/// A driver in a checkout.
pub struct Sample {
    pub checkout: Checkout,
    pub source: Source,
}

/// What it is written in.
pub enum Source {
    Rust(Package),
    /// The name, and the folder in the checkout.
    C(&'static str, &'static str),
}

impl Sample {
    /// Returns the name of its package, or of its image.
    pub fn name(&self) -> &str {
        match &self.source {
            Source::Rust(package) => &package.name,
            Source::C(name, _) => name,
        }
    }

    /// Builds it and runs it.
    pub fn try_out(&self, lab: &Lab) -> Result<Row> {
        let language = if matches!(self.source, Source::C(..)) {
            " (C)"
        } else {
            ""
        };
        let mut row = Row {
            sample: format!("{}{language}", self.name()),
            commit: self.checkout.title.clone(),
            built: false,
            loaded: false,
            driven: None,
            verdict: String::new(),
        };
        let step = Step::start(format!("building {}", row.sample));
        match self.build()? {
            Err(sentence) => row.verdict = sentence,
            Ok(image) => {
                row.built = true;
                let log = self.log("lab");
                let mut host = lab.driving();
                host.args(["--verbose", "--driver"]).arg(image);
                // How it ended is in the output.
                program::status_into(&mut host, &log, &log)?;
                let output = fs::read_to_string(&log)?;
                row.loaded = output.contains("DriverEntry gave STATUS_SUCCESS");
                row.verdict = verdict(&output);
            }
        }
        step.done();
        Ok(row)
    }

    fn log(&self, kind: &str) -> PathBuf {
        let language = if matches!(self.source, Source::C(..)) {
            ".c"
        } else {
            ""
        };
        scratch().join(format!("{}{language}.{kind}.log", self.name()))
    }

    /// Builds it. Returns its image, or a sentence of the build's.
    fn build(&self) -> Result<Result<PathBuf, String>> {
        let settings = scratch().join("linux.toml");
        let (_, without_patch) = LINUX
            .split_once("[target.")
            .context("linux.toml has no target")?;
        write_if_changed(&settings, format!("[target.{without_patch}").as_bytes())?;

        let (root, arguments) = match &self.source {
            Source::Rust(package) => rust::prepare(&self.checkout, package)?,
            Source::C(name, folder) => (c::project(&self.checkout, name, folder)?, Vec::new()),
        };
        let mut build = cargo::of_a_project(&root)?;
        build
            .args(["build", "--release", "--target", Target::Windows.triple()])
            .arg("--config")
            .arg(&settings)
            .args(["--config", STATIC_CRT])
            .args(arguments);
        if let Source::C(_, folder) = &self.source {
            build.env("SAMPLE", self.checkout.copy.join(folder));
        }
        let log = self.log("build");
        if !program::status_into(&mut build, &log, &log)?.success() {
            return Ok(Err(reason(&fs::read_to_string(&log)?)));
        }
        let built = root
            .join("target")
            .join(Target::Windows.triple())
            .join("release")
            .join(self.name().replace('-', "_"))
            .with_extension("dll");
        let image = built.with_extension("sys");
        fs::copy(built, &image)?;
        Ok(Ok(image))
    }
}

/// Returns why a build failed: the sentence of a build script, or else the first error.
fn reason(log: &str) -> String {
    let script = log
        .lines()
        .map(str::trim)
        .find_map(|line| line.strip_prefix("Error: "));
    let compiler = || log.lines().find(|line| line.starts_with("error"));
    script
        .or_else(compiler)
        .unwrap_or("the build failed without an error")
        .to_owned()
}

/// Returns what the lab says: what is missing, what is left, and its last sentence.
fn verdict(output: &str) -> String {
    let is_found =
        |line: &&str| line.starts_with("leaked: ") || line.ends_with("is not implemented");
    let last = output.lines().rfind(|line| !line.trim().is_empty());
    let lines = output.lines().filter(is_found).chain(last);
    let lines = lines.map(|line| {
        let line = line.trim_start_matches("[driver] ");
        line.trim_start_matches("lab: ")
    });
    lines.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_of_a_build_script_comes_before_others() {
        let log = "error: failed to run custom build command\n  --- stderr\n  Error: a sentence\n";
        assert_eq!(reason(log), "a sentence");
        assert_eq!(reason("a\nerror[E1]: b\nerror: c\n"), "error[E1]: b");
    }

    #[test]
    fn a_verdict_has_what_is_left_and_what_is_missing() {
        let log =
            "[driver] WDF: WdfX is not implemented\nleaked: pool\nringcopy-lab: it leaked\n\n";
        assert_eq!(
            verdict(log),
            "WDF: WdfX is not implemented; leaked: pool; it leaked"
        );
    }

    #[test]
    fn the_settings_are_those_of_a_new_driver_without_its_patch() {
        let (patch, settings) = LINUX.split_once("[target.").unwrap();
        assert!(patch.contains("[patch.crates-io]"));
        assert!(!settings.contains("patch"));
    }
}
