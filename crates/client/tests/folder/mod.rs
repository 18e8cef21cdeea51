//! A folder of a test, which is deleted at the test's end.

#![allow(dead_code, reason = "every test program uses another part of it")]
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
    /// Creates an empty folder. No other test of the program may use the same name.
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

    /// Returns the path of a file in it, for a command line.
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().into()
    }

    /// Writes a file. Returns its path, for a command line.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.0.join(name), bytes).unwrap();
        self.path(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).unwrap()
    }

    /// Deletes all files in it.
    pub fn clear(&self) {
        for name in self.names() {
            fs::remove_file(self.0.join(name)).unwrap();
        }
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
