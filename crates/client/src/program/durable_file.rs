//! Files that survive a crash of the machine right after they were written.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

/// Writes a file, atomically and so that it survives a crash right after.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("part");
    put(&beside, path, text).inspect_err(|_| drop(fs::remove_file(&beside)))
}

/// Writes a file under another name, renames it, and flushes it. A bug check loses names and
/// contents that are only in the cache; flushing writes both. Source: "File Caching", Windows
/// desktop documentation.
fn put(beside: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(beside, path)?;
    file.sync_all()
}
