//! What is kept, when it is used again, and where it may be.

use super::{CERTIFICATE, KEY, pair_in, write};
use crate::{
    package::{pair::Pair, pkcs7},
    paths, program,
};
use const_oid::db::rfc5280::{ID_KP_CODE_SIGNING, ID_KP_EMAIL_PROTECTION};
use der::{Encode as _, asn1::ObjectIdentifier};
use rsa::{
    RsaPrivateKey,
    pkcs8::{EncodePrivateKey as _, LineEnding},
    rand_core::OsRng,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
    time::Duration,
};
use tempfile::TempDir;
use x509_cert::ext::pkix::ExtendedKeyUsage;

const NOW: Duration = Duration::from_secs(1_700_000_000);
const YEAR: Duration = Duration::from_hours(365 * 24);

/// A temporary folder.
struct Scratch(TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn join(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Returns the pair in a folder below, for a package in another.
    fn pair(&self, folder: &str, now: Duration) -> Result<Pair, String> {
        pair_in(&self.join(folder), &self.join("package"), now)
            .map_err(|error| format!("{error:#}"))
    }

    /// Returns the error of [`Self::pair`].
    fn refused(&self, folder: &str, now: Duration) -> String {
        match self.pair(folder, now) {
            Ok(_) => panic!("there is a pair in {folder}"),
            Err(error) => error,
        }
    }

    fn git(&self, arguments: &[&str]) {
        program::output_of(program::git(self.0.path()).args(arguments)).unwrap();
    }
}

#[test]
fn a_pair_is_made_once_and_used_until_it_ends() {
    let scratch = Scratch::new();
    let folder = scratch.join("deep/kept");
    let first = scratch.pair("deep/kept", NOW).unwrap();
    let files = || [KEY, CERTIFICATE].map(|name| fs::read(folder.join(name)).unwrap());
    let made = files();
    assert_eq!(made[1], first.certificate().unwrap());
    for now in [NOW, (NOW + YEAR).saturating_sub(Duration::from_secs(1))] {
        let again = scratch.pair("deep/kept", now).unwrap();
        assert_eq!(again.certificate().unwrap(), made[1]);
        assert_eq!(again.key.as_ref(), first.key.as_ref());
    }
    let ended = scratch.refused("deep/kept", NOW + YEAR);
    assert!(ended.contains("ended at 2024-11-13T22:13:20Z"), "{ended}");
    assert!(ended.contains("remove both"), "{ended}");
    let early = scratch.refused("deep/kept", NOW.saturating_sub(YEAR));
    assert!(early.contains("clock"), "{early}");
    assert!(files() == made, "a refusal changes nothing");
}

#[test]
fn a_second_run_does_not_replace_the_key_of_the_first() {
    let scratch = Scratch::new();
    let file = scratch.join(KEY);
    write(&file, b"the first").unwrap();
    let error = write(&file, b"the second").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&file).unwrap(), b"the first");
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_key() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let scratch = Scratch::new();
    scratch.pair("kept", NOW).unwrap();
    let folder = scratch.join("kept");
    let key = folder.join(KEY);
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&key)), (0o700, 0o600));
    for open in [0o640, 0o604, 0o620] {
        fs::set_permissions(&key, fs::Permissions::from_mode(open)).unwrap();
        let error = scratch.refused("kept", NOW);
        assert!(error.contains("chmod 600"), "{open:o}: {error}");
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(scratch.pair("kept", NOW).is_ok());
}

#[test]
fn another_pair_than_the_one_that_was_made_is_refused() {
    let scratch = Scratch::new();
    scratch.pair("kept", NOW).unwrap();
    scratch.pair("other", NOW).unwrap();
    let [key, certificate] = [KEY, CERTIFICATE].map(|name| scratch.join("kept").join(name));
    let (good_key, good) = (fs::read(&key).unwrap(), fs::read(&certificate).unwrap());
    let other_key = fs::read(scratch.join("other").join(KEY)).unwrap();
    let small = RsaPrivateKey::new(&mut OsRng, 512).unwrap();
    let small = small.to_pkcs8_pem(LineEnding::LF).unwrap();
    // The last byte is in the signature of the certificate, which covers the rest.
    let changed = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let name = good.windows(4).position(|four| four == b"ring").unwrap();
    let half = good_key.len() / 2;
    let long = vec![0x30; 65 * 1024];
    for (key_bytes, certificate_bytes, expected) in [
        (&other_key[..], &good[..], "not the key of"),
        (small.as_bytes(), &good, "not the key of"),
        (b"", &good, "no RSA key"),
        (&[0xFF; 100], &good, "no RSA key"),
        (&good_key[..half], &good, "no RSA key"),
        (&good_key, &[], "no certificate that"),
        (&good_key, &good[..300], "no certificate that"),
        (&good_key, &changed(good.len() - 1), "no certificate that"),
        (&good_key, &changed(name), "no certificate that"),
        (&good_key, &long, "neither a key nor a certificate"),
    ] {
        fs::write(&key, key_bytes).unwrap();
        fs::write(&certificate, certificate_bytes).unwrap();
        let error = scratch.refused("kept", NOW);
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(fs::read(&key).unwrap() == key_bytes);
        assert!(fs::read(&certificate).unwrap() == certificate_bytes);
    }
    fs::write(&key, &good_key).unwrap();
    fs::write(&certificate, &good).unwrap();
    assert!(scratch.pair("kept", NOW).is_ok());

    let half = |missing: &str| {
        let error = scratch.refused("kept", NOW);
        let expected = format!("{missing} is not; put that back");
        assert!(error.contains(&expected), "{error}");
    };
    fs::remove_file(&certificate).unwrap();
    half(CERTIFICATE);
    fs::remove_file(&key).unwrap();
    fs::write(&certificate, &good).unwrap();
    half(KEY);
}

