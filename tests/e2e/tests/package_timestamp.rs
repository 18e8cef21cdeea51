//! A package whose signatures are stamped with the time, by an authority that runs here: whether
//! other people's tools believe the stamps; and what is left when the authority refuses.

#![forbid(unsafe_code)]

use std::{
    fs,
    net::TcpListener,
    path::Path,
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

use ringcopy_tests::{
    authority::Authority,
    package::{FILES, Package, Scratch, make},
};

const YEAR: u64 = 365 * 24 * 60 * 60;

/// One that is made for all tests of this file, and who stamped it.
static STAMPED: LazyLock<(Authority, Scratch)> = LazyLock::new(|| {
    let lasting = |name| Scratch::lasting(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
    let authority = Authority::at("sha256", lasting("authority"));
    let folder = lasting("stamped");
    let output = folder.path().display().to_string();
    make(&["--output", &output, "--timestamp", &authority.url()]).unwrap();
    (authority, folder)
});

fn stamped() -> Package {
    Package::at(STAMPED.1.path().to_owned())
}

/// What osslsigncode says of each signature of the stamped package, by the authorities under
/// `root`.
fn verdicts(root: &str, options: &[&str]) -> [Result<String, String>; 3] {
    let package = stamped();
    let catalog = package.path("ringcopy.cat");
    let options = [["-TSA-CAfile", root].as_slice(), options].concat();
    let listed = [options.as_slice(), &["-catalog", &catalog]].concat();
    [
        package.verify("ringcopy.sys", &options),
        package.verify("ringcopy.exe", &options),
        package.verify("ringcopy.sys", &listed),
    ]
}

fn years_from_now(years: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    (now.as_secs() + years * YEAR).to_string()
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn every_signature_has_a_stamp_that_others_believe() {
    for said in verdicts(&STAMPED.0.root(), &[]) {
        let said = said.unwrap();
        assert!(said.contains("ringcopy tests authority"), "{said}");
        assert!(
            said.contains("Timestamp Server Signature verification: ok"),
            "{said}"
        );
    }
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn another_root_does_not_vouch_for_the_stamps() {
    let other = Authority::for_hashes("sha256");
    for said in verdicts(&other.root(), &[]) {
        let said = said.unwrap_or_else(|said| said);
        assert!(
            said.contains("Timestamp Server Signature verification: failed"),
            "{said}"
        );
    }
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn stamped_signatures_outlive_the_certificate() {
    for years in [0, 2] {
        for said in verdicts(&STAMPED.0.root(), &["-time", &years_from_now(years)]) {
            assert!(said.is_ok(), "in {years} years: {said:?}");
        }
    }
    // It is the stamp that makes the difference.
    let time = years_from_now(2);
    for said in verdicts(&STAMPED.0.root(), &["-ignore-timestamp", "-time", &time]) {
        assert!(said.is_err(), "{said:?}");
    }
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn the_readme_tells_of_the_stamps() {
    let told = |package: Package| {
        let text = String::from_utf8(package.read("README.txt")).unwrap();
        assert!(
            text.lines().all(|line| line.len() <= 80),
            "a line is wider than a terminal"
        );
        text.contains("stamped with the time")
    };
    assert!(told(stamped()));
    assert!(!told(Package::built()));
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn without_a_stamp_no_package_is_made_and_none_is_lost() {
    // openssl refuses what it is not told to stamp.
    let refusing = Authority::for_hashes("sha512");
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let nobody = format!("http://{}/", closed.local_addr().unwrap());
    drop(closed);
    for (url, expected) in [
        (refusing.url(), "it does not know the hash"),
        (nobody, "no answer came"),
    ] {
        let (before, package) = (Package::built(), Package::built().copied());
        let output = package.folder().display().to_string();
        let said = make(&["--output", &output, "--timestamp", &url]).unwrap_err();
        assert!(said.contains(expected), "{said}");
        assert!(said.contains("name another authority"), "{said}");
        for name in FILES {
            assert!(package.read(name) == before.read(name), "{name}");
        }
        assert_eq!(fs::read_dir(package.folder()).unwrap().count(), FILES.len());

        let scratch = Scratch::new();
        let absent = scratch.path().join("deep/package");
        let output = absent.display().to_string();
        assert!(make(&["--output", &output, "--timestamp", &url]).is_err());
        assert!(fs::read_dir(scratch.path()).unwrap().next().is_none());
    }
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn what_is_no_address_is_refused_at_once() {
    let scratch = Scratch::new();
    let output = scratch.path().display().to_string();
    let said = make(&["--output", &output, "--timestamp", "https://127.0.0.1/"]).unwrap_err();
    assert!(said.contains("begins with http://"), "{said}");
    assert!(fs::read_dir(scratch.path()).unwrap().next().is_none());
}
