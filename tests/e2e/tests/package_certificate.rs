//! Packages that are signed with one kept certificate, and folders in which no key may be kept.

#![forbid(unsafe_code)]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use ringcopy_tests::package::{FILES, Package, lasting_folder, make, openssl, osslsigncode};
use tempfile::tempdir;

/// The kept files.
const PAIR: [&str; 2] = ["ringcopy.cer", "ringcopy.key"];

/// Two packages, and the pair that signed both.
struct Made {
    packages: PathBuf,
    pair: [Vec<u8>; 2],
}

static MADE: LazyLock<Made> = LazyLock::new(|| {
    let packages = Path::new(env!("CARGO_TARGET_TMPDIR")).join("signed-alike");
    let packages = lasting_folder(&packages);
    // The folder with the key is removed.
    let scratch = tempdir().unwrap();
    let kept = scratch.path().join("kept");
    for name in ["one", "other"] {
        made_with(&kept, &packages.join(name)).unwrap();
    }
    Made {
        packages,
        pair: PAIR.map(|name| fs::read(kept.join(name)).unwrap()),
    }
});

impl Made {
    fn packages(&self) -> [Package; 2] {
        ["one", "other"].map(|name| Package::at(self.packages.join(name)))
    }
}

fn made_with(kept: &Path, output: &Path) -> Result<(), String> {
    let [kept, output] = [kept, output].map(|folder| folder.display().to_string());
    make(&["--certificate", &kept, "--output", &output])
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn trust_in_one_package_is_trust_in_the_next() {
    let [one, other] = MADE.packages();
    assert!(one.read("ringcopy.cer") == other.read("ringcopy.cer"));
    let trusted = one.certificate();
    let (driver, catalog) = (other.path("ringcopy.sys"), other.path("ringcopy.cat"));
    for what in [
        [driver.as_str()].as_slice(),
        &[&other.path("ringcopy.exe")],
        &[&driver, "-catalog", &catalog],
    ] {
        let verified =
            osslsigncode(&[["verify", "-CAfile", &trusted, "-in"].as_slice(), what].concat());
        assert!(verified.is_ok(), "{what:?}: {verified:?}");
    }
    // A package that was signed with another certificate.
    let other = Package::built().path("ringcopy.sys");
    let verified = osslsigncode(&["verify", "-CAfile", &trusted, "-in", &other]);
    assert!(verified.is_err(), "{verified:?}");
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn the_kept_files_are_a_pair_for_openssl() {
    let scratch = tempdir().unwrap();
    for (name, bytes) in PAIR.iter().zip(&MADE.pair) {
        fs::write(scratch.path().join(name), bytes).unwrap();
    }
    let [certified, of_key] = [
        "x509 -inform DER -noout -pubkey -in ringcopy.cer",
        "pkey -pubout -in ringcopy.key",
    ]
    .map(|options| openssl(scratch.path(), &options.split(' ').collect::<Vec<_>>()));
    assert_eq!(certified, of_key);
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn the_key_is_in_no_package() {
    let key = str::from_utf8(&MADE.pair[1]).unwrap();
    let line = key.lines().nth(1).unwrap().as_bytes().to_vec();
    for package in MADE.packages() {
        assert_eq!(fs::read_dir(package.folder()).unwrap().count(), FILES.len());
        for name in FILES {
            let bytes = package.read(name);
            assert!(
                !bytes.windows(line.len()).any(|window| window == line),
                "{name}"
            );
        }
    }
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn the_readme_tells_who_has_the_key_and_when_the_certificate_ends() {
    let [one, _] = MADE.packages();
    let text = one.readme();
    assert!(
        text.contains("Its key is with who made the folder"),
        "{text}"
    );
    let end = one.openssl("x509 -inform DER -noout -enddate -dateopt iso_8601 -in ringcopy.cer");
    let day = end
        .strip_prefix("notAfter=")
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    assert!(text.contains(&format!("It ends on {day}.")), "{day}");
    assert!(!text.contains("key is gone"));
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn another_key_makes_no_package() {
    let scratch = tempdir().unwrap();
    let (kept, output) = (scratch.path().join("kept"), scratch.path().join("package"));
    fs::create_dir(&kept).unwrap();
    fs::write(kept.join(PAIR[0]), &MADE.pair[0]).unwrap();
    let _ = openssl(&kept, &["genpkey", "-algorithm", "RSA", "-out", PAIR[1]]);
    let error = made_with(&kept, &output).unwrap_err();
    assert!(
        error.contains("ringcopy.key is not the key of ringcopy.cer"),
        "{error}"
    );
    assert!(!output.exists());
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn no_key_is_kept_in_the_tree_or_in_the_package() {
    let tree = ringcopy_tests::tree();
    let scratch = tempdir().unwrap();
    let output = scratch.path().join("package");
    for (kept, expected) in [
        (
            tree.join("keys-of-a-test"),
            "is in a git working tree and not ignored",
        ),
        (output.join("keys"), "in the package's own folder"),
    ] {
        let error = made_with(&kept, &output).unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("--certificate"), "{error}");
        assert!(!kept.exists());
        assert!(!output.exists());
    }
}
