//! A package as `cargo xtask package` made it, and the tools that judge it.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{self, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use object::{
    LittleEndian as LE,
    pe::IMAGE_DIRECTORY_ENTRY_SECURITY,
    read::pe::{ImageNtHeaders, PeFile64},
};

use super::{artefact, xtask};

/// What is in every package.
pub const FILES: [&str; 6] = [
    "README.txt",
    "ringcopy.cat",
    "ringcopy.cer",
    "ringcopy.exe",
    "ringcopy.inf",
    "ringcopy.sys",
];

/// `szOID_CTL`, the type of what a catalog holds, as openssl lists it.
const CTL: &str = ":1.3.6.1.4.1.311.10.1";

/// From the PE signature to the checksum, and to the directory entry of the certificate table: the
/// signature, the file header, and 64 and 144 bytes of the optional header of PE32+ ("PE Format").
const CHECKSUM: usize = 4 + 20 + 64;
const CERTIFICATE_TABLE: usize = 4 + 20 + 144;

/// A package's folder.
#[derive(Debug)]
pub struct Package {
    folder: PathBuf,
    /// What was made for a test, and goes with it.
    scratch: Scratch,
}

impl Package {
    /// The package of this run.
    #[must_use]
    pub fn built() -> Self {
        Self::at(artefact("RINGCOPY_PACKAGE"))
    }

    /// Another package of the same commit. Its driver was built in another copy of the tree.
    #[must_use]
    pub fn built_again() -> Self {
        Self::at(artefact("RINGCOPY_PACKAGE_AGAIN"))
    }

    /// The one in this folder.
    #[must_use]
    pub fn at(folder: PathBuf) -> Self {
        Self {
            folder,
            scratch: Scratch::new(),
        }
    }

