//! What is kept, what of it is used again, and where it may lie.

use super::{CERTIFICATE, KEY, pair_in, write};
use crate::{package::pair::Pair, places, program};
use der::{Encode as _, asn1::ObjectIdentifier};
use rsa::{
    RsaPrivateKey,
    pkcs1v15::Signature,
    pkcs8::{EncodePrivateKey as _, LineEnding},
    rand_core::OsRng,
    signature::Keypair as _,
};
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process,
    str::FromStr as _,
    time::Duration,
};
use x509_cert::{
    builder::{Builder as _, CertificateBuilder, Profile},
    ext::pkix::ExtendedKeyUsage,
    name::Name,
    serial_number::SerialNumber,
    spki::SubjectPublicKeyInfoOwned,
};

const NOW: Duration = Duration::from_secs(1_700_000_000);
const YEAR: Duration = Duration::from_hours(365 * 24);

/// A folder of its own for each test, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("ringcopy-key-{name}-{}", process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The pair in a folder below, for a package in another.
    fn pair(&self, folder: &str, now: Duration) -> Result<Pair, String> {
        pair_in(&self.0.join(folder), &self.0.join("package"), now)
            .map_err(|problem| problem.to_string())
    }

    /// Why there is none.
    fn refused(&self, folder: &str, now: Duration) -> String {
        match self.pair(folder, now) {
            Ok(_) => panic!("there is a pair in {folder}"),
            Err(said) => said,
        }
    }

    fn git(&self, arguments: &[&str]) {
        program::output_of(program::git(&self.0).args(arguments)).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_pair_is_made_once_and_used_until_it_ends() {
    let scratch = Scratch::new("again");
    let folder = scratch.0.join("deep/kept");
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
fn of_two_runs_at_a_time_one_finds_the_others_key() {
    let scratch = Scratch::new("twice");
    let file = scratch.0.join(KEY);
    write(&file, b"the first").unwrap();
    let said = write(&file, b"the second").unwrap_err();
    assert_eq!(said.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&file).unwrap(), b"the first");
}

#[cfg(unix)]
#[test]
fn a_key_is_for_its_owner_alone() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let scratch = Scratch::new("mode");
    scratch.pair("kept", NOW).unwrap();
    let folder = scratch.0.join("kept");
    let key = folder.join(KEY);
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&key)), (0o700, 0o600));
    for open in [0o640, 0o604, 0o620] {
        fs::set_permissions(&key, fs::Permissions::from_mode(open)).unwrap();
        let said = scratch.refused("kept", NOW);
        assert!(said.contains("chmod 600"), "{open:o}: {said}");
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(scratch.pair("kept", NOW).is_ok());
}

#[test]
fn what_is_not_the_pair_that_was_made_is_refused() {
    let scratch = Scratch::new("other");
    scratch.pair("kept", NOW).unwrap();
    scratch.pair("other", NOW).unwrap();
    let (key, certificate) = (
        scratch.0.join("kept").join(KEY),
        scratch.0.join("kept").join(CERTIFICATE),
    );
    let (good_key, good_certificate) = (fs::read(&key).unwrap(), fs::read(&certificate).unwrap());
    let other_key = fs::read(scratch.0.join("other").join(KEY)).unwrap();
    let small = RsaPrivateKey::new(&mut OsRng, 512).unwrap();
    let small = small.to_pkcs8_pem(LineEnding::LF).unwrap();
    // The last byte belongs to the signature of the certificate; so does all that it is over.
    let changed = |at: usize| {
        let mut bytes = good_certificate.clone();
        bytes[at] ^= 1;
        bytes
    };
    let name = good_certificate.windows(4).position(|four| four == b"ring");
    for (key_bytes, certificate_bytes, expected) in [
        (
            other_key.as_slice(),
            good_certificate.clone(),
            "not the key of",
        ),
        (small.as_bytes(), good_certificate.clone(), "not the key of"),
        (b"", good_certificate.clone(), "no RSA key"),
        (&[0xFF; 100], good_certificate.clone(), "no RSA key"),
        (
            &good_key[..good_key.len() / 2],
            good_certificate.clone(),
            "no RSA key",
        ),
        (&good_key, Vec::new(), "no certificate that"),
        (
            &good_key,
            good_certificate[..300].to_vec(),
            "no certificate that",
        ),
        (
            &good_key,
            changed(good_certificate.len() - 1),
            "no certificate that",
        ),
        (&good_key, changed(name.unwrap()), "no certificate that"),
        (&good_key, vec![0x30; 65 * 1024], "none of its files"),
    ] {
        fs::write(&key, key_bytes).unwrap();
        fs::write(&certificate, &certificate_bytes).unwrap();
        let said = scratch.refused("kept", NOW);
        assert!(said.contains(expected), "{expected}: {said}");
        assert!(fs::read(&key).unwrap() == key_bytes);
        assert!(fs::read(&certificate).unwrap() == certificate_bytes);
    }
    fs::write(&key, &good_key).unwrap();
    fs::write(&certificate, &good_certificate).unwrap();
    assert!(scratch.pair("kept", NOW).is_ok());

    fs::remove_file(&certificate).unwrap();
    let said = scratch.refused("kept", NOW);
    assert!(
        said.contains("ringcopy.cer is not; put that back"),
        "{said}"
    );
    fs::remove_file(&key).unwrap();
    fs::write(&certificate, &good_certificate).unwrap();
    let said = scratch.refused("kept", NOW);
    assert!(
        said.contains("ringcopy.key is not; put that back"),
        "{said}"
    );
}

