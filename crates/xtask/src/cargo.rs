//! cargo, for the workspaces that build for another target than the host's.

use crate::{
    program, role,
    toolchain::{Target, Toolchain},
};
use serde_json::Value;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A `cargo build --release` for `target` in the workspace at `folder`, into `target_dir`.
pub fn build(toolchain: &Toolchain, target: Target, folder: &Path, target_dir: &Path) -> Command {
    command(toolchain, "build", target, folder, target_dir)
}

/// Any `cargo` subcommand that builds, likewise.
///
/// The workspaces' own `.cargo/config.toml` ask for the standard library to be built along, which
/// cargo heeds only where `RUSTC_BOOTSTRAP` is set; so that is set where there is no compiled one.
pub fn command(
    toolchain: &Toolchain,
    subcommand: &str,
    target: Target,
    folder: &Path,
    target_dir: &Path,
) -> Command {
    let mut command = program::cargo();
    command
        .current_dir(folder)
        .args([subcommand, "--release", "--target", target.triple()])
        .arg("--target-dir")
        .arg(target_dir)
        .arg("--config")
        .arg(rustflags_config(
            target.triple(),
            &remap_flags(toolchain, tree_of(folder)),
        ));
    role::wrap_rustc(&mut command);
    if !toolchain.has_compiled_library(target) {
        command.env("RUSTC_BOOTSTRAP", "1");
    }
    command
}

/// The tree that a workspace is a part of: this one, or a copy.
fn tree_of(workspace: &Path) -> &Path {
    workspace
        .ancestors()
        .find(|folder| folder.join("Makefile.toml").is_file())
        .unwrap_or(workspace)
}

/// Flags that write something else than the folders of this machine into what is built from
/// `tree`.
pub fn remap_flags(toolchain: &Toolchain, tree: &Path) -> Vec<String> {
    let commit = toolchain.commit.as_deref().unwrap_or(&toolchain.release);
    let rust = format!("/rustc/{commit}");
    let source = toolchain.library_source();
    // The sources may be linked to from elsewhere; the compiler may name either place.
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

/// The argument of `--config` that adds the flags to those which the configuration has.
pub fn rustflags_config(triple: &str, flags: &[String]) -> String {
    // Whatever JSON has between quotes means the same in TOML.
    format!("target.{triple}.rustflags={}", Value::from(flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_is_a_part_of_its_tree() {
        let root = crate::places::root();
        for workspace in ["", "crates/wdk-build-linux", "tests/lab/kernel"] {
            assert_eq!(tree_of(&root.join(workspace)), root, "{workspace}");
        }
    }

    #[test]
    fn f1_paths_are_quoted_for_toml() {
        // The second has its diaeresis as a character of its own, as some systems name folders.
        let flags = ["=/home/a \"b\" & c=/x", "=/home/U\u{308}bung=/x"].map(str::to_owned);
        assert_eq!(
            rustflags_config(Target::BareMetal.triple(), &flags),
            "target.x86_64-unknown-none.rustflags=\
             [\"=/home/a \\\"b\\\" & c=/x\",\"=/home/U\u{308}bung=/x\"]"
        );
    }
}
