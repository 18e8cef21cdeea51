//! Files: a small disk in memory, with the folders that every Windows has.
//!
//! Source: the pages of `ZwCreateFile`, `ZwReadFile`, `ZwWriteFile` and `ZwSetInformationFile` (ntifs.h).

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::{Kind, create};
use crate::global::Global;
use crate::nt::strings::same_name;
use crate::{pool, raw};
use nt_status::NtStatus;

/// Bytes of the largest file, and of all files together.
const LARGEST: u64 = 16 << 20;
const CAPACITY: u64 = 32 << 20;

/// The names of the disk, and what they stand for.
const ROOTS: [(&str, &str); 4] = [
    (r"\??\C:", "C:"),
    (r"\DosDevices\C:", "C:"),
    (r"\Device\HarddiskVolume1", "C:"),
    (r"\SystemRoot", r"C:\Windows"),
];

/// The folders.
const FOLDERS: [&str; 6] = [
    "C:",
    r"C:\Windows",
    r"C:\Windows\System32",
    r"C:\Windows\System32\drivers",
    r"C:\Windows\Temp",
    r"C:\Temp",
];

/// Rights to a file: `FILE_READ_DATA`, `FILE_WRITE_DATA`, `FILE_APPEND_DATA`, `DELETE`.
pub(crate) mod right {
    pub(crate) const READ: u32 = 1;
    pub(crate) const WRITE: u32 = 2;
    pub(crate) const APPEND: u32 = 4;
    pub(crate) const DELETE: u32 = 0x1_0000;
}

/// What a file is opened for, as `ZwCreateFile` takes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    /// Specific rights.
    pub(crate) access: u32,
    /// `FILE_SHARE_…`.
    pub(crate) share: u32,
    /// `FILE_SUPERSEDE` and so on.
    pub(crate) disposition: u32,
    pub(crate) has_position: bool,
    pub(crate) deletes_on_close: bool,
}

/// An open file object.
struct Open {
    path: String,
    opening: Opening,
    position: u64,
    deletes: bool,
}

impl Open {
    /// Returns the position, which a file has that is opened for synchronous requests.
    fn position(&self) -> Result<u64, NtStatus> {
        let position = self.opening.has_position.then_some(self.position);
        position.ok_or(NtStatus::INVALID_PARAMETER)
    }
}

#[derive(Default)]
struct Disk {
    files: BTreeMap<String, Vec<u8>>,
    /// By their objects.
    open: BTreeMap<u64, Open>,
}

static DISK: Global<Disk> = Global::new(Disk {
    files: BTreeMap::new(),
    open: BTreeMap::new(),
});

/// Returns the path of a file on the disk, if a name is one.
pub(crate) fn path_of(name: &str) -> Option<String> {
    ROOTS.iter().find_map(|(root, stands_for)| {
        let (head, rest) = name.split_at_checked(root.len())?;
        let is_on_disk = same_name(head, root) && (rest.is_empty() || rest.starts_with('\\'));
        is_on_disk.then(|| alloc::format!("{stands_for}{rest}").to_ascii_uppercase())
    })
}

fn is_folder(path: &str) -> bool {
    FOLDERS
        .iter()
        .any(|folder| same_name(folder, path.trim_end_matches('\\')))
}

/// Whether two who have a file open may: each shares what the other has.
const fn may_share(one: &Opening, other: &Opening) -> bool {
    const fn shares(share: u32, access: u32) -> bool {
        let needed = (access & right::READ != 0) as u32
            | ((access & (right::WRITE | right::APPEND) != 0) as u32) << 1
            | ((access & right::DELETE != 0) as u32) << 2;
        needed & !share == 0
    }
    shares(one.share, other.access) && shares(other.share, one.access)
}

/// What `ZwCreateFile` did: `FILE_SUPERSEDED`, `FILE_OPENED`, `FILE_CREATED`, `FILE_OVERWRITTEN`.
const SUPERSEDED: u64 = 0;
const OPENED: u64 = 1;
const CREATED: u64 = 2;
const OVERWRITTEN: u64 = 3;

/// Opens a file. Returns its object, and what was done.
pub(crate) fn open(path: String, opening: Opening) -> Result<(u64, u64), NtStatus> {
    let (folder, name) = path.rsplit_once('\\').ok_or(NtStatus::ACCESS_DENIED)?;
    if is_folder(&path) {
        return Err(NtStatus::FILE_IS_A_DIRECTORY);
    }
    if !is_folder(folder) {
        return Err(NtStatus::OBJECT_PATH_NOT_FOUND);
    }
    if name.is_empty() || name.contains(['*', '?', '<', '>', '"', '|', ':', '/']) {
        return Err(NtStatus::OBJECT_NAME_INVALID);
    }
    let done = DISK.with(|disk| {
        let mut others = disk.open.values().filter(|open| open.path == path);
        if others.any(|open| !may_share(&open.opening, &opening)) {
            return Err(NtStatus::SHARING_VIOLATION);
        }
        let done = match (opening.disposition, disk.files.contains_key(&path)) {
            (0, true) => SUPERSEDED,
            (1 | 3, true) => OPENED,
            (2, true) => return Err(NtStatus::OBJECT_NAME_COLLISION),
            (4 | 5, true) => OVERWRITTEN,
            (1 | 4, false) => return Err(NtStatus::OBJECT_NAME_NOT_FOUND),
            (0 | 2 | 3 | 5, false) => CREATED,
            _ => return Err(NtStatus::INVALID_PARAMETER),
        };
        if done != OPENED {
            disk.files.insert(path.clone(), Vec::new());
        }
        Ok(done)
    })?;
    let object = pool::allocate_for_lab(16, *b"File");
    create(object, Kind::DiskFile);
    let open = Open {
        path,
        opening,
        position: 0,
        deletes: opening.deletes_on_close,
    };
    DISK.with(|disk| disk.open.insert(object, open));
    Ok((object, done))
}

