//! Where things are in the tree.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// The root of the tree.
pub fn root() -> PathBuf {
    let package = running_package(|name| env::var_os(name));
    // Two folders up from this package; as written, without `..`, since users get to see it.
    package
        .ancestors()
        .nth(2)
        .unwrap_or_else(|| Path::new("."))
        .to_owned()
}

/// The folder of this package, as cargo names it to what it runs: a tree that was moved or copied
/// with all that was built in it has a program that was built elsewhere. Where another package's test
/// runs this program, and so names that package, it is the folder that this was built in.
fn running_package(variable: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let is_this = variable("CARGO_PKG_NAME").is_some_and(|name| name == env!("CARGO_PKG_NAME"));
    variable("CARGO_MANIFEST_DIR")
        .filter(|_| is_this)
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

/// The file of this program, for builds to start. Where the system does not know, the name by which it
/// was started has to do.
pub fn this_program() -> &'static Path {
    // A build may put another file in its place while it runs.
    static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
        env::current_exe()
            .ok()
            .or_else(|| env::args_os().next().map(PathBuf::from))
            .unwrap_or_default()
    });
    &FILE
}

/// The folder for everything that is built or fetched. Below it each build has one of its own, so
/// that none waits for or undoes another.
pub fn target() -> PathBuf {
    root().join("target")
}

/// The finished images, under the names that Windows knows them by.
pub fn images() -> PathBuf {
    target().join("ringcopy")
}

#[cfg(test)]
mod tests {
    use super::running_package;
    use std::path::Path;

    #[test]
    fn f3_a_moved_tree_is_not_taken_for_the_one_it_was_built_in() {
        let run_for = |package: &'static str| {
            running_package(move |name| {
                let value = match name {
                    "CARGO_PKG_NAME" => package,
                    _ => "/moved/crates/it",
                };
                Some(value.into())
            })
        };
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(run_for("xtask"), Path::new("/moved/crates/it"));
        assert_eq!(run_for("ringcopy-tests"), built_in);
        assert_eq!(running_package(|_| None), built_in);
    }
}
