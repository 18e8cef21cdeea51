//! A folder for a lab's files, which is deleted with its owner.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::LabError;

/// A file system in memory, on systems that have it.
const SHARED_MEMORY: &str = "/dev/shm";

/// A folder that is deleted when dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Creates a folder, in memory if possible.
    pub(crate) fn create() -> Result<Self, LabError> {
        let shared = Path::new(SHARED_MEMORY);
        if shared.is_dir()
            && let Ok(folder) = Self::create_in(shared)
        {
            return Ok(folder);
        }
        let parent = env::temp_dir();
        Self::create_in(&parent).map_err(LabError::file(&parent))
    }

    fn create_in(parent: &Path) -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("ringcopy-lab-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                // A killed process with the same number has left it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The system deletes the rest when it restarts.
        drop(fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_deleted_alone() {
        let (one, other) = (Folder::create().unwrap(), Folder::create().unwrap());
        assert_ne!(one.path(), other.path());
        let path = one.path().to_path_buf();
        fs::write(path.join("file"), b"x").unwrap();
        drop(one);
        assert!(!path.exists());
        assert!(other.path().exists());
    }
}
