//! What becomes of a package where the checkout lies in an odd folder, or its user has set variables
//! for other uses of the programs that make it.

#![forbid(unsafe_code)]

use std::{fs, path::Path, process::Command};

use ringcopy_tests::{
    package::{Package, Scratch, make_with, unsigned},
    xtask,
};

/// Each of these alone makes a build or a program fail, or do something else, if it gets there.
const ASTRAY: [(&str, &str); 12] = [
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
fn f4_variables_of_the_user_do_not_change_the_package() {
    let scratch = Scratch::new();
    let output = scratch.path().join("package");
    make_with(&ASTRAY, &["--output", &output.display().to_string()]).unwrap();
    let (package, built) = (Package::at(output), Package::built());
    for name in ["ringcopy.sys", "ringcopy.exe"] {
        assert!(
            unsigned(&package.read(name)) == unsigned(&built.read(name)),
            "{name}"
        );
    }
}

/// The symbol by which the members of an import library find each other.
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
fn f1_import_libraries_are_made_in_any_folder() {
    let scratch = Scratch::new();
    let heads = ["one & other, Übung", "another one"].map(|name| {
        let folder = scratch.path().join(name);
        fs::create_dir(&folder).unwrap();
        let path = |file: &str| folder.join(file).display().to_string();
        let (definition, library) = (path("a.dll.def"), path("a.dll.lib"));
        fs::write(&definition, "EXPORTS\nAFunction\n").unwrap();
        // As rustc asks for it.
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
    // A program that is linked with both has to tell them apart.
    assert_ne!(heads[0], heads[1]);
}
