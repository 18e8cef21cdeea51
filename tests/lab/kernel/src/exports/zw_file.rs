//! System services for files, and for devices that a driver opens by name.

use super::ob::table_for;
use super::zw::{require_attributes, require_system};
use crate::bugcheck::violation;
use crate::io::KERNEL_MODE;
use crate::irql::{PASSIVE_LEVEL, require_at_most};
use crate::nt::layout::{ObjectAttributes, Structure};
use crate::nt::strings;
use crate::object::disk::{self, Opening, Place, right};
use crate::object::handle::{self, Table};
use crate::object::{self, Kind, file};
use crate::raw;
use nt_status::NtStatus;

/// `FILE_OPEN`, and the last disposition, `FILE_OVERWRITE_IF`.
const OPEN: u32 = 1;
const LAST_DISPOSITION: u32 = 5;

/// `CreateOptions`: `FILE_DIRECTORY_FILE`, `FILE_SYNCHRONOUS_IO_ALERT` and `…_NONALERT`,
/// `FILE_DELETE_ON_CLOSE`.
const DIRECTORY: u32 = 0x0001;
const SYNCHRONOUS: u32 = 0x0030;
const DELETE_ON_CLOSE: u32 = 0x1000;

/// Generic rights, and what they stand for.
const GENERIC: [(u32, u32); 3] = [
    (0x8000_0000, right::READ),
    (0x4000_0000, right::WRITE | right::APPEND),
    (
        0x1000_0000,
        right::READ | right::WRITE | right::APPEND | right::DELETE,
    ),
];

fn specific(access: u32) -> u32 {
    let mapped = GENERIC.iter().filter(|(generic, _)| access & generic != 0);
    mapped.fold(access, |access, (_, rights)| access | rights)
}

/// Writes an `IO_STATUS_BLOCK`, and returns the status.
fn ended(block: u64, result: Result<u64, NtStatus>) -> NtStatus {
    let (status, information) = match result {
        Ok(information) => (NtStatus::SUCCESS, information),
        Err(status) => (status, 0),
    };
    raw::write(block, u64::from(status.0));
    raw::write(block + 8, information);
    status
}

struct Asked {
    access: u32,
    attributes: u64,
    share: u32,
    disposition: u32,
    options: u32,
}

fn open(function: &str, result: u64, block: u64, asked: &Asked) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, function);
    let attributes = ObjectAttributes(asked.attributes);
    require_system(function, &[result, block]);
    require_attributes(function, attributes);
    if attributes.get(ObjectAttributes::ROOT_DIRECTORY) != 0 {
        violation!("{function} below a root directory is not supported by the lab");
    }
    if asked.disposition > LAST_DISPOSITION {
        return ended(block, Err(NtStatus::INVALID_PARAMETER));
    }
    let name = strings::read(attributes.get(ObjectAttributes::OBJECT_NAME));
    let table = table_for(attributes.get(ObjectAttributes::ATTRIBUTES), function);
    let access = specific(asked.access);
    let opened = match disk::path_of(&name) {
        Some(_) if asked.options & DIRECTORY != 0 => Err(NtStatus::NOT_SUPPORTED),
        Some(path) => {
            let opening = Opening {
                access,
                share: asked.share,
                disposition: asked.disposition,
                has_position: asked.options & SYNCHRONOUS != 0,
                deletes_on_close: asked.options & DELETE_ON_CLOSE != 0,
            };
            disk::open(path, opening)
                .map(|(object, done)| (handle::open(table, object, access), done))
        }
        None => {
            let opener = file::Opener {
                mode: KERNEL_MODE,
                forced: false,
                impersonated: None,
            };
            file::open_in(table, &name, access, opener).map(|value| (value, OPEN.into()))
        }
    };
    if let Ok((value, _)) = opened {
        raw::write(result, value);
    }
    ended(block, opened.map(|(_, done)| done))
}

/// `ZwCreateFile` function (ntifs.h). IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn ZwCreateFile(
    result: u64,
    access: u32,
    attributes: u64,
    block: u64,
    _allocation: u64,
    _file_attributes: u32,
    share: u32,
    disposition: u32,
    options: u32,
    _extended: u64,
    _extended_length: u32,
) -> NtStatus {
    let asked = Asked {
        access,
        attributes,
        share,
        disposition,
        options,
    };
    open("ZwCreateFile", result, block, &asked)
}

/// `ZwOpenFile` function (ntifs.h). IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn ZwOpenFile(
    result: u64,
    access: u32,
    attributes: u64,
    block: u64,
    share: u32,
    options: u32,
) -> NtStatus {
    let asked = Asked {
        access,
        attributes,
        share,
        disposition: OPEN,
        options,
    };
    open("ZwOpenFile", result, block, &asked)
}

/// Returns the object of a handle to a file on the disk. The lab's drivers do not read and write devices
/// by handles.
fn disk_file(function: &str, value: u64) -> Result<u64, NtStatus> {
    let found = handle::find(Table::Kernel, value).ok_or(NtStatus::INVALID_HANDLE)?;
    match object::kind_of(found.object) {
        Some(Kind::DiskFile) => Ok(found.object),
        Some(Kind::File) => violation!("{function} of a device is not supported by the lab"),
        _ => Err(NtStatus::OBJECT_TYPE_MISMATCH),
    }
}

