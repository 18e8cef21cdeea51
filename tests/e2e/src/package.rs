//! A package that `cargo xtask package` made, and the programs that check it.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use object::{
    LittleEndian as LE,
    pe::IMAGE_DIRECTORY_ENTRY_SECURITY,
    read::pe::{ImageNtHeaders, PeFile64},
};
use tempfile::{TempDir, tempdir};

use super::{artefact, xtask};

/// The files of every package.
pub const FILES: [&str; 6] = [
    "README.txt",
    "ringcopy.cat",
    "ringcopy.cer",
    "ringcopy.exe",
    "ringcopy.inf",
    "ringcopy.sys",
];

/// `szOID_CTL`, the type of a catalog's content, as openssl prints it.
const CTL: &str = ":1.3.6.1.4.1.311.10.1";

/// Offsets from the PE signature of the checksum and of the directory entry of the certificate table:
/// the signature, the file header, and 64 and 144 bytes of the optional header of PE32+ ("PE Format").
const CHECKSUM: usize = 4 + 20 + 64;
const CERTIFICATE_TABLE: usize = 4 + 20 + 144;

/// A package's folder.
#[derive(Debug)]
pub struct Package {
    folder: PathBuf,
    /// A folder for temporary files.
    scratch: TempDir,
}

impl Package {
    /// Returns the package of this run.
    #[must_use]
    pub fn built() -> Self {
        Self::at(artefact("RINGCOPY_PACKAGE"))
    }

    /// Returns another package of the same commit. Its driver was built in another copy of the tree.
    #[must_use]
    pub fn built_again() -> Self {
        Self::at(artefact("RINGCOPY_PACKAGE_AGAIN"))
    }

    /// Returns the package in this folder.
    ///
    /// # Panics
    /// If there can be no temporary folder.
    #[must_use]
    pub fn at(folder: PathBuf) -> Self {
        Self {
            folder,
            scratch: tempdir().unwrap(),
        }
    }

    /// Returns a copy, which may be changed.
    ///
    /// # Panics
    /// If it can't be copied.
    #[must_use]
    pub fn copied(&self) -> Self {
        let scratch = tempdir().unwrap();
        for name in FILES {
            fs::copy(self.folder.join(name), scratch.path().join(name)).unwrap();
        }
        Self {
            folder: scratch.path().to_owned(),
            scratch,
        }
    }

    /// Returns its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the path of one of its files.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Returns the bytes of one of its files.
    ///
    /// # Panics
    /// If the file can't be read.
    #[must_use]
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Returns its README.
    ///
    /// # Panics
    /// If the README can't be read, has an unfilled variable, or a line wider than a terminal.
    #[must_use]
    pub fn readme(&self) -> String {
        let text = String::from_utf8(self.read("README.txt")).unwrap();
        assert!(!text.contains('$'), "a variable is left");
        for line in text.lines() {
            assert!(line.len() <= 80, "a line is wider than a terminal: {line}");
        }
        text
    }

    /// Runs openssl with these options in the package's folder. Returns its output.
    #[must_use]
    pub fn openssl(&self, options: &str) -> String {
        openssl(&self.folder, &options.split(' ').collect::<Vec<_>>())
    }

    /// Returns the path of its certificate in PEM, the form for osslsigncode.
    ///
    /// # Panics
    /// If openssl finds no certificate.
    #[must_use]
    pub fn certificate(&self) -> String {
        let pem = self.scratch.path().join("certificate.pem");
        fs::write(&pem, self.openssl("x509 -inform DER -in ringcopy.cer")).unwrap();
        pem.display().to_string()
    }

    /// Verifies the signature of one of its files with its own certificate. Returns the output of
    /// osslsigncode.
    ///
    /// # Errors
    /// The output, if the signature is not accepted.
    pub fn verify(&self, name: &str, options: &[&str]) -> Result<String, String> {
        let (certificate, file) = (self.certificate(), self.path(name));
        let mut command = vec!["verify", "-CAfile", &certificate];
        command.extend(options);
        command.extend(["-in", &file]);
        osslsigncode(&command)
    }

