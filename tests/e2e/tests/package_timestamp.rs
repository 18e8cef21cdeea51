//! A package with time stamps of a local authority: whether independent programs accept the stamps, and
//! the state of a folder after the authority has refused.

#![forbid(unsafe_code)]

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

use ringcopy_tests::{
    package::{FILES, Package, lasting_folder, make},
    test_authority::Authority,
};
use tempfile::tempdir;

const YEAR: u64 = 365 * 24 * 60 * 60;

/// The authority, and the folder of a package with its stamps.
static STAMPED: LazyLock<(Authority, PathBuf)> = LazyLock::new(|| {
    let lasting = |name| lasting_folder(&Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
    let authority = Authority::start("sha256", &lasting("authority"));
    let folder = lasting("stamped");
    let output = folder.display().to_string();
    make(&["--output", &output, "--timestamp", &authority.url()]).unwrap();
    (authority, folder)
});

fn stamped() -> Package {
    Package::at(STAMPED.1.clone())
}

/// Returns the results of osslsigncode for each signature of the stamped package, with `root` as the
/// root of authorities.
fn verified(root: &str, options: &[&str]) -> [Result<String, String>; 3] {
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
fn every_signature_has_a_valid_stamp() {
    for result in verified(&STAMPED.0.root(), &[]) {
        let output = result.unwrap();
        assert!(output.contains("ringcopy tests authority"), "{output}");
        assert!(
            output.contains("Timestamp Server Signature verification: ok"),
            "{output}"
        );
    }
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn another_root_does_not_verify_the_stamps() {
    let folder = tempdir().unwrap();
    let other = Authority::start("sha256", folder.path());
    for result in verified(&other.root(), &[]) {
        let output = result.unwrap_or_else(|output| output);
        assert!(
            output.contains("Timestamp Server Signature verification: failed"),
            "{output}"
        );
    }
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn stamped_signatures_outlive_the_certificate() {
    for years in [0, 2] {
        for result in verified(&STAMPED.0.root(), &["-time", &years_from_now(years)]) {
            assert!(result.is_ok(), "in {years} years: {result:?}");
        }
    }
    // Not without the stamp.
    let time = years_from_now(2);
    for result in verified(&STAMPED.0.root(), &["-ignore-timestamp", "-time", &time]) {
        assert!(result.is_err(), "{result:?}");
    }
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn the_readme_mentions_the_stamps() {
    let mentions = |package: Package| package.readme().contains("stamped with the time");
    assert!(mentions(stamped()));
    assert!(!mentions(Package::built()));
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn without_a_stamp_no_package_is_made_and_none_is_lost() {
    // It refuses other hashes.
    let folder = tempdir().unwrap();
    let refusing = Authority::start("sha512", folder.path());
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let absent = format!("http://{}/", closed.local_addr().unwrap());
    drop(closed);
    for (url, expected) in [
        (refusing.url(), "it does not know the hash"),
        (absent, "no response came"),
    ] {
        let (before, package) = (Package::built(), Package::built().copied());
        let output = package.folder().display().to_string();
        let error = make(&["--output", &output, "--timestamp", &url]).unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("name another authority"), "{error}");
        for name in FILES {
            assert!(package.read(name) == before.read(name), "{name}");
        }
        assert_eq!(fs::read_dir(package.folder()).unwrap().count(), FILES.len());

        let scratch = tempdir().unwrap();
        let output = scratch.path().join("deep/package");
        let output = output.display().to_string();
        assert!(make(&["--output", &output, "--timestamp", &url]).is_err());
        assert!(fs::read_dir(scratch.path()).unwrap().next().is_none());
    }
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn a_bad_address_is_refused_at_once() {
    let scratch = tempdir().unwrap();
    let output = scratch.path().display().to_string();
    let error = make(&["--output", &output, "--timestamp", "https://127.0.0.1/"]).unwrap_err();
    assert!(error.contains("begins with http://"), "{error}");
    assert!(fs::read_dir(scratch.path()).unwrap().next().is_none());
}
