//! Each file of `does_not_compile` has a mistake that must not compile, and says in its first line with
//! which error. The lines that the compiler adds to an error change with its version, and are not
//! compared. And two versions of the crate in one program: cargo must refuse them.
#![cfg(not(windows))]

use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

const CRATE: &str = env!("CARGO_MANIFEST_DIR");

/// Writes a package into a folder for tests, and returns the folder. The versions of dependencies are
/// those of the workspace.
fn package(name: &str, manifest: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join("src/lib.rs"), "").unwrap();
    let header = format!("[package]\nname = '{name}'\nedition = '2024'\nversion = '99.0.0'\n");
    fs::write(folder.join("Cargo.toml"), format!("{header}{manifest}")).unwrap();
    let locked = Path::new(CRATE).join("../../Cargo.lock");
    if locked.exists() {
        fs::copy(locked, folder.join("Cargo.lock")).unwrap();
    }
    folder
}

fn cargo(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env::var_os("CARGO").unwrap())
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .output()
        .unwrap()
}

/// Returns the first error of each target, with its code.
fn errors(messages: &[u8]) -> BTreeMap<String, String> {
    let mut errors = BTreeMap::new();
    for line in messages.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Value>(line) else {
            continue;
        };
        let (target, error) = (&message["target"]["name"], &message["message"]);
        if error["level"] != "error" {
            continue;
        }
        let code = error["code"]["code"].as_str().unwrap_or_default();
        let text = error["message"].as_str().unwrap();
        errors
            .entry(target.as_str().unwrap().to_owned())
            .or_insert_with(|| format!("error[{code}]: {text}"));
    }
    errors
}

#[test]
fn every_mistake_is_an_error_with_its_message() {
    let cases = Path::new(CRATE).join("tests/does_not_compile");
    let mut expected = BTreeMap::new();
    let mut manifest = format!(
        "[dependencies]\nusermode-accessors = {{ path = '{CRATE}' }}\n\
         zerocopy = {{ version = '0.8', features = ['derive'] }}\n[workspace]\n"
    );
    for case in fs::read_dir(cases).unwrap() {
        let path = case.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let error = text.lines().next().unwrap().strip_prefix("// ").unwrap();
        write!(
            manifest,
            "[[example]]\nname = '{name}'\npath = '{}'\ncrate-type = ['lib']\n",
            path.display()
        )
        .unwrap();
        expected.insert(name, error.to_owned());
    }
    let folder = package("mistakes", &manifest);
    // A build, because an error of constant evaluation needs code.
    let output = cargo(
        &folder,
        &[
            "build",
            "--offline",
            "--examples",
            "--keep-going",
            "--message-format=json",
        ],
    );
    let errors = errors(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.is_empty(), "{stderr}");
    assert_eq!(errors, expected);
}

#[test]
fn two_versions_in_one_program_are_refused_in_a_sentence() {
    let other = package(
        "usermode-accessors",
        "links = 'usermode_accessors'\n[workspace]\n",
    );
    fs::write(other.join("build.rs"), "fn main() {}").unwrap();
    let both = format!(
        "[dependencies]\nusermode-accessors = {{ path = '{CRATE}' }}\n\
         other = {{ package = 'usermode-accessors', path = '{}' }}\n[workspace]\n",
        other.display()
    );
    let folder = package("two-versions", &both);
    let output = cargo(&folder, &["generate-lockfile", "--offline"]);
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    let sentence = "links to the native library `usermode_accessors`";
    assert!(stderr.contains(sentence), "{stderr}");
}
