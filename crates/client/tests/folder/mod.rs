//! A folder of a test's own, which goes when the test does.

#![allow(dead_code, reason = "every test file uses another part of it")]
#![allow(
    unreachable_pub,
    reason = "a test program has no other visibility to offer"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

pub struct Folder(PathBuf);

impl Folder {
    /// An empty one; `name` is that of no other test's in this program.
    pub fn new(name: &str) -> Self {
        let program = std::env::current_exe().unwrap();
        let program = program.file_stem().unwrap().display();
        let name = format!("ringcopy-{program}-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn at(&self) -> &Path {
        &self.0
    }

    /// What a file in it is called on a command line.
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().into()
    }

    /// Writes a file, and gives what it is called on a command line.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.0.join(name), bytes).unwrap();
        self.path(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).unwrap()
    }

    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
