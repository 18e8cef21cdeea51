//! Where things are in the tree.

use std::path::{Path, PathBuf};

/// The root of the tree.
pub fn root() -> PathBuf {
    // Two folders up from this package; as written, without `..`, since users get to see it.
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap_or_else(|| Path::new("."))
        .to_owned()
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
