//! Paths in the tree.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// Returns the root of the tree.
pub fn root() -> PathBuf {
    let package = running_package(|name| env::var_os(name));
    // Two folders up from this package. Without `..`, since users see the path.
    package
        .ancestors()
        .nth(2)
        .unwrap_or_else(|| Path::new("."))
        .to_owned()
}

/// Returns the folder of this package as cargo names it to the programs that it runs: if the tree was
/// moved after this program was built, the folder at build time is wrong. If a test of another
/// package runs this program, cargo names that package, and the folder at build time is returned.
fn running_package(variable: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let is_this = variable("CARGO_PKG_NAME").is_some_and(|name| name == env!("CARGO_PKG_NAME"));
    variable("CARGO_MANIFEST_DIR")
        .filter(|_| is_this)
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

/// Returns the file of this program, which builds start. If the system can't tell, it is the name by
/// which this program was started.
pub fn this_program() -> &'static Path {
    // Asked once: a build may replace the file while this program runs.
    static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
        env::current_exe()
            .ok()
            .or_else(|| env::args_os().next().map(PathBuf::from))
            .unwrap_or_default()
    });
    &FILE
}

/// Returns the folder for everything that is built or fetched. Each kind of build has its own folder
/// below it, so that builds neither wait for nor undo each other.
pub fn target() -> PathBuf {
    root().join("target")
}

/// Returns the folder of the finished images, which have the names that Windows uses.
pub fn images() -> PathBuf {
    target().join("ringcopy")
}

/// Returns the tracked files below `folder`, by their paths from there.
#[cfg(test)]
pub fn tracked(folder: &Path) -> Vec<String> {
    let listed = crate::program::output_of(crate::program::git(folder).args(["ls-files", "-z"]));
    let listed = listed.unwrap_or_default();
    let files = listed.split_terminator('\0');
    files.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::running_package;
    use std::path::Path;

    #[test]
    fn a_moved_tree_is_found_at_its_new_path() {
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
