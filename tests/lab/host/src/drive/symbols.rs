//! The names of functions in an image, from the files that its linker wrote beside it: a PDB, or a map.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File},
    path::{Path, PathBuf},
};

use pdb_addr2line::{ContextPdbData, pdb::PDB};
use rustc_demangle::demangle;

/// Where the names of one image's functions are.
enum Source {
    Pdb(Box<ContextPdbData<'static, 'static, File>>),
    /// The start of each function, from the start of the image.
    Map(BTreeMap<u32, String>),
}

/// The names of functions in images.
#[derive(Default)]
pub(super) struct Symbols {
    /// By the name of the image, without its extension.
    sources: BTreeMap<String, Source>,
}

impl Symbols {
    /// Looks for a PDB or a map beside each image. A file that cannot be read gives no names.
    pub(super) fn beside(images: &[PathBuf]) -> Self {
        let named = images.iter().filter_map(|image| {
            let name = image.file_stem()?.to_str()?.to_owned();
            Some((name, source_of(image)?))
        });
        Self {
            sources: named.collect(),
        }
    }

    /// Adds the function to each place in a line that is written as `image+0x10`. The place after a
    /// call, as `is_return` says, may be the start of the next line or function.
    pub(super) fn annotate(&self, line: &str, is_return: bool) -> String {
        let mut annotated = String::new();
        for word in line.split_inclusive(|character: char| " ,()".contains(character)) {
            let place = word.trim_end_matches([' ', ',', '(', ')']);
            annotated.push_str(place);
            if let Some(function) = self.function_at(place, is_return) {
                // Writing to a string does not fail.
                let _ = write!(annotated, " [{function}]");
            }
            annotated.push_str(&word[place.len()..]);
        }
        annotated
    }

    fn function_at(&self, place: &str, is_return: bool) -> Option<String> {
        let (image, offset) = place.rsplit_once("+0x")?;
        let offset = u32::from_str_radix(offset, 16).ok()?;
        let offset = if is_return {
            offset.checked_sub(1)?
        } else {
            offset
        };
        match self.sources.get(image)? {
            Source::Pdb(data) => in_pdb(data, offset),
            Source::Map(functions) => {
                let (_, name) = functions.range(..=offset).next_back()?;
                Some(format!("{:#}", demangle(name)))
            }
        }
    }
}

/// Returns the file beside an image that has its name, in any case, and an extension.
fn beside(image: &Path, extension: &str) -> Option<PathBuf> {
    let name = image.with_extension(extension);
    let name = name.file_name()?;
    let folder = image.parent().filter(|folder| *folder != Path::new(""));
    let entries = fs::read_dir(folder.unwrap_or_else(|| Path::new("."))).ok()?;
    let mut files = entries.flatten();
    let found = files.find(|entry| entry.file_name().eq_ignore_ascii_case(name))?;
    Some(found.path())
}

fn source_of(image: &Path) -> Option<Source> {
    let pdb = beside(image, "pdb")
        .and_then(|path| File::open(path).ok())
        .and_then(|file| PDB::open(file).ok())
        .and_then(|pdb| ContextPdbData::try_from_pdb(pdb).ok());
    pdb.map(Box::new).map(Source::Pdb).or_else(|| {
        let map = fs::read_to_string(beside(image, "map")?).ok()?;
        Some(Source::Map(functions_of(&map)))
    })
}

/// Returns the function at an offset, with its place in the sources. Of functions that the compiler put
/// into others, the innermost comes first.
fn in_pdb(data: &ContextPdbData<'static, 'static, File>, offset: u32) -> Option<String> {
    let context = data.make_context().ok()?;
    let found = context.find_frames(offset).ok()??;
    // Rust's own library is rarely what was wrong.
    let is_own = |name: Option<&str>| {
        name.is_none_or(|name| !name.starts_with("core::") && !name.starts_with("alloc::"))
    };
    let has_own = found
        .frames
        .iter()
        .any(|frame| is_own(frame.function.as_deref()));
    let frames = found.frames.iter();
    let frames = frames.filter(|frame| !has_own || is_own(frame.function.as_deref()));
    let frames = frames.map(|frame| {
        let name = frame
            .function
            .as_deref()
            .unwrap_or("a function without a name");
        let name = format!("{:#}", demangle(name));
        let file = frame.file.as_deref();
        let file = file.map(|file| file.rsplit(['/', '\\']).next().unwrap_or(file));
        match (file, frame.line) {
            (Some(file), Some(line)) => format!("{name}, {file}:{line}"),
            _ => name,
        }
    });
    Some(frames.collect::<Vec<_>>().join(" in "))
}

/// Reads the functions of a linker's map, in Microsoft's form: section and offset, name, address.
fn functions_of(map: &str) -> BTreeMap<u32, String> {
    let base = map
        .lines()
        .find_map(|line| line.trim().strip_prefix("Preferred load address is "))
        .and_then(|base| u64::from_str_radix(base.trim(), 16).ok())
        .unwrap_or_default();
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let (section, _) = words.next()?.split_once(':')?;
        u16::from_str_radix(section, 16).ok()?;
        let name = words.next()?;
        let address = words.next().filter(|address| address.len() == 16)?;
        let address = u64::from_str_radix(address, 16).ok()?;
        let offset = u32::try_from(address.checked_sub(base)?).ok()?;
        Some((offset, name.to_owned()))
    };
    map.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = " it\n\n Preferred load address is 0000000180000000\n\n \
        Start         Length     Name                   Class\n \
        0001:00000000 00010657H .text                   CODE\n\n  \
        Address         Publics by Value              Rva+Base               Lib:Object\n\n \
        0001:00000000       first                      0000000180001000     a.o\n \
        0001:000000f0       _RNvCs1234_5crate6second   00000001800010f0     a.o\n";

    fn symbols() -> Symbols {
        let source = Source::Map(functions_of(MAP));
        Symbols {
            sources: BTreeMap::from([("it".to_owned(), source)]),
        }
    }

    #[test]
    fn each_place_gets_its_function() {
        let line = "  allocated by it+0x1004, other+0x10 < it+0x10f1 (it+0x2)";
        let expected =
            "  allocated by it+0x1004 [first], other+0x10 < it+0x10f1 [crate::second] (it+0x2)";
        assert_eq!(symbols().annotate(line, false), expected);
    }

    #[test]
    fn a_place_after_a_call_belongs_to_the_caller() {
        assert_eq!(
            symbols().annotate("from it+0x10f0", true),
            "from it+0x10f0 [first]"
        );
    }
}