    /// A copy, to be changed.
    ///
    /// # Panics
    /// If it can't be copied.
    #[must_use]
    pub fn copied(&self) -> Self {
        let scratch = Scratch::new();
        for name in FILES {
            fs::copy(self.folder.join(name), scratch.0.join(name)).unwrap();
        }
        Self {
            folder: scratch.0.clone(),
            scratch,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// One of its files.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// The bytes of one of its files.
    ///
    /// # Panics
    /// If it is not there.
    #[must_use]
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Its certificate, in the form that osslsigncode takes.
    ///
    /// # Panics
    /// If openssl finds none.
    #[must_use]
    pub fn certificate(&self) -> String {
        let pem = self.scratch.0.join("certificate.pem");
        let text = openssl(&["x509", "-inform", "DER", "-in", &self.path("ringcopy.cer")]);
        fs::write(&pem, text).unwrap();
        pem.display().to_string()
    }

    /// What osslsigncode says of the signature of one of its files, by the package's own
    /// certificate.
    ///
    /// # Errors
    /// If it does not accept it: what it says then.
    pub fn verify(&self, name: &str, options: &[&str]) -> Result<String, String> {
        let (certificate, file) = (self.certificate(), self.path(name));
        let mut command = vec!["verify", "-CAfile", &certificate];
        command.extend(options);
        command.extend(["-in", &file]);
        osslsigncode(&command)
    }

    /// The hashes of the catalog's members, in capital hexadecimal digits, as they stand there.
    #[must_use]
    pub fn catalog_members(&self) -> Vec<String> {
        // ContentInfo, content, SignedData, contentInfo, content, list, subjects, subject: the
        // identifier is eight deep.
        self.catalog()
            .lines()
            .skip_while(|line| !line.ends_with(CTL))
            .take_while(|line| !line.contains(":d=3 "))
            .filter(|line| line.contains(":d=8 "))
            .filter_map(|line| line.split_once("OCTET STRING"))
            .filter_map(|(_, dump)| dump.split_once("[HEX DUMP]:"))
            .map(|(_, hash)| hash.to_owned())
            .collect()
    }

    /// The structure of the catalog, as openssl lists it.
    #[must_use]
    pub fn catalog(&self) -> String {
        openssl(&[
            "asn1parse",
            "-inform",
            "DER",
            "-in",
            &self.path("ringcopy.cat"),
        ])
    }

    /// The part of the catalog that is signed.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn trust_list(&self) -> Vec<u8> {
        let catalog = self.catalog();
        // Its type, the tag around it, and it.
        let list = catalog
            .lines()
            .skip_while(|line| !line.ends_with(CTL))
            .nth(2)
            .expect("a trust list");
        let (offset, _) = list.trim_start().split_once(':').unwrap();
        let out = self.scratch.0.join("list.der").display().to_string();
        let _ = openssl(&[
            "asn1parse",
            "-inform",
            "DER",
            "-strparse",
            offset,
            "-noout",
            "-out",
            &out,
            "-in",
            &self.path("ringcopy.cat"),
        ]);
        fs::read(out).unwrap()
    }
}

/// The signed image without its signature: all that a build has made of it.
///
/// # Panics
/// If it is no signed image.
#[must_use]
pub fn unsigned(image: &[u8]) -> Vec<u8> {
    let (headers, table) = signature_of(image);
    let mut bytes = image[..table].to_vec();
    bytes[headers + CHECKSUM..][..4].fill(0);
    bytes[headers + CERTIFICATE_TABLE..][..8].fill(0);
    bytes
}

/// The Authenticode hash of a signed image, in hexadecimal digits: cut out here, hashed by openssl.
///
/// # Panics
/// If it is no signed image.
#[must_use]
pub fn authenticode_digest(image: &[u8], hash: &str) -> String {
    let (headers, table) = signature_of(image);
    let mut openssl = Command::new("openssl")
        .args(["dgst", &format!("-{hash}"), "-r"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl");
    let mut input = openssl.stdin.take().unwrap();
    for part in [
        &image[..headers + CHECKSUM],
        &image[headers + CHECKSUM + 4..headers + CERTIFICATE_TABLE],
        &image[headers + CERTIFICATE_TABLE + 8..table],
    ] {
        input.write_all(part).unwrap();
    }
    drop(input);
    first_word(&String::from_utf8(openssl.wait_with_output().unwrap().stdout).unwrap())
}

/// The hash of a file, in hexadecimal digits.
#[must_use]
pub fn file_digest(path: &str, hash: &str) -> String {
    first_word(&openssl(&["dgst", &format!("-{hash}"), "-r", path]))
}

fn first_word(text: &str) -> String {
    text.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase()
}

/// Where the PE signature and the certificate table are.
fn signature_of(image: &[u8]) -> (usize, usize) {
    let file = PeFile64::parse(image).expect("a PE32+ image");
    let table = file
        .data_directory(IMAGE_DIRECTORY_ENTRY_SECURITY)
        .expect("a certificate table");
    let headers = file.dos_header().nt_headers_offset();
    assert!(file.nt_headers().is_valid_optional_magic());
    (headers as usize, table.virtual_address.get(LE) as usize)
}

/// What osslsigncode says.
///
/// # Errors
/// If it fails: what it says then.
pub fn osslsigncode(arguments: &[&str]) -> Result<String, String> {
    let output = run("osslsigncode", arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(said)
    } else {
        Err(said)
    }
}

/// What openssl writes.
///
/// # Panics
/// If it fails.
#[must_use]
pub fn openssl(arguments: &[&str]) -> String {
    let output = run("openssl", arguments);
    assert!(
        output.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; cargo xtask test gets it"))
}

/// What comes of `cargo xtask package` with these options: what it says, if it makes none.
///
/// # Errors
/// If it fails: what it says then.
///
/// # Panics
/// If it can't be started.
pub fn make(options: &[&str]) -> Result<(), String> {
    make_with(&[], options)
}

/// As [`make`], where these variables are set.
///
/// # Errors
/// As for [`make`].
///
/// # Panics
/// As for [`make`].
pub fn make_with(environment: &[(&str, &str)], options: &[&str]) -> Result<(), String> {
    let output = Command::new(xtask())
        .arg("package")
        .args(options)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("xtask");
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// A folder of its own for each test, gone with it.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes one.
    ///
    /// # Panics
    /// If there is no room for it.
    #[must_use]
    pub fn new() -> Self {
        Self::next_in(&env::temp_dir())
    }

    /// Makes one for what lives as long as the process, which nothing drops: there, in the place of an
    /// earlier process's.
    ///
    /// # Panics
    /// If there is no room for it.
    #[must_use]
    pub fn lasting(path: PathBuf) -> Self {
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The next whose name is free: a process of the same number may have left one.
    fn next_in(folder: &Path) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("ringcopy-package-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Self(path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::Scratch;
    use std::{fs, process};

    #[test]
    fn a_folder_that_is_there_is_not_taken_over() {
        let folder = Scratch::new();
        let name = |number| format!("ringcopy-package-{}-{number}", process::id());
        // Whichever numbers are next, they are taken.
        for number in 0..100 {
            let taken = folder.path().join(name(number));
            fs::create_dir(&taken).unwrap();
            fs::write(taken.join("file"), "somebody's").unwrap();
        }
        let own = Scratch::next_in(folder.path());
        assert_eq!(fs::read_dir(own.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_lasting_folder_is_begun_anew() {
        let folder = Scratch::new();
        let path = folder.path().join("deep/lasting");
        let earlier = Scratch::lasting(path.clone());
        fs::write(path.join("file"), "").unwrap();
        let later = Scratch::lasting(path.clone());
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
        drop((earlier, later));
        assert!(!path.exists());
    }
}
