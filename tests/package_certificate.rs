//! Packages that are signed with a kept certificate: whether a tester who trusts one of them trusts
//! the next; and where no key may be kept.

#![forbid(unsafe_code)]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use ringcopy_tests::package::{FILES, Package, Scratch, make, openssl, osslsigncode};

/// Two packages signed with what is kept in a third folder.
struct Made {
    scratch: Scratch,
}

static MADE: LazyLock<Made> = LazyLock::new(|| {
    let made = Made {
        scratch: Scratch::new(),
    };
    for name in ["one", "other"] {
        made_with(&made.folder("kept"), &made.folder(name)).unwrap();
    }
    made
});

impl Made {
    fn folder(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn packages(&self) -> [Package; 2] {
        ["one", "other"].map(|name| Package::at(self.folder(name)))
    }
}

fn made_with(kept: &Path, output: &Path) -> Result<(), String> {
    let [kept, output] = [kept, output].map(|folder| folder.display().to_string());
    make(&["--certificate", &kept, "--output", &output])
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn who_trusts_one_package_trusts_the_next() {
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
    // What was signed without it has nothing to do with it.
    let stranger = Package::built().path("ringcopy.sys");
    let verified = osslsigncode(&["verify", "-CAfile", &trusted, "-in", &stranger]);
    assert!(verified.is_err(), "{verified:?}");
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn what_is_kept_is_a_pair_by_openssls_reading() {
    let [certificate, key] = ["ringcopy.cer", "ringcopy.key"]
        .map(|name| MADE.folder("kept").join(name).display().to_string());
    let certified = openssl(&[
        "x509",
        "-inform",
        "DER",
        "-noout",
        "-pubkey",
        "-in",
        &certificate,
    ]);
    assert_eq!(certified, openssl(&["pkey", "-pubout", "-in", &key]));
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn the_key_stays_where_it_is() {
    let key = fs::read_to_string(MADE.folder("kept").join("ringcopy.key")).unwrap();
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
    let text = String::from_utf8(one.read("README.txt")).unwrap();
    assert!(
        text.contains("Its key is with who made the folder"),
        "{text}"
    );
    let end = openssl(&[
        "x509",
        "-inform",
        "DER",
        "-noout",
        "-enddate",
        "-dateopt",
        "iso_8601",
        "-in",
        &one.path("ringcopy.cer"),
    ]);
    let day = end
        .strip_prefix("notAfter=")
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    assert!(text.contains(&format!("It ends on {day}.")), "{day}");
    assert!(!text.contains("key is gone"));
    assert!(!text.contains('$'), "a variable is left");
    assert!(
        text.lines().all(|line| line.len() <= 80),
        "a line is wider than a terminal"
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn a_key_of_somebody_else_makes_no_package() {
    let scratch = Scratch::new();
    let (kept, output) = (scratch.path().join("kept"), scratch.path().join("package"));
    fs::create_dir(&kept).unwrap();
    for name in ["ringcopy.cer", "ringcopy.key"] {
        fs::copy(MADE.folder("kept").join(name), kept.join(name)).unwrap();
    }
    let key = kept.join("ringcopy.key").display().to_string();
    let _ = openssl(&["genpkey", "-algorithm", "RSA", "-out", &key]);
    let said = made_with(&kept, &output).unwrap_err();
    assert!(
        said.contains("ringcopy.key is not the key of ringcopy.cer"),
        "{said}"
    );
    assert!(!output.exists());
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn no_key_is_kept_in_the_tree_or_in_the_package() {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let scratch = Scratch::new();
    let output = scratch.path().join("package");
    for (kept, expected) in [
        (
            tree.join("keys-of-a-test"),
            "is in a git working tree and not ignored",
        ),
        (output.join("keys"), "in the package's own folder"),
    ] {
        let said = made_with(&kept, &output).unwrap_err();
        assert!(said.contains(expected), "{said}");
        assert!(said.contains("--certificate"), "{said}");
        assert!(!kept.exists());
        assert!(!output.exists());
    }
}
