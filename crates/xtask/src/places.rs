//! Where things are in the tree.

use std::{
    env,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// The root of the tree.
pub fn root() -> PathBuf {
    // Two folders up from this package; as written, without `..`, since users get to see it.
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap_or_else(|| Path::new("."))
        .to_owned()
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