    /// Returns the hash of a file, in hexadecimal digits.
    #[must_use]
    pub fn file_digest(&self, name: &str, hash: &str) -> String {
        first_word(&self.openssl(&format!("dgst -{hash} -r {name}")))
    }

    /// Returns the hashes of the catalog's members, in capital hexadecimal digits and in their order.
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

    /// Returns the structure of the catalog, as openssl prints it.
    #[must_use]
    pub fn catalog(&self) -> String {
        self.openssl("asn1parse -inform DER -in ringcopy.cat")
    }

    /// Returns the signed part of the catalog.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn trust_list(&self) -> Vec<u8> {
        let catalog = self.catalog();
        // Its type, the tag around it, and the list: `OFFSET:d=DEPTH hl=HEADER l= LENGTH ...`.
        let list = catalog
            .lines()
            .skip_while(|line| !line.ends_with(CTL))
            .nth(2)
            .expect("a trust list");
        let number = |start: &str| -> usize {
            let (_, rest) = list.split_once(start).unwrap();
            let end = rest.trim_start().split([':', ' ']).next();
            end.unwrap().parse().unwrap()
        };
        let bytes = self.read("ringcopy.cat");
        bytes[number("")..][..number("hl=") + number(" l=")].to_vec()
    }
}

/// Returns a signed image without its signature: what the build made.
///
/// # Panics
/// If the bytes are no signed image.
#[must_use]
pub fn unsigned(image: &[u8]) -> Vec<u8> {
    let (headers, table) = signature_of(image);
    let mut bytes = image[..table].to_vec();
    bytes[headers + CHECKSUM..][..4].fill(0);
    bytes[headers + CERTIFICATE_TABLE..][..8].fill(0);
    bytes
}

/// Returns the Authenticode hash of a signed image, in hexadecimal digits. It is a second opinion on
/// xtask's: openssl hashes the parts.
///
/// # Panics
/// If the bytes are no signed image.
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

fn first_word(text: &str) -> String {
    text.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase()
}

/// Returns the offsets of the PE signature and of the certificate table.
fn signature_of(image: &[u8]) -> (usize, usize) {
    let file = PeFile64::parse(image).expect("a PE32+ image");
    let table = file
        .data_directory(IMAGE_DIRECTORY_ENTRY_SECURITY)
        .expect("a certificate table");
    let headers = file.dos_header().nt_headers_offset();
    assert!(file.nt_headers().is_valid_optional_magic());
    (headers as usize, table.virtual_address.get(LE) as usize)
}

/// Runs osslsigncode. Returns its output.
///
/// # Errors
/// The output, if it fails.
pub fn osslsigncode(arguments: &[&str]) -> Result<String, String> {
    let output = run(Command::new("osslsigncode").args(arguments));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(text)
    } else {
        Err(text)
    }
}

/// Runs openssl in a folder. Returns its output.
///
/// # Panics
/// If it fails.
#[must_use]
pub fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let output = run(Command::new("openssl").args(arguments).current_dir(folder));
    assert!(
        output.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn run(command: &mut Command) -> Output {
    command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; cargo xtask test installs it"))
}

/// Runs `cargo xtask package` with these options.
///
/// # Errors
/// Its standard error, if it fails.
pub fn make(options: &[&str]) -> Result<(), String> {
    make_with(&[], options)
}

/// Runs `cargo xtask package` with these variables and options.
///
/// # Errors
/// Its standard error, if it fails.
pub fn make_with(environment: &[(&str, &str)], options: &[&str]) -> Result<(), String> {
    let mut command = Command::new(xtask());
    command.arg("package").args(options);
    let output = run(command.envs(environment.iter().copied()));
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Makes an empty folder for a static value, which is never dropped. It replaces the folder of an
/// earlier run.
///
/// # Panics
/// If it can't be made.
#[must_use]
pub fn lasting_folder(path: &Path) -> PathBuf {
    let _ = fs::remove_dir_all(path);
    fs::create_dir_all(path).unwrap();
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lasting_folder_is_emptied() {
        let folder = tempdir().unwrap();
        let path = lasting_folder(&folder.path().join("deep/lasting"));
        fs::write(path.join("file"), "").unwrap();
        let again = lasting_folder(&path);
        assert_eq!(fs::read_dir(again).unwrap().count(), 0);
    }
}
