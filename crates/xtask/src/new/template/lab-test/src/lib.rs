//! Builds the driver, and runs it in the lab of ringcopy: `cargo lab`, in the driver's folder.

#![forbid(unsafe_code)]
#![cfg(test)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The folder of the driver.
fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs cargo in `folder`. Fails with its output if it fails.
fn cargo(folder: &Path, arguments: &[&str]) {
    let output = Command::new("cargo")
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("cargo starts");
    let text = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "cargo {arguments:?} in {}: {}\n{}",
        folder.display(),
        output.status,
        String::from_utf8_lossy(&text)
    );
}

/// Builds the driver. Returns its image, under the name that Windows expects.
fn image() -> PathBuf {
    cargo(&project(), &["on-linux"]);
    let built = project().join("target/x86_64-pc-windows-msvc/release/my_driver.dll");
    let image = built.with_file_name("my-driver.sys");
    fs::copy(&built, &image).expect("the driver was built");
    image.canonicalize().expect("a file")
}

/// The lab reports missing imports, a bug check, or what the driver left allocated, and then fails.
#[test]
fn the_lab_loads_and_unloads_the_driver() {
    let image = image();
    let tree = env::var_os("RINGCOPY").expect("RINGCOPY names a clone of ringcopy");
    cargo(
        Path::new(&tree),
        &["xtask", "lab", "--driver", image.to_str().expect("UTF-8")],
    );
}
