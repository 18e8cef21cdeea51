//! Packages from folders with unusual names, and with variables that a user has set for other uses of
//! the same programs.

#![forbid(unsafe_code)]

use std::{fs, path::Path, process::Command};

use ringcopy_tests::{
    package::{Package, make_with, unsigned},
    xtask,
};
use tempfile::tempdir;

/// Variables each of which changes a build or a program, or makes it fail.
const VARIABLES: [(&str, &str); 12] = [
    ("CARGO_BUILD_TARGET", "nowhere"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    ("CARGO_UNSTABLE_BUILD_STD", "nothing"),
    ("CFLAGS", "--nonsense"),
    ("CC_x86_64_pc_windows_msvc", "/nowhere/cc"),
    ("GIT_DIR", "/nowhere"),
    ("LC_ALL", "de_DE.ISO-8859-1"),
    ("RUSTC", "/nowhere/rustc"),
    ("RUSTFLAGS", "--nonsense"),
    ("BINDGEN_EXTRA_CLANG_ARGS", "--nonsense"),
    ("TMPDIR", "nowhere"),
    ("WINEARCH", "win32"),
];

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn variables_of_the_user_do_not_change_the_package() {
    let scratch = tempdir().unwrap();
    let output = scratch.path().join("package");
    make_with(&VARIABLES, &["--output", &output.display().to_string()]).unwrap();
    let (package, built) = (Package::at(output), Package::built());
    for name in ["ringcopy.sys", "ringcopy.exe"] {
        assert!(
            unsigned(&package.read(name)) == unsigned(&built.read(name)),
            "{name}"
        );
    }
}

/// Returns the symbol by which the members of an import library refer to each other.
fn head(library: &Path) -> Vec<u8> {
    const HEAD: &[u8] = b"_head_";
    let bytes = fs::read(library).unwrap_or_else(|error| panic!("{}: {error}", library.display()));
    let at = bytes
        .windows(HEAD.len())
        .position(|window| window == HEAD)
        .expect("a head");
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
    bytes[at..].iter().take_while(is_name).copied().collect()
}

#[test]
#[ignore = "needs mingw-w64's tools: cargo xtask test runs it"]
fn import_libraries_are_made_in_any_folder() {
    let scratch = tempdir().unwrap();
    let heads = ["one & other, Übung", "another one"].map(|name| {
        let folder = scratch.path().join(name);
        fs::create_dir(&folder).unwrap();
        let path = |file: &str| folder.join(file).display().to_string();
        let (definition, library) = (path("a.dll.def"), path("a.dll.lib"));
        fs::write(&definition, "EXPORTS\nAFunction\n").unwrap();
        // The arguments of rustc.
        let output = Command::new(xtask())
            .env("RINGCOPY_XTASK_ROLE", "dlltool")
            .args(["-d", &definition, "-D", "a.dll", "-l", &library])
            .args(["-m", "i386:x86-64", "-f", "--64", "--no-leading-underscore"])
            .args(["--temp-prefix", &path("a.dll")])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        head(library.as_ref())
    });
    // A program can be linked with both.
    assert_ne!(heads[0], heads[1]);
}
