//! Builds a sample as it is, and runs it in the lab.

use super::{
    c,
    checkout::{Checkout, scratch, write_if_changed},
    exchange::Exchange,
    package::Package,
    rust,
    table::Row,
};
use crate::{cargo, lab::Lab, program, step::Step, toolchain::Target};
use anyhow::{Context as _, Result};
use fs_err as fs;
use serde_json::Value;
use std::path::{Path, PathBuf};

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
                self.run(lab, &image, &mut row)?;
            }
        }
        step.done();
        Ok(row)
    }

    /// Runs its image, and fills in the row.
    fn run(&self, lab: &Lab, image: &Path, row: &mut Row) -> Result<()> {
        let exchange = Exchange::of(self.name());
        let mut host = lab.driving();
        host.arg("--json").arg("--driver").arg(image);
        if let Some(exchange) = &exchange {
            let script = self.log("script");
            fs::write(&script, exchange.script())?;
            host.arg("--script").arg(script);
        }
        let (report, errors) = (self.log("lab"), self.log("lab-errors"));
        // How it ended is in the report.
        program::status_into(&mut host, &report, &errors)?;
        let Ok(report) = serde_json::from_str::<Value>(&fs::read_to_string(report)?) else {
            fs::read_to_string(errors)?
                .trim()
                .clone_into(&mut row.verdict);
            return Ok(());
        };
        row.loaded = report["entry"] == 0;
        let mut sentences: Vec<String> = report["verdicts"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|verdict| {
                let (name, text) = (verdict["name"].as_str()?, verdict["text"].as_str()?);
                Some(format!("{name}: {text}"))
            })
            .collect();
        if let Some(exchange) = exchange {
            let (driven, differences) = exchange.compare(&report)?;
            row.driven = Some(driven);
            sentences.extend(differences);
        } else if report["log"]
            .to_string()
            .contains("AddDevice gave STATUS_SUCCESS")
        {
            row.driven = Some("device added".to_owned());
        }
        row.verdict = if sentences.is_empty() {
            "clean".to_owned()
        } else {
            sentences.join("; ")
        };
        Ok(())
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
        let library = root
            .join("target")
            .join(Target::Windows.triple())
            .join("release")
            .join(self.name().replace('-', "_"))
            .with_extension("dll");
        let image = library.with_extension("sys");
        fs::copy(library, &image)?;
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
    fn the_settings_are_those_of_a_new_driver_without_its_patch() {
        let (patch, settings) = LINUX.split_once("[target.").unwrap();
        assert!(patch.contains("[patch.crates-io]"));
        assert!(!settings.contains("patch"));
    }
}
