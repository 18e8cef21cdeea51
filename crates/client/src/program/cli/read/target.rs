//! The file that a read fills. It keeps its contents until a byte is written, and one read at a
//! time holds its lock.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use crate::cli::Stop;

/// A file to fill.
pub(super) struct Target {
    pub(super) path: PathBuf,
    pub(super) name: String,
    /// `None` if the file does not exist yet.
    file: Option<File>,
    /// Bytes in the file.
    pub(super) length: u64,
    /// Whether it is or will be a regular file: neither a device nor a pipe.
    pub(super) is_regular: bool,
}

impl Target {
    /// Opens and locks the file, if it exists. Changes nothing.
    pub(super) fn open(path: &Path) -> Result<Self, Stop> {
        let name = path.display().to_string();
        let mut target = Self {
            path: path.to_owned(),
            name,
            file: None,
            length: 0,
            is_regular: true,
        };
        // A pipe that is opened for reading too would not notice that its reader has gone.
        let reads = fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
        match OpenOptions::new().read(reads).write(true).open(path) {
            Ok(file) => target.lock(file)?,
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

    /// Returns whether the file exists.
    pub(super) const fn exists(&self) -> bool {
        self.file.is_some()
    }

    /// Creates the file, if it does not exist.
    pub(super) fn create(&mut self) -> Result<(), Stop> {
        if self.file.is_none() {
            // It is not truncated: another read may have created it in the meantime.
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&self.path)
                .map_err(|error| cannot_write(&self.name, &error))?;
            self.lock(file)?;
        }
        Ok(())
    }

    /// Creates the file, or empties the existing one, and returns it.
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

    /// Returns the file as it is, if it exists.
    pub(super) fn into_file(self) -> Option<File> {
        self.file
    }

    fn lock(&mut self, file: File) -> Result<(), Stop> {
        let metadata = file.metadata();
        self.is_regular = metadata.as_ref().is_ok_and(fs::Metadata::is_file);
        self.length = metadata.map_or(0, |metadata| metadata.len());
        // A file system without locks cannot keep two reads apart.
        if self.is_regular && matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(Stop::Sentence(format!(
                "another read is filling {}; wait until it has ended, or name another file with \
                 --output.",
                self.name
            )));
        }
        self.file = Some(file);
        Ok(())
    }
}

/// Makes the file sparse, if its file system can, so that holes take no space.
#[cfg(windows)]
fn make_sparse(file: &File) {
    let _ = ringcopy_win32::make_sparse(file);
}

/// Files are sparse on other systems, if the file system can.
#[cfg(not(windows))]
const fn make_sparse(_: &File) {}

/// Returns the sentence for a file that cannot be written.
pub(super) fn cannot_write(name: &str, error: &io::Error) -> Stop {
    Stop::Sentence(format!(
        "cannot write {name}: {error}; free space there, or name another file with --output."
    ))
}