/// A certificate of the pair's key that is not as the pair's own.
fn certificate_of(pair: &Pair, name: &str, purpose: &str) -> Vec<u8> {
    let name = Name::from_str(name).unwrap();
    let mut builder = CertificateBuilder::new(
        Profile::Leaf {
            issuer: name.clone(),
            enable_key_agreement: false,
            enable_key_encipherment: false,
        },
        SerialNumber::new(&[1]).unwrap(),
        *pair.validity(),
        name,
        SubjectPublicKeyInfoOwned::from_key(pair.key.verifying_key()).unwrap(),
        &pair.key,
    )
    .unwrap();
    let purpose = ExtendedKeyUsage(vec![ObjectIdentifier::new_unwrap(purpose)]);
    builder.add_extension(&purpose).unwrap();
    builder.build::<Signature>().unwrap().to_der().unwrap()
}

#[test]
fn the_certificate_has_the_name_and_the_purpose_that_the_readme_tells() {
    let (name, purpose) = ("CN=ringcopy test signing", "1.3.6.1.5.5.7.3.3");
    let scratch = Scratch::new("name");
    let pair = scratch.pair("kept", NOW).unwrap();
    for (name, purpose, fits) in [
        (name, purpose, true),
        ("CN=somebody", purpose, false),
        (name, "1.3.6.1.5.5.7.3.4", false),
    ] {
        let certificate = certificate_of(&pair, name, purpose);
        fs::write(scratch.0.join("kept").join(CERTIFICATE), certificate).unwrap();
        assert_eq!(scratch.pair("kept", NOW).is_ok(), fits, "{name}, {purpose}");
    }
}

#[test]
fn no_key_lies_where_git_would_take_it() {
    let scratch = Scratch::new("git");
    // Nothing is ignored but what this test has git ignore, whatever its user's own git ignores.
    scratch.git(&["init", "--quiet", "--template="]);
    scratch.git(&["config", "core.excludesFile", "/dev/null"]);
    let refused = |folder: &str| {
        let said = scratch.refused(folder, NOW);
        assert!(said.contains("have git ignore this one"), "{said}");
    };
    refused("keys");
    refused("");
    assert!(!scratch.0.join("keys").exists());
    // A link from outside leads in all the same.
    #[cfg(unix)]
    {
        let (outside, inside) = (Scratch::new("link"), scratch.0.join("inside"));
        fs::create_dir(&inside).unwrap();
        std::os::unix::fs::symlink(&inside, outside.0.join("link")).unwrap();
        let said = outside.refused("link/keys", NOW);
        assert!(said.contains("have git ignore this one"), "{said}");
    }
    fs::write(scratch.0.join(".gitignore"), "keys/\n").unwrap();
    assert!(scratch.pair("keys/deep", NOW).is_ok());
    assert!(scratch.pair("keys", NOW).is_ok());
    // What git knows already, it does not ignore.
    scratch.git(&["add", "--force", "keys/ringcopy.key"]);
    refused("keys");
    // Where git can't tell, nobody can.
    fs::remove_dir_all(scratch.0.join(".git")).unwrap();
    fs::write(scratch.0.join(".git"), "nonsense").unwrap();
    refused("keys");
}

#[test]
fn no_key_lies_in_this_tree_unless_git_ignores_it() {
    // Gone at the end, even if there should be one.
    let here = Scratch(places::root().join(format!("ringcopy-key-{}", process::id())));
    let key = here.0.join("keys").join(KEY);
    // Nothing in the tree has git ignore this one, but its user's own list may.
    let mut asked = program::git(&places::root());
    asked.args(["check-ignore", "--quiet", "--"]).arg(key);
    if program::output_of(&mut asked).is_ok() {
        assert!(here.pair("keys", NOW).is_ok());
    } else {
        let said = here.refused("keys", NOW);
        assert!(said.contains("have git ignore this one"), "{said}");
        assert!(!here.0.exists());
    }
}

#[test]
fn no_key_lies_in_the_package() {
    let scratch = Scratch::new("package");
    for folder in ["package", "package/keys"] {
        let said = scratch.refused(folder, NOW);
        assert!(said.contains("must not get the key"), "{said}");
    }
    assert!(!scratch.0.join("package").exists());
    assert!(scratch.pair("package-keys", NOW).is_ok());
}

#[test]
fn what_can_be_no_folder_is_refused() {
    let scratch = Scratch::new("file");
    fs::write(scratch.0.join("file"), b"").unwrap();
    for folder in ["file", "file/below", "absent/../keys"] {
        let said = scratch.refused(folder, NOW);
        assert!(
            said.contains("name another folder with --certificate"),
            "{folder}: {said}"
        );
    }
    assert!(!scratch.0.join("absent").exists());
    assert!(!scratch.0.join("keys").exists());
}