/// Returns a certificate of the pair's key with another name or purpose.
fn certificate_of(pair: &Pair, name: &str, purpose: ObjectIdentifier) -> Vec<u8> {
    let purpose = ExtendedKeyUsage(vec![purpose]);
    let certificate = pkcs7::self_signed(&pair.key, name, &[1], *pair.validity(), &purpose);
    certificate.unwrap().to_der().unwrap()
}

#[test]
fn the_certificate_must_have_the_name_and_the_purpose_of_the_readme() {
    let (name, purpose) = ("ringcopy test signing", ID_KP_CODE_SIGNING);
    let scratch = Scratch::new();
    let pair = scratch.pair("kept", NOW).unwrap();
    for (name, purpose, fits) in [
        (name, purpose, true),
        ("other", purpose, false),
        (name, ID_KP_EMAIL_PROTECTION, false),
    ] {
        let certificate = certificate_of(&pair, name, purpose);
        fs::write(scratch.join("kept").join(CERTIFICATE), certificate).unwrap();
        assert_eq!(scratch.pair("kept", NOW).is_ok(), fits, "{name}, {purpose}");
    }
}

#[test]
fn no_key_is_kept_where_git_would_add_it() {
    let scratch = Scratch::new();
    // Only this test's own list counts, not the user's.
    scratch.git(&["init", "--quiet", "--template="]);
    scratch.git(&["config", "core.excludesFile", "/dev/null"]);
    let refused = |folder: &str| {
        let error = scratch.refused(folder, NOW);
        assert!(error.contains("have git ignore this one"), "{error}");
    };
    refused("keys");
    refused("");
    assert!(!scratch.join("keys").exists());
    // A link from outside leads into the working tree.
    #[cfg(unix)]
    {
        let (outside, inside) = (Scratch::new(), scratch.join("inside"));
        fs::create_dir(&inside).unwrap();
        std::os::unix::fs::symlink(&inside, outside.join("link")).unwrap();
        let error = outside.refused("link/keys", NOW);
        assert!(error.contains("have git ignore this one"), "{error}");
    }
    fs::write(scratch.join(".gitignore"), "keys/\n").unwrap();
    assert!(scratch.pair("keys/deep", NOW).is_ok());
    assert!(scratch.pair("keys", NOW).is_ok());
    // Git does not ignore a file that it tracks.
    scratch.git(&["add", "--force", "keys/ringcopy.key"]);
    refused("keys");
    // If git fails, the key is refused.
    fs::remove_dir_all(scratch.join(".git")).unwrap();
    fs::write(scratch.join(".git"), "nonsense").unwrap();
    refused("keys");
}

#[test]
fn no_key_is_kept_in_this_tree_unless_git_ignores_it() {
    let folder = paths::root().join(format!("ringcopy-key-{}", process::id()));
    let pair = pair_in(&folder, &paths::target(), NOW);
    // Nothing in the tree makes git ignore this folder, but its user's own list may.
    let mut git = program::git(&paths::root());
    git.args(["check-ignore", "--quiet", "--"])
        .arg(folder.join(KEY));
    if program::output_of(&mut git).is_ok() {
        assert!(pair.is_ok());
        fs::remove_dir_all(folder).unwrap();
    } else {
        let error = pair.err().unwrap().to_string();
        assert!(error.contains("have git ignore this one"), "{error}");
        assert!(!folder.exists());
    }
}

#[test]
fn no_key_is_kept_in_the_package() {
    let scratch = Scratch::new();
    for folder in ["package", "package/keys"] {
        let error = scratch.refused(folder, NOW);
        assert!(error.contains("must not get the key"), "{error}");
    }
    assert!(!scratch.join("package").exists());
    assert!(scratch.pair("package-keys", NOW).is_ok());
}

#[test]
fn a_path_that_can_be_no_folder_is_refused() {
    let scratch = Scratch::new();
    fs::write(scratch.join("file"), b"").unwrap();
    for folder in ["file", "file/below", "absent/../keys"] {
        let error = scratch.refused(folder, NOW);
        assert!(
            error.contains("name another folder with --certificate"),
            "{folder}: {error}"
        );
    }
    assert!(!scratch.join("absent").exists());
    assert!(!scratch.join("keys").exists());
}
