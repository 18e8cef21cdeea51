//! Compiles the driver, whose folder `SAMPLE` names.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=SAMPLE");
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
            .include("SHARED")
            // They are for the sample's authors.
            .warnings(false)
            .flag("-Wno-everything");
    })?;
    Ok(())
}
