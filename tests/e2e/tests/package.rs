//! The package for a Windows test machine: its signatures and its catalog, checked by independent
//! programs, and whether one commit makes one package.

#![forbid(unsafe_code)]

use std::{env, fs};

use object::{
    LittleEndian as LE,
    read::pe::{ImageNtHeaders, ImageOptionalHeader, PeFile64},
};
use ringcopy_tests::{
    inf::Inf,
    package::{FILES, Package, authenticode_digest, osslsigncode, unsigned},
    traces,
};

/// Parts of Windows 10.
const SYSTEM_LIBRARIES: [&str; 11] = [
    "advapi32.dll",
    "api-ms-win-core-winrt-error-l1-1-0.dll",
    "bcrypt.dll",
    "kernel32.dll",
    "ktmw32.dll",
    "msvcrt.dll",
    "ntdll.dll",
    "oleaut32.dll",
    "psapi.dll",
    "userenv.dll",
    "ws2_32.dll",
];

const YEAR: u64 = 365 * 24 * 60 * 60;

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn holds_its_files_and_no_others() {
    let package = Package::built();
    let mut found: Vec<String> = fs::read_dir(package.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let mut expected = FILES.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn images_are_signed_with_the_test_certificate() {
    let package = Package::built();
    for name in ["ringcopy.sys", "ringcopy.exe"] {
        let verified = package.verify(name, &[]);
        assert!(verified.is_ok(), "{name}: {verified:?}");
    }
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn checksums_are_those_of_the_files() {
    let package = Package::built();
    for name in ["ringcopy.sys", "ringcopy.exe"] {
        // The checksum in the file, the calculated one, or both, depending on its version.
        let output = package.verify(name, &[]).unwrap();
        let mut sums: Vec<&str> = output
            .lines()
            .filter_map(|line| line.split_once("PE checksum"))
            .filter_map(|(_, sum)| sum.split_once(": "))
            .map(|(_, sum)| sum.trim())
            .collect();
        sums.dedup();
        assert_eq!(sums.len(), 1, "{name}: {sums:?}");
    }
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn the_catalog_is_signed_and_lists_the_driver() {
    let package = Package::built();
    let catalog = package.path("ringcopy.cat");
    let verified = package.verify("ringcopy.sys", &["-catalog", &catalog]);
    assert!(verified.is_ok(), "{verified:?}");
    // The client is no part of the driver package, so it is not in the catalog.
    let unlisted = package.verify("ringcopy.exe", &["-catalog", &catalog]);
    assert!(unlisted.is_err(), "{unlisted:?}");
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn the_catalog_knows_each_file_by_its_hashes() {
    let package = Package::built();
    let driver = package.read("ringcopy.sys");
    let mut expected: Vec<String> = ["sha1", "sha256"]
        .into_iter()
        .flat_map(|hash| {
            [
                package.file_digest("ringcopy.inf", hash),
                authenticode_digest(&driver, hash),
            ]
        })
        .collect();
    expected.sort();
    let members = package.catalog_members();
    assert_eq!(members, expected, "sorted, and complete");

    // osslsigncode calculates the same hash.
    let output = package.verify("ringcopy.sys", &[]).unwrap();
    let calculated = output
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(what, _)| what.trim() == "Calculated message digest")
        .map(|(_, digest)| digest.trim())
        .unwrap();
    assert!(members.iter().any(|member| member == calculated));
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn the_catalog_names_its_files_and_windows() {
    let catalog = Package::built().read("ringcopy.cat");
    // `File` and `OSAttr` as `inf2cat` writes them, for both hashes of each file, and `OS` of the
    // package. Values are UTF-16 with a terminator.
    for (value, times) in [
        ("ringcopy.sys", 2),
        ("ringcopy.inf", 2),
        ("2:10.0", 4),
        ("_v100_X64", 1),
    ] {
        let value_bytes: Vec<u8> = value
            .encode_utf16()
            .chain([0])
            .flat_map(u16::to_le_bytes)
            .collect();
        let found = catalog
            .windows(value_bytes.len())
            .filter(|window| *window == value_bytes)
            .count();
        assert_eq!(found, times, "{value}");
    }
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn the_certificate_is_for_signing_code_and_for_nothing_else() {
    let package = Package::built();
    // Without `-nameopt`, spaces in names depend on openssl's version.
    let text = package.openssl("x509 -inform DER -noout -text -nameopt RFC2253 -in ringcopy.cer");
    for part in [
        "Subject: CN=ringcopy test signing",
        "Issuer: CN=ringcopy test signing",
        "Public-Key: (2048 bit)",
        "Signature Algorithm: sha256WithRSAEncryption",
        "Code Signing",
        "CA:FALSE",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    // Both signatures have this certificate and no other.
    let own = package.openssl("x509 -inform DER -noout -serial -in ringcopy.cer");
    let in_catalog = package.openssl("pkcs7 -inform DER -print_certs -in ringcopy.cat");
    assert_eq!(in_catalog.matches("BEGIN CERTIFICATE").count(), 1);
    let serial = own.trim().strip_prefix("serial=").unwrap();
    let output = package.verify("ringcopy.sys", &[]).unwrap();
    assert!(output.contains(&format!("Serial : {serial}")), "{output}");
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn every_kind_of_changed_byte_in_the_driver_is_noticed() {
    let package = Package::built().copied();
    let path = package.path("ringcopy.sys");
    let original = fs::read(&path).unwrap();
    let signature = unsigned(&original).len();
    let catalog = package.path("ringcopy.cat");
    // In the DOS header, in the first section, at the end of what is hashed; in the signature.
    for (at, in_catalog) in [
        (2, true),
        (0x400 + 16, true),
        (signature - 1, true),
        (original.len() - 300, false),
    ] {
        let mut changed = original.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert!(package.verify("ringcopy.sys", &[]).is_err(), "byte {at}");
        if in_catalog {
            let listed = package.verify("ringcopy.sys", &["-catalog", &catalog]);
            assert!(listed.is_err(), "byte {at}");
        }
    }
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn a_changed_byte_of_the_inf_is_in_no_catalog() {
    let package = Package::built().copied();
    let path = package.path("ringcopy.inf");
    let hash = || package.file_digest("ringcopy.inf", "sha256");
    let members = package.catalog_members();
    assert!(members.contains(&hash()));
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(!members.contains(&hash()));
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn a_changed_byte_of_the_catalog_is_noticed() {
    let package = Package::built().copied();
    let path = package.path("ringcopy.cat");
    let original = fs::read(&path).unwrap();
    let listing = package.catalog();
    // The date of the list, which is in no member.
    let date = listing
        .lines()
        .find(|line| line.contains("UTCTIME"))
        .and_then(|line| line.trim_start().split(':').next())
        .unwrap();
    let mut changed = original;
    changed[date.parse::<usize>().unwrap() + 2 + 5] ^= 1;
    fs::write(&path, changed).unwrap();
    let verified = package.verify("ringcopy.sys", &["-catalog", &path]);
    assert!(verified.is_err(), "{verified:?}");
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn an_expired_certificate_is_noticed() {
    let package = Package::built();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    for (time, valid) in [
        (now, true),
        (now + YEAR - 3600 * 24, true),
        (now + YEAR + 3600 * 24, false),
        (now - YEAR, false),
    ] {
        let verified = package.verify("ringcopy.sys", &["-time", &time.to_string()]);
        assert_eq!(verified.is_ok(), valid, "at {time}: {verified:?}");
    }
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn another_packages_certificate_is_not_accepted() {
    let (package, other) = (Package::built(), Package::built_again());
    let certificate = other.certificate();
    let verified = osslsigncode(&[
        "verify",
        "-CAfile",
        &certificate,
        "-in",
        &package.path("ringcopy.sys"),
    ]);
    assert!(verified.is_err(), "{verified:?}");
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn two_packages_of_one_commit_differ_in_signatures_alone() {
    let (first, second) = (Package::built(), Package::built_again());
    let both = |name: &str| [&first, &second].map(|package| package.read(name));
    for name in ["ringcopy.inf", "README.txt"] {
        let [one, other] = both(name);
        assert!(one == other, "{name} differs");
    }
    // The second's driver was built in another folder.
    for name in ["ringcopy.sys", "ringcopy.exe"] {
        let [one, other] = both(name);
        assert!(one != other, "{name} has the same signature twice");
        assert!(unsigned(&one) == unsigned(&other), "{name} differs");
    }
    assert!(
        first.trust_list() == second.trust_list(),
        "the catalogs differ in what is signed"
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn programs_name_no_folders_of_the_machine_that_built_them() {
    let package = Package::built();
    let tree = ringcopy_tests::tree();
    let folders = traces::folders(tree, |name| env::var(name).ok());
    for name in FILES {
        let found = traces::found(&folders, &package.read(name));
        assert_eq!(found, None, "stands in {name}");
    }
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn the_client_needs_no_other_files() {
    let bytes = Package::built().read("ringcopy.exe");
    let image = PeFile64::parse(&*bytes).expect("a PE32+ program");
    let imports = image.import_table().unwrap().expect("imports");
    let mut descriptors = imports.descriptors().unwrap();
    while let Some(descriptor) = descriptors.next().unwrap() {
        let library = imports.name(descriptor.name.get(LE)).unwrap();
        let library = String::from_utf8_lossy(library).to_ascii_lowercase();
        assert!(
            SYSTEM_LIBRARIES.contains(&library.as_str()),
            "it imports from {library}"
        );
    }
    let version = image
        .nt_headers()
        .optional_header()
        .major_subsystem_version();
    assert!(version <= 6, "it wants Windows {version}");
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn the_readme_is_complete() {
    let package = Package::built();
    let text = package.readme();
    for word in FILES.iter().filter(|name| **name != "README.txt").chain(&[
        "ringcopy install",
        "ringcopy uninstall",
        "ringcopy vm-test",
        "ringcopy doctor",
        "bcdedit /set testsigning on",
        "bcdedit /set testsigning off",
        "verifier /reset",
        "snapshot",
        "Secure Boot",
        "Memory integrity",
    ]) {
        assert!(text.contains(word), "{word} is not mentioned");
    }
    let inf = Inf::parse(&String::from_utf8(package.read("ringcopy.inf")).unwrap()).unwrap();
    let version = inf.directive("Version", "DriverVer").unwrap().value(1);
    let version = version.strip_suffix(".0").unwrap();
    assert!(text.starts_with(&format!("ringcopy {version} (")));
}
