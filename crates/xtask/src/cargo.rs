//! cargo, for builds for other targets than the host's.

use crate::{
    program, role,
    toolchain::{Target, Toolchain},
};
use anyhow::Result;
use fs_err as fs;
use serde_json::Value;
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// Returns a `cargo build --release` for `target`, in the workspace at `folder`, into `target_dir`.
pub fn build(target: Target, folder: &Path, target_dir: &Path) -> Result<Command> {
    command("build", target, folder, target_dir)
}

/// Returns any `cargo` subcommand that builds, with the same options as [`build`].
///
/// The workspaces' own `.cargo/config.toml` tell cargo to build the standard library, which cargo does
/// only if `RUSTC_BOOTSTRAP` is set. It is set if there is no compiled library.
pub fn command(
    subcommand: &str,
    target: Target,
    folder: &Path,
    target_dir: &Path,
) -> Result<Command> {
    let toolchain = Toolchain::of_rustc()?;
    let mut command = program::cargo();
    command
        .current_dir(folder)
        .args([subcommand, "--release", "--target", target.triple()])
        .arg("--target-dir")
        .arg(target_dir)
        .arg("--config")
        .arg(rustflags_config(
            target.triple(),
            &remap_flags(&toolchain, tree_of(folder).unwrap_or(folder)),
        ));
    role::wrap_rustc(&mut command);
    if !toolchain.has_compiled_library(target) {
        command.env("RUSTC_BOOTSTRAP", "1");
    }
    Ok(command)
}

/// Returns a cargo for a project of somebody else in `folder`, in which it compiles Rust's library if there
/// is none for Windows.
pub fn of_a_project(folder: &Path) -> Result<Command> {
    let mut cargo = program::cargo();
    cargo.current_dir(folder);
    if !Toolchain::of_rustc()?.has_compiled_library(Target::Windows) {
        cargo
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_UNSTABLE_BUILD_STD", "core,alloc");
    }
    Ok(cargo)
}

/// Writes a file that a build reads, unless it has these bytes: cargo goes by a file's time.
pub fn write_source(file: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(file).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(file, bytes)?)
}

/// Returns the tree that a package or a workspace is a part of: this tree, or a copy.
pub fn tree_of(folder: &Path) -> Option<&Path> {
    let mut folders = folder.ancestors();
    folders.find(|folder| folder.join("crates/xtask").is_dir())
}

/// Returns flags that replace the folders of this machine in what is built from `tree`.
pub fn remap_flags(toolchain: &Toolchain, tree: &Path) -> Vec<String> {
    let commit = toolchain.commit.as_deref().unwrap_or(&toolchain.release);
    let rust = format!("/rustc/{commit}");
    let source = toolchain.library_source();
    // The folder of the sources may be a link. The compiler may name either path.
    let linked = source
        .canonicalize()
        .ok()
        .filter(|linked| *linked != source);

    let registries = cargo_home().join("registry/src");
    let registries = fs::read_dir(&registries).into_iter().flatten().flatten();

    [
        (tree.to_owned(), "/ringcopy".to_owned()),
        (source, rust.clone()),
    ]
    .into_iter()
    .chain(linked.map(|folder| (folder, rust)))
    .chain(registries.map(|registry| (registry.path(), "/registry".to_owned())))
    .map(|(from, to): (PathBuf, String)| format!("--remap-path-prefix={}={to}", from.display()))
    .collect()
}

fn cargo_home() -> PathBuf {
    env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".cargo")))
        .unwrap_or_default()
}

/// Returns the argument of `--config` that adds `flags` to those of the configuration.
pub fn rustflags_config(triple: &str, flags: &[String]) -> String {
    // A string of JSON means the same in TOML.
    format!("target.{triple}.rustflags={}", Value::from(flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_is_a_part_of_its_tree() {
        let root = crate::paths::root();
        for workspace in ["", "crates/wdk-build-linux", "tests/lab/kernel"] {
            assert_eq!(tree_of(&root.join(workspace)), Some(&*root), "{workspace}");
        }
    }

    #[test]
    fn paths_are_quoted_for_toml() {
        // In the second path the diaeresis is a character of its own, as on some systems.
        let flags = ["=/home/a \"b\" & c=/x", "=/home/U\u{308}bung=/x"].map(str::to_owned);
        assert_eq!(
            rustflags_config(Target::BareMetal.triple(), &flags),
            "target.x86_64-unknown-none.rustflags=\
             [\"=/home/a \\\"b\\\" & c=/x\",\"=/home/U\u{308}bung=/x\"]"
        );
    }
}
