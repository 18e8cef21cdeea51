//! Microsoft's library of accessors, of which the crate declares functions for its feature `umaccess`.

use super::kit::Kit;
use anyhow::{Context as _, Result, ensure};
use fs_err as fs;
use object::read::archive::ArchiveFile;
use std::collections::HashSet;

/// The file with the declarations.
const DECLARATIONS: &str = include_str!("../../../usermode-accessors/src/umaccess.rs");

/// Prints the path of the kit's library, if it has one. Ends with a sentence if a function is not in it.
pub fn report(kit: &Kit) -> Result<()> {
    let Some(library) = kit.kernel_library("umaccess.lib") else {
        println!("note: this kit has no umaccess.lib, for the accessors' feature umaccess");
        return Ok(());
    };
    let missing = missing(&fs::read(&library)?)
        .with_context(|| format!("{} is no library", library.display()))?;
    ensure!(
        missing.is_empty(),
        "{} lacks functions that the accessors declare: {}",
        library.display(),
        missing.join(", ")
    );
    println!("{}", library.display());
    Ok(())
}

fn declared() -> impl Iterator<Item = &'static str> {
    DECLARATIONS.lines().filter_map(|line| {
        let declaration = line.strip_prefix("    fn ")?;
        Some(declaration.split_once('(')?.0)
    })
}

/// Returns the declared functions that the library does not define.
fn missing(library: &[u8]) -> Result<Vec<&'static str>> {
    let archive = ArchiveFile::parse(library)?;
    let symbols = archive.symbols()?.context("it lists no symbols")?;
    let defined = symbols
        .map(|symbol| Ok(symbol?.name()))
        .collect::<Result<HashSet<&[u8]>>>()?;
    Ok(declared()
        .filter(|name| !defined.contains(name.as_bytes()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a library that consists of its list of symbols: a header of 60 characters, their number, the
    /// offsets of their objects, and their names.
    ///
    /// Source: "Archive (Library) File Format", PE format, Microsoft documentation.
    fn library<'n>(names: impl Iterator<Item = &'n str>) -> Vec<u8> {
        let names: Vec<&str> = names.collect();
        let mut body = u32::try_from(names.len()).unwrap().to_be_bytes().to_vec();
        body.extend(names.iter().flat_map(|_| 8_u32.to_be_bytes()));
        body.extend(
            names
                .iter()
                .flat_map(|name| [name.as_bytes(), &[0]].concat()),
        );
        if body.len() % 2 != 0 {
            body.push(0);
        }
        let header = format!(
            "!<arch>\n{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
            "/",
            0,
            "",
            "",
            0,
            body.len()
        );
        [header.into_bytes(), body].concat()
    }

    #[test]
    fn a_function_that_the_library_lacks_is_named() {
        assert_eq!(missing(&library(declared())).unwrap(), [""; 0]);
        let others = declared().filter(|name| *name != "FillUserMemory");
        let others = library(others.chain(["SomethingElse"]));
        assert_eq!(missing(&others).unwrap(), ["FillUserMemory"]);
        assert!(missing(b"no library").is_err());
    }

    #[test]
    fn the_declarations_are_found() {
        let names: Vec<&str> = declared().collect();
        assert_eq!(names.first(), Some(&"CopyFromUser"));
        assert_eq!(names.last(), Some(&"WideStringLengthFromUser"));
    }
}
