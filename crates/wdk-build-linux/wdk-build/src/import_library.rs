//! Makes import libraries, such as `ntoskrnl.lib`, from lists of names.

use crate::{ConfigError, IoError};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Makes `folder/NAME.lib` from `import-libraries/NAME.def`.
///
/// # Errors
///
/// If `llvm-dlltool` is missing or refuses the list.
pub(crate) fn make(name: &str, folder: &Path) -> Result<(), ConfigError> {
    let definition = definition(name);
    println!("cargo::rerun-if-changed={}", definition.display());

    let output = Command::new("llvm-dlltool")
        .args(["--machine", "i386:x86-64", "--input-def"])
        .arg(&definition)
        .arg("--output-lib")
        .arg(folder.join(name).with_extension("lib"))
        .output()
        .map_err(|source| IoError::with_path("llvm-dlltool", source))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(ConfigError::ImportLibrary {
            definition,
            message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }
}

/// The list of names of the library `name`.
fn definition(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("import-libraries")
        .join(name)
        .with_extension("def")
}