/// What a `ByteOffset` stands for: `FILE_WRITE_TO_END_OF_FILE` is -1, `FILE_USE_FILE_POINTER_POSITION` -2.
/// `STATUS_INVALID_PARAMETER` for another negative one.
fn place_at(offset: u64) -> Result<Place, NtStatus> {
    if offset == 0 {
        return Ok(Place::Position);
    }
    match raw::read::<u64>(offset).cast_signed() {
        -1 => Ok(Place::End),
        -2 => Ok(Place::Position),
        offset => u64::try_from(offset)
            .map(Place::Offset)
            .map_err(|_| NtStatus::INVALID_PARAMETER),
    }
}

/// Reads or writes a file by a function of [`disk`], and writes the `IO_STATUS_BLOCK`.
fn transfer(
    function: &str,
    value: u64,
    [block, buffer, offset]: [u64; 3],
    carry_out: impl FnOnce(u64, Place) -> Result<u64, NtStatus>,
) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, function);
    require_system(function, &[block, buffer, offset]);
    let done = disk_file(function, value).and_then(|object| carry_out(object, place_at(offset)?));
    ended(block, done)
}

/// `ZwReadFile` function (ntifs.h): `STATUS_END_OF_FILE` at the end. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn ZwReadFile(
    value: u64,
    _event: u64,
    _routine: u64,
    _context: u64,
    block: u64,
    buffer: u64,
    length: u32,
    offset: u64,
    _key: u64,
) -> NtStatus {
    transfer(
        "ZwReadFile",
        value,
        [block, buffer, offset],
        |object, place| disk::read(object, place, buffer, length.into()),
    )
}

/// `ZwWriteFile` function (ntifs.h). IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn ZwWriteFile(
    value: u64,
    _event: u64,
    _routine: u64,
    _context: u64,
    block: u64,
    buffer: u64,
    length: u32,
    offset: u64,
    _key: u64,
) -> NtStatus {
    transfer(
        "ZwWriteFile",
        value,
        [block, buffer, offset],
        |object, place| disk::write(object, place, buffer, length.into()),
    )
}

/// Members of `FILE_INFORMATION_CLASS`.
mod class {
    pub(super) const BASIC: u32 = 4;
    pub(super) const STANDARD: u32 = 5;
    pub(super) const DISPOSITION: u32 = 13;
    pub(super) const POSITION: u32 = 14;
    pub(super) const END_OF_FILE: u32 = 20;
}

/// `FILE_ATTRIBUTE_NORMAL`.
const NORMAL: u32 = 0x80;

/// `ZwQueryInformationFile` function (ntifs.h), for `FileBasicInformation`, `FileStandardInformation` and
/// `FilePositionInformation`. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn ZwQueryInformationFile(
    value: u64,
    block: u64,
    information: u64,
    length: u32,
    class: u32,
) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "ZwQueryInformationFile");
    require_system("ZwQueryInformationFile", &[block, information]);
    let done = disk_file("ZwQueryInformationFile", value)
        .and_then(disk::facts)
        .and_then(|(bytes, position)| {
            let needed = match class {
                class::BASIC => 40,
                class::STANDARD => 24,
                class::POSITION => 8,
                _ => return Err(NtStatus::INVALID_INFO_CLASS),
            };
            if length < needed {
                return Err(NtStatus::INFO_LENGTH_MISMATCH);
            }
            raw::fill(information, 0, needed.into());
            match class {
                class::BASIC => raw::write(information + 32, NORMAL),
                class::STANDARD => {
                    raw::write(information, [bytes.next_multiple_of(4096), bytes]);
                    // One name leads to the file.
                    raw::write(information + 16, 1_u32);
                }
                _ => raw::write(information, position),
            }
            Ok(needed.into())
        });
    ended(block, done)
}

/// `ZwSetInformationFile` function (ntifs.h), for `FileDispositionInformation`, `FilePositionInformation`
/// and `FileEndOfFileInformation`. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn ZwSetInformationFile(
    value: u64,
    block: u64,
    information: u64,
    length: u32,
    class: u32,
) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "ZwSetInformationFile");
    require_system("ZwSetInformationFile", &[block, information]);
    let done = disk_file("ZwSetInformationFile", value).and_then(|object| {
        let needed = if class == class::DISPOSITION { 1 } else { 8 };
        if length < needed {
            return Err(NtStatus::INFO_LENGTH_MISMATCH);
        }
        match class {
            class::DISPOSITION => disk::set_deletes(object, raw::read::<u8>(information) != 0),
            class::POSITION => disk::set_position(object, raw::read(information)),
            class::END_OF_FILE => disk::set_length(object, raw::read(information)),
            _ => Err(NtStatus::INVALID_INFO_CLASS),
        }
    });
    ended(block, done.map(|()| 0))
}
