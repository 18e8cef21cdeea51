//! The file that a read fills. It is left alone until there is something to put into it, and belongs
//! to one read at a time.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use crate::cli::Stop;

/// A file to be filled.
pub(super) struct Target {
    pub(super) path: PathBuf,
    pub(super) name: String,
    /// Absent as long as there is no such file.
    file: Option<File>,
    /// Bytes that are in it.
    pub(super) length: u64,
    /// Whether it is a file proper, or will be one: neither a device nor a pipe.
    pub(super) is_regular: bool,
}

impl Target {
    /// Opens what is there, and keeps other reads away from it. Changes nothing.
    pub(super) fn open(path: &Path) -> Result<Self, Stop> {
        let name = path.display().to_string();
        let mut target = Self {
            path: path.to_owned(),
            name,
            file: None,
            length: 0,
            is_regular: true,
        };
        // Pipes are opened by their readers too, and must not be taken for read by this one.
        let reads = fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
        match OpenOptions::new().read(reads).write(true).open(path) {
            Ok(file) => target.keep(file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = path
                    .parent()
                    .filter(|folder| !folder.as_os_str().is_empty());
                if folder.is_some_and(|folder| !folder.is_dir()) {
                    return Err(cannot_write(&target.name, &error));
                }
            }
            Err(error) => return Err(cannot_write(&target.name, &error)),
        }
        Ok(target)
    }

    /// Whether there is such a file.
    pub(super) const fn is_there(&self) -> bool {
        self.file.is_some()
    }

    /// Makes the file, if there is none.
    pub(super) fn create(&mut self) -> Result<(), Stop> {
        if self.file.is_none() {
            // Not emptied yet: another read may have made it in the meantime.
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&self.path)
                .map_err(|error| cannot_write(&self.name, &error))?;
            self.keep(file)?;
        }
        Ok(())
    }

    /// Makes the file, or empties the one that is there, and gives it.
    pub(super) fn emptied(mut self) -> Result<File, Stop> {
        self.create()?;
        let Some(file) = self.file else {
            return Err(cannot_write(&self.name, &io::ErrorKind::NotFound.into()));
        };
        if self.is_regular {
            file.set_len(0)
                .map_err(|error| cannot_write(&self.name, &error))?;
            make_sparse(&file);
        }
        Ok(file)
    }

    /// The file as it is, if it is there.
    pub(super) fn into_file(self) -> Option<File> {
        self.file
    }

    fn keep(&mut self, file: File) -> Result<(), Stop> {
        let metadata = file.metadata();
        self.is_regular = metadata.as_ref().is_ok_and(fs::Metadata::is_file);
        self.length = metadata.map_or(0, |metadata| metadata.len());
        // Where a file system has no locks, nothing keeps the reads apart.
        if self.is_regular && matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(Stop::File(format!(
                "another read is filling {}; wait until it has ended, or name another file with \
                 --output.",
                self.name
            )));
        }
        self.file = Some(file);
        Ok(())
    }
}

/// Has holes cost no room in a file, where its file system can do so.
#[cfg(windows)]
fn make_sparse(file: &File) {
    let _ = ringcopy_win32::make_sparse(file);
}

/// Holes cost no room in a file, where its file system can do so.
#[cfg(not(windows))]
const fn make_sparse(_: &File) {}

/// What to say of a file that cannot be written.
pub(super) fn cannot_write(name: &str, error: &io::Error) -> Stop {
    Stop::File(format!(
        "cannot write {name}: {error}; make room there, or name another file with --output."
    ))
}
