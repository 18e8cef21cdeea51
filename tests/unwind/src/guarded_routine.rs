//! Reads the guarded routines from the object files of the library.

use object::{
    Object, ObjectSection, ObjectSymbol, RelocationTarget, Section, SectionIndex, SymbolKind,
    read::archive::ArchiveFile,
};
use std::collections::BTreeMap;

/// The prefix of the names of the accessors' functions in assembly.
pub const PREFIX: &str = "usermode_accessors_";

/// A function in assembly, with its unwind data.
#[derive(Clone, Debug)]
pub struct GuardedRoutine {
    /// The name of the symbol.
    pub name: String,
    /// The instructions. The unwind data gives their number.
    pub code: Vec<u32>,
    /// Unwind codes, with their padding.
    pub codes: Vec<u8>,
    /// For each epilogue the index of its codes, and its offset in bytes; `None` if it is at the end of
    /// the function.
    pub epilogues: Vec<(usize, Option<u32>)>,
    /// The name of the exception handler.
    pub handler: String,
    /// The scope table for the handler.
    pub scopes: Vec<Scope>,
}

/// An entry of the scope table. Offsets are in bytes from the start of the routine.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The first guarded instruction.
    pub begin: i64,
    /// The first instruction after the guarded ones.
    pub end: i64,
    /// The name of the filter.
    pub filter: String,
    /// The landing pad.
    pub target: i64,
}

/// A field of four bytes that a linker would complete.
struct Reference {
    section: Option<SectionIndex>,
    /// The offset in the section.
    offset: i64,
    /// The name of the symbol. It may be that of the section.
    symbol: String,
}

/// Returns every function with the [`PREFIX`] and unwind data, by name.
///
/// # Errors
///
/// Describes data that does not follow the format, or that the routines do not use.
pub fn all(library: &[u8]) -> Result<BTreeMap<String, GuardedRoutine>, String> {
    let archive = ArchiveFile::parse(library).map_err(|error| error.to_string())?;
    let mut routines = BTreeMap::new();
    for member in archive.members() {
        let member = member.map_err(|error| error.to_string())?;
        let data = member.data(library).map_err(|error| error.to_string())?;
        // Metadata is a member that is not an object file.
        let Ok(file) = object::File::parse(data) else {
            continue;
        };
        for section in file.sections().filter(|found| found.name() == Ok(".pdata")) {
            add(&file, &section, &mut routines)?;
        }
    }
    Ok(routines)
}

/// Returns the names of all functions in assembly, with unwind data or without.
///
/// # Errors
///
/// If the bytes are not a library.
pub fn names(library: &[u8]) -> Result<Vec<String>, String> {
    let archive = ArchiveFile::parse(library).map_err(|error| error.to_string())?;
    let mut names = Vec::new();
    for member in archive.members() {
        let member = member.map_err(|error| error.to_string())?;
        let data = member.data(library).map_err(|error| error.to_string())?;
        let Ok(file) = object::File::parse(data) else {
            continue;
        };
        names.extend(
            file.symbols()
                .filter(ObjectSymbol::is_definition)
                .filter_map(|symbol| symbol.name().ok())
                .filter(|name| name.starts_with(PREFIX))
                .map(str::to_owned),
        );
    }
    names.sort();
    Ok(names)
}

fn add(
    file: &object::File<'_>,
    functions: &Section<'_, '_>,
    routines: &mut BTreeMap<String, GuardedRoutine>,
) -> Result<(), String> {
    /// The size of an entry: the address of the function, and that of its unwind data.
    const ENTRY: u64 = 8;

    for offset in (0..functions.size()).step_by(8) {
        let function = reference(file, functions, offset)?;
        let name = name_at(file, &function)?;
        if !name.starts_with(PREFIX) {
            continue;
        }
        let data = reference(file, functions, offset + ENTRY / 2)
            .map_err(|error| format!("{name} has no unwind record: {error}"))?;
        let routine =
            read(file, &name, &function, &data).map_err(|error| format!("{name}: {error}"))?;
        if routines.insert(name.clone(), routine).is_some() {
            return Err(format!("{name} has two entries"));
        }
    }
    Ok(())
}

