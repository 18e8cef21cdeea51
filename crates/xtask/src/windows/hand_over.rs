//! What Linux hands over to a Windows machine: one folder, with a layout that both sides know.

use super::compare::structures;
use crate::{accessors, package, paths, wine};
use anyhow::{Context as _, Result, ensure};
use fs_err as fs;
use std::path::{Path, PathBuf};

/// The package, as on a test machine.
pub const PACKAGE: &str = "package";

/// The accessors' Windows test programs.
pub const PROGRAMS: &str = "accessors";

/// The counts of cases under Wine.
pub const COUNTS: &str = "accessor-matrix.tsv";

/// The sizes and offsets of the structures that the driver is built with.
pub const STRUCTURES: &str = "structures.tsv";

/// Fills `output` from the last `cargo xtask test`, and with a package of this tree.
pub fn make(output: &Path) -> Result<()> {
    let output = std::path::absolute(output)?;
    let programs = output.join(PROGRAMS);
    fs::create_dir_all(&programs)?;
    package::run(Some(&output.join(PACKAGE)), &package::Signing::default())?;
    let ran =
        wine::tests_that_ran().context("Wine has run no tests here; run: cargo xtask wine-test")?;
    ensure!(
        !ran.is_empty(),
        "Wine has run no tests here; run: cargo xtask wine-test"
    );
    for program in &ran {
        let name = program.file_name().unwrap_or_default();
        fs::copy(program, programs.join(name))?;
    }
    fs::copy(accessors::figures(), output.join(COUNTS))?;
    let bindings = structures::newest_bindings(&paths::target().join("windows"))?;
    let structures = structures::of_bindings(&fs::read_to_string(bindings)?);
    fs::write(output.join(STRUCTURES), structures::table(&structures))?;
    println!("{}", output.display());
    Ok(())
}

/// Returns the programs of a folder, in the order of their names.
pub fn programs(hand_over: &Path) -> Result<Vec<PathBuf>> {
    let folder = hand_over.join(PROGRAMS);
    let mut programs = fs::read_dir(&folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    programs.retain(|path| path.extension().is_some_and(|extension| extension == "exe"));
    programs.sort();
    ensure!(!programs.is_empty(), "{} has no program", folder.display());
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use super::{PROGRAMS, programs};
    use fs_err as fs;

    #[test]
    fn programs_are_found_in_their_order_and_a_folder_without_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join(PROGRAMS);
        assert!(programs(folder.path()).is_err(), "there is no folder");
        fs::create_dir(&inside).unwrap();
        fs::write(inside.join("a.log"), "").unwrap();
        let refused = programs(folder.path()).unwrap_err().to_string();
        assert!(refused.ends_with("has no program"), "{refused}");
        for name in ["b.exe", "a.exe"] {
            fs::write(inside.join(name), "").unwrap();
        }
        let found = programs(folder.path()).unwrap();
        assert_eq!(found, ["a.exe", "b.exe"].map(|name| inside.join(name)));
    }
}