/// Closes a file after its last reference.
pub(super) fn close(object: u64) {
    DISK.with(|disk| {
        if let Some(closed) = disk.open.remove(&object)
            && closed.deletes
        {
            disk.files.remove(&closed.path);
        }
    });
    pool::free(object, None);
}

/// Calls `body` with an open file and its content.
fn with<R>(
    object: u64,
    body: impl FnOnce(&mut Open, &mut Vec<u8>) -> Result<R, NtStatus>,
) -> Result<R, NtStatus> {
    DISK.with(|disk| {
        let open = disk
            .open
            .get_mut(&object)
            .ok_or(NtStatus::OBJECT_TYPE_MISMATCH)?;
        let content = disk
            .files
            .get_mut(&open.path)
            .ok_or(NtStatus::DELETE_PENDING)?;
        body(open, content)
    })
}

/// Where a read or write begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Offset(u64),
    /// The position of the file object.
    Position,
    /// The end of the file, for a write.
    End,
}

/// Reads into a buffer. Returns the bytes that were read.
pub(crate) fn read(object: u64, place: Place, buffer: u64, length: u64) -> Result<u64, NtStatus> {
    let bytes = with(object, |open, content| {
        if open.opening.access & right::READ == 0 {
            return Err(NtStatus::ACCESS_DENIED);
        }
        let start = match place {
            Place::Offset(offset) => offset,
            Place::Position => open.position()?,
            Place::End => return Err(NtStatus::INVALID_PARAMETER),
        };
        let left = content.get(start as usize..).unwrap_or_default();
        if left.is_empty() && length > 0 {
            return Err(NtStatus::END_OF_FILE);
        }
        let bytes = left[..left.len().min(length as usize)].to_vec();
        open.position = start + bytes.len() as u64;
        Ok(bytes)
    })?;
    // A fault here would be inside of the lock there.
    raw::copy_in(&bytes, buffer);
    Ok(bytes.len() as u64)
}

/// Returns how many bytes the files may grow by.
fn free() -> u64 {
    let used: u64 = DISK.with(|disk| disk.files.values().map(|file| file.len() as u64).sum());
    CAPACITY - used
}

/// Changes the length of a file, if there is space.
fn resize(content: &mut Vec<u8>, length: u64, free: u64) -> Result<(), NtStatus> {
    let added = length.saturating_sub(content.len() as u64);
    if length > LARGEST || added > free {
        return Err(NtStatus::DISK_FULL);
    }
    content.resize(length as usize, 0);
    Ok(())
}

/// Writes the bytes of a buffer. Returns how many.
pub(crate) fn write(object: u64, place: Place, buffer: u64, length: u64) -> Result<u64, NtStatus> {
    if length > LARGEST {
        return Err(NtStatus::DISK_FULL);
    }
    // A fault here would be inside of the lock there.
    let mut bytes = vec![0; length as usize];
    raw::copy_out(buffer, &mut bytes);
    let free = free();
    with(object, |open, content| {
        let access = open.opening.access;
        if access & (right::WRITE | right::APPEND) == 0 {
            return Err(NtStatus::ACCESS_DENIED);
        }
        let start = match place {
            // A file that is opened to append is written at its end.
            _ if access & right::WRITE == 0 => content.len() as u64,
            Place::End => content.len() as u64,
            Place::Offset(offset) => offset,
            Place::Position => open.position()?,
        };
        let end = start.saturating_add(length);
        if end > content.len() as u64 {
            resize(content, end, free)?;
        }
        content[start as usize..end as usize].copy_from_slice(&bytes);
        open.position = end;
        Ok(length)
    })
}

/// Returns the bytes of a file, and the position of its object.
pub(crate) fn facts(object: u64) -> Result<(u64, u64), NtStatus> {
    with(object, |open, content| {
        Ok((content.len() as u64, open.position))
    })
}

/// Sets the position of a file object.
pub(crate) fn set_position(object: u64, position: u64) -> Result<(), NtStatus> {
    with(object, |open, _| {
        if !open.opening.has_position || position > i64::MAX as u64 {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        open.position = position;
        Ok(())
    })
}

/// Sets the length of a file.
pub(crate) fn set_length(object: u64, length: u64) -> Result<(), NtStatus> {
    let free = free();
    with(object, |open, content| {
        if open.opening.access & right::WRITE == 0 {
            return Err(NtStatus::ACCESS_DENIED);
        }
        resize(content, length, free)
    })
}

/// Sets whether a file is deleted when its object is closed.
pub(crate) fn set_deletes(object: u64, deletes: bool) -> Result<(), NtStatus> {
    with(object, |open, _| {
        if open.opening.access & right::DELETE == 0 {
            return Err(NtStatus::ACCESS_DENIED);
        }
        open.deletes = deletes;
        Ok(())
    })
}