fn read(
    file: &object::File<'_>,
    name: &str,
    function: &Reference,
    data: &Reference,
) -> Result<GuardedRoutine, String> {
    let text = section_of(file, function)?;
    let records = section_of(file, data)?;
    let mut at = unsigned(data.offset)?;
    let header = word(&records, at)?;
    at += 4;
    if header >> 18 & 3 != 0 {
        return Err("unknown version".to_owned());
    }
    let (count, words) = (header >> 22 & 0x1F, header >> 27);
    if count == 0 && words == 0 {
        return Err("an extended header, for so small a function".to_owned());
    }
    let mut epilogues = Vec::new();
    if header >> 21 & 1 == 1 {
        epilogues.push((count as usize, None));
    } else {
        for _ in 0..count {
            let scope = word(&records, at)?;
            at += 4;
            epilogues.push(((scope >> 22) as usize, Some((scope & 0x3_FFFF) * 4)));
        }
    }
    let codes = bytes(&records, at, u64::from(words) * 4)?.to_vec();
    at += u64::from(words) * 4;
    if header >> 20 & 1 == 0 {
        return Err("no handler".to_owned());
    }
    let handler = reference(file, &records, at)?.symbol;
    let mut scopes = Vec::new();
    let scope_count = u64::from(word(&records, at + 4)?);
    at += 8;
    for entry in (0..scope_count).map(|entry| at + entry * 16) {
        let place = |field: u64| -> Result<i64, String> {
            let found = reference(file, &records, entry + field * 4)?;
            if found.section != function.section {
                return Err("a scope in another section".to_owned());
            }
            Ok(found.offset - function.offset)
        };
        let filter = reference(file, &records, entry + 8)?;
        scopes.push(Scope {
            begin: place(0)?,
            end: place(1)?,
            filter: name_at(file, &filter).unwrap_or(filter.symbol),
            target: place(3)?,
        });
    }
    let length = u64::from(header & 0x3_FFFF) * 4;
    let code = bytes(&text, unsigned(function.offset)?, length)?
        .as_chunks()
        .0
        .iter()
        .map(|bytes| u32::from_le_bytes(*bytes))
        .collect();
    Ok(GuardedRoutine {
        name: name.to_owned(),
        code,
        codes,
        epilogues,
        handler,
        scopes,
    })
}

/// Returns the target of the field at `offset`: that of its relocation, plus the value of the field.
fn reference(
    file: &object::File<'_>,
    section: &Section<'_, '_>,
    offset: u64,
) -> Result<Reference, String> {
    let target = section
        .relocations()
        .find(|(at, _)| *at == offset)
        .map(|(_, relocation)| relocation.target())
        .ok_or("a field that no linker would complete")?;
    let RelocationTarget::Symbol(index) = target else {
        return Err("a field that refers to no symbol".to_owned());
    };
    let symbol = file
        .symbol_by_index(index)
        .map_err(|error| error.to_string())?;
    let beyond = i64::from(word(section, offset)?);
    let name = symbol.name().map_err(|error| error.to_string())?;
    Ok(Reference {
        section: symbol.section_index(),
        offset: beyond + i64::try_from(symbol.address()).map_err(|error| error.to_string())?,
        symbol: name.to_owned(),
    })
}

/// Returns the name of the function that begins at `reference`.
fn name_at(file: &object::File<'_>, reference: &Reference) -> Result<String, String> {
    file.symbols()
        .filter(|symbol| symbol.kind() != SymbolKind::Section)
        .find(|symbol| {
            symbol.section_index().is_some()
                && symbol.section_index() == reference.section
                && i64::try_from(symbol.address()) == Ok(reference.offset)
        })
        .and_then(|symbol| symbol.name().ok())
        .map(str::to_owned)
        .ok_or_else(|| "nothing begins there".to_owned())
}

fn section_of<'data, 'file>(
    file: &'file object::File<'data>,
    reference: &Reference,
) -> Result<Section<'data, 'file>, String> {
    let index = reference.section.ok_or("a reference out of the file")?;
    file.section_by_index(index)
        .map_err(|error| error.to_string())
}

fn unsigned(offset: i64) -> Result<u64, String> {
    u64::try_from(offset).map_err(|error| error.to_string())
}

fn bytes<'data>(
    section: &Section<'data, '_>,
    offset: u64,
    length: u64,
) -> Result<&'data [u8], String> {
    section
        .data_range(section.address() + offset, length)
        .ok()
        .flatten()
        .ok_or_else(|| "the section ends too soon".to_owned())
}

fn word(section: &Section<'_, '_>, offset: u64) -> Result<u32, String> {
    bytes(section, offset, 4)?
        .first_chunk()
        .map(|bytes| u32::from_le_bytes(*bytes))
        .ok_or_else(|| "the section ends too soon".to_owned())
}
