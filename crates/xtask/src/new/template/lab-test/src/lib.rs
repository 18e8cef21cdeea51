//! Builds the driver, and runs it in the lab of ringcopy: `cargo lab`, in the driver's folder.

#![forbid(unsafe_code)]
#![cfg(test)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What the lab prints for `steps.txt`, a line for each step, and two for one with output.
const EXPECTED: [&str; 6] = [
    "STATUS_SUCCESS",
    "STATUS_SUCCESS, 8 bytes",
    "00000000  06 00 00 00 00 00 00 00",
    "STATUS_BUFFER_TOO_SMALL",
    "STATUS_INVALID_DEVICE_REQUEST",
    "STATUS_SUCCESS",
];

/// The folder of the driver.
fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs cargo in `folder`. Returns what it prints. Fails with all of it if it fails.
fn cargo(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("cargo")
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("cargo starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "cargo {arguments:?} in {}: {}\n{text}{}",
        folder.display(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// Builds the driver. Returns its image, under the name that Windows expects.
fn image() -> PathBuf {
    cargo(&project(), &["on-linux"]);
    let built = project().join("target/x86_64-pc-windows-msvc/release/my_driver.dll");
    let image = built.with_file_name("my-driver.sys");
    fs::copy(&built, &image).expect("the driver was built");
    image.canonicalize().expect("a file")
}

/// The lab loads the driver, sends it the requests of `steps.txt` from a program of user mode, and unloads
/// it. It fails if an import is missing, a rule is broken, or something is left allocated.
#[test]
fn the_driver_serves_its_request_in_the_lab() {
    let tree = env::var_os("RINGCOPY").expect("RINGCOPY names a clone of ringcopy");
    let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join("steps.txt");
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let printed = cargo(
        Path::new(&tree),
        &[
            "xtask",
            "lab",
            "--driver",
            &text(&image()),
            "--script",
            &text(&steps),
        ],
    );
    let mut lines = printed.lines();
    for expected in EXPECTED {
        let is_found = lines.any(|line| line.ends_with(expected));
        assert!(is_found, "no {expected} in:\n{printed}");
    }
}
