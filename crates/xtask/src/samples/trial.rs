//! Builds a sample as it is, and runs it in the lab.

use super::{
    c,
    checkout::{Checkout, scratch},
    exchange::Exchange,
    package::Package,
    rust,
    table::Row,
};
use crate::{cargo, lab::Lab, program, step::Step, toolchain::Target};
use anyhow::{Result, bail};
use fs_err as fs;
use serde_json::Value;
use std::path::{Path, PathBuf};
use toml::Table;

/// The settings that a project of `cargo xtask new` has: those for every system, and those for Linux. Their
/// rustflags take the place of `build.rustflags` in a checkout's own settings.
const SETTINGS: &str = include_str!("../new/template/.cargo/config.toml");
const LINUX: &str = include_str!("../new/template/linux.toml");

/// What the lab's log says of a driver with Plug and Play that took its device.
const ADDED: &str = "AddDevice gave STATUS_SUCCESS";

/// A driver in a checkout.
pub struct Sample<'c> {
    pub checkout: &'c Checkout,
    pub source: Source,
}

/// What it is written in.
pub enum Source {
    Rust(Package),
    /// The name, and the folder in the checkout.
    C(&'static str, &'static str),
}

impl Sample<'_> {
    /// Returns the name of its package, or of its image.
    pub fn name(&self) -> &str {
        match &self.source {
            Source::Rust(package) => &package.name,
            Source::C(name, _) => name,
        }
    }

    /// Returns its name and language.
    fn title(&self) -> String {
        match &self.source {
            Source::Rust(package) => package.name.clone(),
            Source::C(name, _) => format!("{name} (C)"),
        }
    }

    /// Builds it and runs it. What fails is in the row.
    pub fn try_out(&self, lab: &Lab) -> Row {
        let mut row = Row {
            sample: self.title(),
            commit: self.checkout.title.clone(),
            built: false,
            loaded: false,
            driven: None,
            verdict: String::new(),
        };
        let step = Step::start(format!("building {}", row.sample));
        let tried = self.build().and_then(|image| {
            row.built = true;
            self.run(lab, &image, &mut row)
        });
        if let Err(error) = tried {
            row.verdict = format!("{error:#}");
        }
        step.done();
        row
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
            bail!("{}", fs::read_to_string(errors)?.trim());
        };
        let list = |name| report[name].as_array().into_iter().flatten();
        row.loaded = report["entry"] == 0;
        let mut sentences: Vec<String> = list("verdicts").filter_map(sentence).collect();
        if let Some(exchange) = exchange {
            let (driven, differences) = exchange.compare(&report);
            row.driven = Some(driven);
            sentences.extend(differences);
        } else if list("log").any(|line| line == ADDED) {
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
        scratch().join(format!("{}.{kind}.log", self.title()))
    }

    /// Builds it. Returns its image.
    fn build(&self) -> Result<PathBuf> {
        let mut linux: Table = LINUX.parse()?;
        // Each sample has another `wdk-build`.
        linux.remove("patch");
        let settings =
            [("all.toml", SETTINGS), ("linux.toml", &linux.to_string())].map(|(name, text)| {
                let file = scratch().join(name);
                cargo::write_source(&file, text.as_bytes()).map(|()| file)
            });

        let (root, arguments) = match &self.source {
            Source::Rust(package) => rust::prepare(self.checkout, package)?,
            Source::C(name, folder) => (c::project(self.checkout, name, folder)?, Vec::new()),
        };
        let mut build = cargo::of_a_project(&root)?;
        build
            .args(["build", "--release", "--target", Target::Windows.triple()])
            .args(arguments);
        for file in settings {
            build.arg("--config").arg(file?);
        }
        if let Source::C(_, folder) = &self.source {
            build.envs(c::variables(self.checkout, folder));
        }
        let log = self.log("build");
        if !program::status_into(&mut build, &log, &log)?.success() {
            bail!("{}", reason(&fs::read_to_string(&log)?));
        }
        let library = root
            .join("target")
            .join(Target::Windows.triple())
            .join("release")
            .join(self.name().replace('-', "_"))
            .with_extension("dll");
        let image = library.with_extension("sys");
        fs::copy(library, &image)?;
        Ok(image)
    }
}

/// Returns a verdict of the lab as a sentence. That of a leak has no address, which is another in each run.
fn sentence(verdict: &Value) -> Option<String> {
    let name = verdict["name"].as_str()?;
    let Some(bytes) = verdict["bytes"].as_u64() else {
        return Some(format!("{name}: {}", verdict["text"].as_str()?));
    };
    let caller = verdict["callers"][0].as_str();
    Some(format!(
        "{name}: {bytes} bytes of pool, tag '{}', allocated by {}",
        verdict["tag"].as_str()?,
        caller.unwrap_or("an unknown caller")
    ))
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
    use serde_json::json;

    #[test]
    fn the_sentence_of_a_build_script_comes_before_others() {
        let log = "error: failed to run custom build command\n  --- stderr\n  Error: a sentence\n";
        assert_eq!(reason(log), "a sentence");
        assert_eq!(reason("a\nerror[E1]: b\nerror: c\n"), "error[E1]: b");
    }

    #[test]
    fn a_leak_is_a_sentence_without_its_address() {
        let leak = json!({
            "name": "leak", "text": "pool: 8 bytes at 0xffff", "bytes": 8, "tag": "Leak",
            "callers": ["it+0x1", "it+0x2"],
        });
        let expected = "leak: 8 bytes of pool, tag 'Leak', allocated by it+0x1";
        assert_eq!(sentence(&leak).as_deref(), Some(expected));
        let other = json!({ "name": "no-unload", "text": "it stays" });
        assert_eq!(sentence(&other).as_deref(), Some("no-unload: it stays"));
    }
}
