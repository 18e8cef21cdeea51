//! Compiles the driver in the folder `SAMPLE`, with headers of its own and of the folder `SHARED`.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=SAMPLE");
    println!("cargo::rerun-if-env-changed=SHARED");
    let shared = env::var("SHARED")?;
    let folder = PathBuf::from(env::var("SAMPLE")?);
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "c") {
            files.push(path);
        }
    }
    wdk_build::configure_wdk_binary_build()?;
    wdk_build::compile_c("sample", files, |compiler| {
        compiler
            .include("headers")
            .include(folder)
            .include(shared)
            // They are for the sample's authors.
            .warnings(false)
            .flag("-Wno-everything");
    })?;
    Ok(())
}
