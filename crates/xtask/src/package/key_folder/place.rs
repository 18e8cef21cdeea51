//! Where a key may lie: nowhere from where it gets into a repository, or into a package.

use super::KEY;
use crate::{package::problem::Problem, places, program};
use std::{
    io,
    path::{Component, Path, PathBuf},
    process::Stdio,
};

/// `folder` without links, if a key may lie in it. It need not be there yet.
///
/// # Errors
///
/// If a key may not, or nobody can tell.
pub fn checked(folder: &Path, output: &Path) -> Result<PathBuf, Problem> {
    let unusable = |source| Problem::KeyFolderUnusable {
        path: folder.to_owned(),
        source,
    };
    let (real, there) = resolved(folder).map_err(unusable)?;
    let (output, _) = resolved(output).map_err(unusable)?;
    if real.starts_with(output) {
        return Err(Problem::KeyInPackage {
            path: folder.to_owned(),
        });
    }
    if is_in_a_tree(&real) && !is_ignored(&real.join(KEY), &there) {
        return Err(Problem::KeyNotIgnored {
            path: folder.to_owned(),
        });
    }
    Ok(real)
}

/// The path without links, and what of it is there.
fn resolved(path: &Path) -> io::Result<(PathBuf, PathBuf)> {
    for there in path.ancestors() {
        // A link that leads nowhere is there, too.
        if there.symlink_metadata().is_ok() {
            let real = there.canonicalize()?;
            let rest = path.strip_prefix(there).unwrap_or_else(|_| Path::new(""));
            if rest.components().any(|part| part == Component::ParentDir) {
                break;
            }
            return Ok((real.join(rest), real));
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Whether it is in this tree, or in the working tree of any repository.
fn is_in_a_tree(real: &Path) -> bool {
    let root = places::root().canonicalize();
    root.is_ok_and(|root| real.starts_with(root))
        || real
            .ancestors()
            .any(|folder| folder.join(".git").symlink_metadata().is_ok())
}

/// Whether git says so, asked in `there`. That it knows a file of this name is enough for it to say
/// no.
fn is_ignored(key: &Path, there: &Path) -> bool {
    program::git(there)
        .args(["check-ignore", "--quiet", "--"])
        .arg(key)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
