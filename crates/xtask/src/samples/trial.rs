//! Builds a sample as it is, and runs it in the lab.

use super::{
    checkout::{Checkout, scratch, write_if_changed},
    package::{self, Package},
    replacement::Locked,
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

/// Builds a sample and runs it.
pub fn run(lab: &Lab, checkout: &Checkout, package: &Package) -> Result<Row> {
    let mut row = Row {
        sample: package.name.clone(),
        commit: checkout.title.clone(),
        built: false,
        loaded: false,
        driven: None,
        verdict: String::new(),
    };
    let step = Step::start(format!("building {}", package.name));
    match build(checkout, package)? {
        Err(sentence) => row.verdict = sentence,
        Ok(image) => {
            row.built = true;
            let log = log_of(package, "lab");
            let is_good = program::status_into(lab.host().arg("--load").arg(image), &log, &log)?;
            let output = fs::read_to_string(&log)?;
            row.loaded = output.contains("DriverEntry gave STATUS_SUCCESS");
            row.verdict = last_line(&output, is_good.success());
        }
    }
    step.done();
    Ok(row)
}

fn log_of(package: &Package, kind: &str) -> PathBuf {
    scratch().join(format!("{}.{kind}.log", package.name))
}

/// Builds a sample. Returns its image, or a sentence of the build's.
fn build(checkout: &Checkout, package: &Package) -> Result<Result<PathBuf, String>> {
    let root = workspace_of(&package.folder)?;
    let locked = Locked::of(&lock_file(checkout, &root)?)?;

    let settings = scratch().join("linux.toml");
    let (_, without_patch) = LINUX
        .split_once("[target.")
        .context("linux.toml has no target")?;
    write_if_changed(&settings, format!("[target.{without_patch}").as_bytes())?;

    let mut build = cargo::of_a_project(&root)?;
    build
        .args(["build", "--release", "--target", Target::Windows.triple()])
        .args(["--package", &package.name, "--config"])
        .arg(&settings)
        .args(["--config", STATIC_CRT]);
    if locked.from_registry {
        let folder = scratch().join("wdk-build").join(locked.title());
        locked.write(&folder, false)?;
        let path = Value::from(folder.display().to_string());
        build.args([
            "--config",
            &format!("patch.crates-io.wdk-build.path={path}"),
        ]);
    } else {
        let folder = package::folder_of(checkout, "wdk-build")
            .context("wdk-build comes neither from a registry nor from the checkout")?;
        fs::remove_dir_all(&folder)?;
        locked.write(&folder, true)?;
    }
    let log = log_of(package, "build");
    if !program::status_into(&mut build, &log, &log)?.success() {
        return Ok(Err(reason(&fs::read_to_string(&log)?)));
    }
    let built = root
        .join("target")
        .join(Target::Windows.triple())
        .join("release")
        .join(package.image())
        .with_extension("dll");
    let image = built.with_extension("sys");
    fs::copy(built, &image)?;
    Ok(Ok(image))
}

/// Returns the root of a package's workspace.
fn workspace_of(folder: &Path) -> Result<PathBuf> {
    let manifest = program::output_of(program::cargo().current_dir(folder).args([
        "locate-project",
        "--workspace",
        "--message-format",
        "plain",
    ]))?;
    let root = Path::new(manifest.trim()).parent();
    Ok(root.context("cargo names no manifest")?.to_owned())
}

/// Returns the lock file of a workspace, as the checkout has it: a build with another `wdk-build` rewrites it.
/// Cargo makes one if there is none.
fn lock_file(checkout: &Checkout, root: &Path) -> Result<String> {
    let file = root.join("Cargo.lock");
    let original = checkout.original(&file);
    if original.is_file() {
        return Ok(fs::read_to_string(original)?);
    }
    program::output_of(program::cargo().current_dir(root).arg("generate-lockfile"))?;
    Ok(fs::read_to_string(file)?)
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

/// Returns the lab's last sentence.
fn last_line(output: &str, is_good: bool) -> String {
    let line = output.lines().rfind(|line| !line.trim().is_empty());
    let line = line.unwrap_or(if is_good {
        "no output"
    } else {
        "no output, failed"
    });
    line.trim_start_matches("ringcopy-lab: ").to_owned()
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
