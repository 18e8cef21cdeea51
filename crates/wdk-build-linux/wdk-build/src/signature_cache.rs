//! The file in which `wdk-macros` keeps the framework's signatures between its calls.
//!
//! `wdk-macros` makes it from the bindings once, and does not notice new bindings. So whoever makes
//! the bindings deletes it.

use crate::{ConfigError, IoError};
use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// Under the `out` folder of the crate `scratch`, which is built for the host.
const CACHE: &str = "out/wdk_macros_ast_fragments/cached_function_info_map.json";

/// Deletes the file, if there is one. The build script of `wdk-sys` calls this.
///
/// # Errors
///
/// If the file cannot be deleted.
pub(crate) fn delete() -> Result<(), ConfigError> {
    let profile = env::var_os("PROFILE").unwrap_or_default();
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    for folder in out.ancestors() {
        for cache in caches(&folder.join(&profile).join("build")) {
            match fs::remove_file(&cache) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(IoError::with_path(cache, error).into());
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The possible paths of the file below the build folders of one profile.
fn caches(build: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(build)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("scratch-"))
        .map(|entry| entry.path().join(CACHE))
}
