//! Packages that are signed with a kept certificate: whether a tester who trusts one of them trusts
//! the next; and where no key may be kept.

#![forbid(unsafe_code)]

use std::{fs, path::Path, sync::LazyLock};

use ringcopy_tests::package::{FILES, Package, Scratch, make, openssl, osslsigncode};

/// What is kept.
const PAIR: [&str; 2] = ["ringcopy.cer", "ringcopy.key"];

/// Two packages, and what was kept and signed both.
struct Made {
    packages: Scratch,
    pair: [Vec<u8>; 2],
}

static MADE: LazyLock<Made> = LazyLock::new(|| {
    let packages = Path::new(env!("CARGO_TARGET_TMPDIR")).join("signed-alike");
    let packages = Scratch::lasting(packages);
    // The key is in no folder that outlives this.
    let scratch = Scratch::new();
    let kept = scratch.path().join("kept");
    for name in ["one", "other"] {
        made_with(&kept, &packages.path().join(name)).unwrap();
    }
    Made {
        packages,
        pair: PAIR.map(|name| fs::read(kept.join(name)).unwrap()),
    }
});

impl Made {
    fn packages(&self) -> [Package; 2] {
        ["one", "other"].map(|name| Package::at(self.packages.path().join(name)))
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
    let scratch = Scratch::new();
    let paths = PAIR.map(|name| scratch.path().join(name));
    for (path, bytes) in paths.iter().zip(&MADE.pair) {
        fs::write(path, bytes).unwrap();
    }
    let [certificate, key] = paths.map(|path| path.display().to_string());
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
    fs::write(kept.join(PAIR[0]), &MADE.pair[0]).unwrap();
    let key = kept.join(PAIR[1]).display().to_string();
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
    let tree = ringcopy_tests::tree();
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
