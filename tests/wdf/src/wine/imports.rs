//! A driver's import table in memory.
//!
//! Layouts: "PE Format", Microsoft's specification, sections "Optional Header Data Directories" and
//! "The .idata Section".

use super::routines::ROUTINES;
use crate::{
    nt::{member, routine},
    report::report,
};
use core::{
    ffi::{CStr, c_void},
    mem::offset_of,
    ptr::NonNull,
};
use wdk_sys::{DRIVER_OBJECT, HANDLE, NTSTATUS, PDRIVER_OBJECT, SIZE_T, STATUS_SUCCESS, ULONG};

const STATUS_INVALID_IMAGE_FORMAT: NTSTATUS = 0xC000_007B_u32.cast_signed();
const STATUS_PROCEDURE_NOT_FOUND: NTSTATUS = 0xC000_007A_u32.cast_signed();

/// Offsets from the image's start, and from the start of its PE headers.
const PE_HEADERS: u32 = 0x3C;
const SIZE_OF_IMAGE: u32 = 24 + 56;
const IMPORT_DIRECTORY: u32 = 24 + 112 + 8;

/// One entry of the import directory: five words, of which these are used.
const ENTRY: u32 = 20;
const ENTRY_DLL: u32 = 12;
const ENTRY_ADDRESSES: u32 = 16;

/// In a name table: the entry has an ordinal, not a name.
const BY_ORDINAL: u64 = 1 << 63;

/// The longest name that is read.
const NAME: usize = 64;

/// An image in memory. Reads beyond its end fail.
struct Image {
    base: NonNull<u8>,
    size: u32,
}

impl Image {
    /// # Safety
    ///
    /// The driver object is of a driver whose image is loaded and stays so while the result is
    /// used.
    unsafe fn of(driver: PDRIVER_OBJECT) -> Option<Self> {
        let start = member::<_, *mut u8>(driver, offset_of!(DRIVER_OBJECT, DriverStart));
        // SAFETY: a member of a driver object that exists.
        let base = NonNull::new(unsafe { start.read() })?;
        // Large enough to read the image's size in the headers.
        let headers = Self { base, size: 0x1000 };
        let start = headers.read::<u32>(PE_HEADERS)?;
        let size = headers.read(start.checked_add(SIZE_OF_IMAGE)?)?;
        Some(Self { base, size })
    }

    fn place<T>(&self, offset: u32) -> Option<NonNull<T>> {
        let end = u64::from(offset) + size_of::<T>() as u64;
        (end <= u64::from(self.size)).then_some(())?;
        NonNull::new(self.base.as_ptr().wrapping_add(offset as usize).cast())
    }

    fn read<T: Copy>(&self, offset: u32) -> Option<T> {
        let place = self.place::<T>(offset)?;
        // SAFETY: within the image, which is loaded (the promise made to `of`); only numbers are
        // read.
        Some(unsafe { place.as_ptr().read_unaligned() })
    }

    /// Reads a string that ends with a null.
    fn name(&self, offset: u32) -> Option<Name> {
        let mut name = [0; NAME];
        for (byte, place) in name.iter_mut().take(NAME - 1).zip(offset..) {
            *byte = self.read(place)?;
            if *byte == 0 {
                return Some(Name(name));
            }
        }
        None
    }
}

struct Name([u8; NAME]);

impl Name {
    fn as_c(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or(c"")
    }

    fn as_str(&self) -> &str {
        self.as_c().to_str().unwrap_or("?")
    }
}

/// Points the entries of routines that Wine lacks to [`ROUTINES`].
///
/// See [`supply`](super::supply).
pub(super) fn replace(driver: PDRIVER_OBJECT) -> Result<(), NTSTATUS> {
    // SAFETY: a driver that is binding: its image is loaded while it does.
    let image = unsafe { Image::of(driver) }.ok_or(STATUS_INVALID_IMAGE_FORMAT)?;
    let (replaced, missing) = walk(&image).ok_or(STATUS_INVALID_IMAGE_FORMAT)?;
    report!("under Wine: {replaced} imports are the stand-in's");
    if missing == 0 {
        Ok(())
    } else {
        Err(STATUS_PROCEDURE_NOT_FOUND)
    }
}

/// Returns the number of replaced entries and the number of missing routines.
fn walk(image: &Image) -> Option<(u32, u32)> {
    let headers = image.read::<u32>(PE_HEADERS)?;
    let mut entry = image.read::<u32>(headers.checked_add(IMPORT_DIRECTORY)?)?;
    let (mut replaced, mut missing) = (0, 0);
    loop {
        let dll = image.read::<u32>(entry.checked_add(ENTRY_DLL)?)?;
        if entry == 0 || dll == 0 {
            return Some((replaced, missing));
        }
        let library = image.name(dll)?;
        if library.as_str().eq_ignore_ascii_case("ntoskrnl.exe") {
            let mut name = image.read::<u32>(entry)?;
            let mut address = image.read::<u32>(entry.checked_add(ENTRY_ADDRESSES)?)?;
            loop {
                match image.read::<u64>(name)? {
                    0 => break,
                    BY_ORDINAL.. => {}
                    // Two bytes of hint, then the name.
                    at => match find(&image.name(u32::try_from(at).ok()?.checked_add(2)?)?) {
                        Import::Wines => {}
                        Import::Ours(routine) => {
                            write(image.place(address)?, routine)?;
                            replaced += 1;
                        }
                        Import::Missing => missing += 1,
                    },
                }
                name = name.checked_add(8)?;
                address = address.checked_add(8)?;
            }
        }
        entry = entry.checked_add(ENTRY)?;
    }
}

enum Import {
    /// Wine's own is used.
    Wines,
    /// This one, instead of Wine's.
    Ours(*const ()),
    Missing,
}

fn find(name: &Name) -> Import {
    if let Some(routine) = ROUTINES.iter().find(|routine| routine.0 == name.as_c()) {
        return Import::Ours(routine.1);
    }
    if routine::address(name.as_str()).is_some() {
        return Import::Wines;
    }
    report!("under Wine: {} is missing", name.as_str());
    Import::Missing
}

type Protect =
    unsafe extern "C" fn(HANDLE, *mut *mut c_void, *mut SIZE_T, ULONG, *mut ULONG) -> NTSTATUS;

const PAGE_READWRITE: ULONG = 4;

/// Writes an entry of the import table, whose page is read-only.
fn write(entry: NonNull<u64>, routine: *const ()) -> Option<()> {
    let before = protect(entry, PAGE_READWRITE)?;
    // SAFETY: an entry of the driver's import table, made writable above; the driver is binding, so
    // only its stub has run.
    unsafe { entry.as_ptr().write(routine.expose_provenance() as u64) };
    protect(entry, before).map(drop)
}

/// Changes the protection of the page of an entry in this process, and returns the old one.
fn protect(entry: NonNull<u64>, protection: ULONG) -> Option<ULONG> {
    // SAFETY: the type of the routine of that name (ntifs.h, NtProtectVirtualMemory).
    let routine = unsafe { routine::find::<Protect>("ZwProtectVirtualMemory") }?;
    let this_process = core::ptr::without_provenance_mut::<c_void>(usize::MAX);
    let mut address = entry.as_ptr().cast::<c_void>();
    let mut length = size_of::<u64>() as SIZE_T;
    let mut before = 0;
    // SAFETY: the range of an entry, and locals for the rest.
    let status = unsafe {
        routine(
            this_process,
            &raw mut address,
            &raw mut length,
            protection,
            &raw mut before,
        )
    };
    (status == STATUS_SUCCESS).then_some(before)
}
