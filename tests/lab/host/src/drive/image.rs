//! The file of a driver, before it is loaded.

use std::{fs, io, path::Path};

use object::{
    LittleEndian as LE,
    pe::{
        IMAGE_DIRECTORY_ENTRY_SECURITY, IMAGE_DIRECTORY_ENTRY_TLS, IMAGE_FILE_MACHINE_AMD64,
        IMAGE_FILE_MACHINE_ARM64, IMAGE_FILE_MACHINE_ARMNT, IMAGE_FILE_MACHINE_I386,
        IMAGE_FILE_RELOCS_STRIPPED, IMAGE_SCN_MEM_EXECUTE, IMAGE_SCN_MEM_WRITE,
        IMAGE_SUBSYSTEM_NATIVE, ImageDosHeader,
    },
    read::pe::{ImageNtHeaders, PeFile64},
};

/// The stack that linkers reserve if nobody asks for another. Drivers have it in their headers, too.
const USUAL_STACK: u64 = 1 << 20;

/// Looks at a driver's file. Returns what Windows may not like about it.
///
/// # Errors
///
/// A sentence, if the file is no driver for the lab's machine.
pub(super) fn examine(path: &Path) -> io::Result<Result<Vec<String>, String>> {
    Ok(look(&fs::read(path)?))
}

fn look(bytes: &[u8]) -> Result<Vec<String>, String> {
    require_machine(bytes)?;
    let file =
        PeFile64::parse(bytes).map_err(|error| format!("it is no valid image for x64: {error}"))?;
    let headers = file.nt_headers();
    let optional = headers.optional_header();
    match optional.subsystem.get(LE) {
        IMAGE_SUBSYSTEM_NATIVE => {}
        2 | 3 => return Err("it is a program or library of user mode, and no driver".into()),
        other => {
            return Err(format!(
                "its subsystem is {other}, and a driver's is 1 (native)"
            ));
        }
    }
    if optional.address_of_entry_point.get(LE) == 0 {
        return Err("it has no entry point".into());
    }
    let mut notes = Vec::new();
    let has = |directory| {
        let directory = file.data_directory(directory);
        directory.is_some_and(|directory| directory.address_range() != (0, 0))
    };
    if headers.file_header.characteristics.get(LE) & IMAGE_FILE_RELOCS_STRIPPED != 0 {
        return Err("its relocations were stripped: Windows loads a driver at any address".into());
    }
    if !has(IMAGE_DIRECTORY_ENTRY_SECURITY) {
        notes.push("it has no signature: Windows loads it once it is signed".into());
    }
    if has(IMAGE_DIRECTORY_ENTRY_TLS) {
        notes.push("it has thread-local storage, which the kernel does not set up".into());
    }
    let stack = optional.size_of_stack_reserve.get(LE);
    if stack > USUAL_STACK {
        notes.push(format!(
            "it asks for {stack} bytes of stack: a thread in the kernel has 24 KiB"
        ));
    }
    for section in file.section_table().iter() {
        let flags = section.characteristics.get(LE);
        if flags & IMAGE_SCN_MEM_WRITE != 0 && flags & IMAGE_SCN_MEM_EXECUTE != 0 {
            let name = String::from_utf8_lossy(section.raw_name()).into_owned();
            notes.push(format!(
                "its section {name} is writable and executable, as in a packed image: with memory \
                 integrity, Windows does not load it; the lab makes it executable alone"
            ));
        }
    }
    Ok(notes)
}

/// Returns a sentence if the file is no image, or one for another machine.
fn require_machine(bytes: &[u8]) -> Result<(), String> {
    let mut offset = match ImageDosHeader::parse(bytes) {
        Ok(header) => u64::from(header.nt_headers_offset()),
        Err(_) if bytes.starts_with(b"\x7FELF") => {
            return Err("it is an ELF file, and a driver is a PE image".into());
        }
        Err(_) => return Err("it is no PE image".into()),
    };
    let machine = object::pe::ImageNtHeaders64::parse(bytes, &mut offset)
        .map(|(headers, _)| headers.file_header.machine.get(LE));
    let machine = machine.or_else(|_| machine_of_another(bytes))?;
    let name = match machine {
        IMAGE_FILE_MACHINE_AMD64 => return Ok(()),
        IMAGE_FILE_MACHINE_I386 => "32-bit x86",
        IMAGE_FILE_MACHINE_ARM64 => "64-bit Arm",
        IMAGE_FILE_MACHINE_ARMNT => "32-bit Arm",
        other => {
            return Err(format!(
                "it is for the machine {other:#06x}, and the lab is x64"
            ));
        }
    };
    Err(format!("it is for {name}, and the lab is x64"))
}

/// Returns the machine of an image whose headers are not those of a 64-bit one.
fn machine_of_another(bytes: &[u8]) -> Result<u16, String> {
    let unknown = || "it is no valid PE image".to_owned();
    let header = ImageDosHeader::parse(bytes).map_err(|_| unknown())?;
    let mut offset = u64::from(header.nt_headers_offset());
    let (headers, _) =
        object::pe::ImageNtHeaders32::parse(bytes, &mut offset).map_err(|_| unknown())?;
    Ok(headers.file_header.machine.get(LE))
}
