//! The location of a key: neither in a package, nor where git would add it to a repository.

use crate::{paths, program};
use anyhow::{Result, anyhow, bail};
use std::{
    io,
    path::{Component, Path, PathBuf},
};

/// Returns `folder` without links, if a key of this file name may be there. The folder need not exist
/// yet.
pub fn check(folder: &Path, output: &Path, key: &str) -> Result<PathBuf> {
    let (real, existing) = usable(folder, resolve(folder))?;
    let (output, _) = usable(folder, resolve(output))?;
    if real.starts_with(output) {
        bail!(
            "{} is in the package's own folder, and who gets the package must not get the key; name \
             another folder with --certificate",
            folder.display()
        );
    }
    if is_in_a_tree(&real) && !is_ignored(&real.join(key), &existing) {
        bail!(
            "{} is in a git working tree and not ignored there, and a key must never be committed; \
             name another folder with --certificate, or have git ignore this one",
            folder.display()
        );
    }
    Ok(real)
}

/// Adds the folder, and what to do, to an error.
pub fn usable<T>(folder: &Path, result: io::Result<T>) -> Result<T> {
    result.map_err(|error| {
        anyhow!(
            "{} can't hold key and certificate: {error}; name another folder with --certificate",
            folder.display()
        )
    })
}

/// Returns the path without links, and the part of it that exists.
fn resolve(path: &Path) -> io::Result<(PathBuf, PathBuf)> {
    for existing in path.ancestors() {
        // A link that leads nowhere exists, too.
        if existing.symlink_metadata().is_ok() {
            let real = existing.canonicalize()?;
            let rest = path
                .strip_prefix(existing)
                .unwrap_or_else(|_| Path::new(""));
            if rest.components().any(|part| part == Component::ParentDir) {
                break;
            }
            return Ok((real.join(rest), real));
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Returns whether the path is in this tree, or in the working tree of any repository.
fn is_in_a_tree(real: &Path) -> bool {
    let root = paths::root().canonicalize();
    root.is_ok_and(|root| real.starts_with(root))
        || real
            .ancestors()
            .any(|folder| folder.join(".git").symlink_metadata().is_ok())
}

/// Asks git in `folder` whether it ignores the key. It does not ignore a file that it tracks.
fn is_ignored(key: &Path, folder: &Path) -> bool {
    let mut git = program::git(folder);
    program::output_of(git.args(["check-ignore", "--quiet", "--"]).arg(key)).is_ok()
}
