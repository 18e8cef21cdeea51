//! The loaded images. Unwinding and reports look up code here.

use alloc::{string::String, vec::Vec};
use core::fmt;

use crate::global::Global;
use crate::memory::layout::LINEAR;
use crate::raw;

/// A loaded image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Image {
    /// The file's name without its extension, for reports.
    pub(crate) name: &'static str,
    /// Its address.
    pub(crate) base: u64,
    /// Bytes of address space.
    pub(crate) size: u64,
    /// The exception directory: the address and number of its `RUNTIME_FUNCTION`s.
    pub(crate) functions: u64,
    pub(crate) function_count: u64,
    /// The entry point.
    pub(crate) entry: u64,
    /// The bytes of its file.
    pub(crate) file: &'static [u8],
}

impl Image {
    pub(crate) const fn contains(&self, address: u64) -> bool {
        address.wrapping_sub(self.base) < self.size
    }
}

static IMAGES: Global<Vec<Image>> = Global::new(Vec::new());

pub(crate) fn add(image: Image) {
    IMAGES.with(|images| images.push(image));
}

pub(crate) fn remove(base: u64) {
    IMAGES.with(|images| images.retain(|image| image.base != base));
}

pub(crate) fn find(address: u64) -> Option<Image> {
    IMAGES.with(|images| images.iter().find(|image| image.contains(address)).copied())
}

/// Returns the image that was loaded from a file with a name.
pub(crate) fn by_file_name(file: &str) -> Option<Image> {
    let name = file.split('.').next().unwrap_or(file);
    IMAGES.with(|images| {
        images
            .iter()
            .find(|image| image.name.eq_ignore_ascii_case(name))
            .copied()
    })
}

// The names are the linker script's. The exports between them are functions without unwind data, in
// assembly, without a stack frame. Drivers may pass bad addresses to them, and a fault unwinds to
// the driver.
unsafe extern "C" {
    static nt_frameless_start: u8;
    static nt_frameless_end: u8;
}

/// Whether an address is in an export of the lab whose faults are the driver's.
pub(crate) fn is_frameless_export(address: u64) -> bool {
    (&raw const nt_frameless_start as u64..&raw const nt_frameless_end as u64).contains(&address)
}

/// Whether a driver handles an exception at an address.
pub(crate) fn is_driver_code(address: u64) -> bool {
    is_frameless_export(address) || find(address).is_some()
}

/// Whether the instruction before an address is a call, and both are in an image.
pub(crate) fn is_return_address(address: u64) -> bool {
    let Some(image) = find(address.wrapping_sub(7)) else {
        return false;
    };
    let tables = crate::memory::paging::Tables::current();
    if !image.contains(address)
        || tables
            .walk(address - 7)
            .is_none_or(|translation| !translation.execute)
    {
        return false;
    }
    let before: [u8; 7] = raw::read(address - 7);
    // Calls: E8 and a displacement, or FF /2 with a ModRM byte and up to 5 bytes of address.
    before[2] == 0xE8 || (1..7).any(|at| before[at - 1] == 0xFF && before[at] >> 3 & 7 == 2)
}

/// An address as `image+offset`.
pub(crate) struct Location(pub(crate) u64);

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match find(self.0) {
            Some(image) => write!(f, "{}+{:#x}", image.name, self.0 - image.base),
            None if self.0 >= LINEAR => write!(f, "lab+{:#x}", self.0 - LINEAR),
            None => write!(f, "{:#x}", self.0),
        }
    }
}

/// Makes a name for reports that is never freed.
pub(crate) fn keep_name(file: &str) -> &'static str {
    let name = file.split('.').next().unwrap_or(file);
    String::from(name).leak()
}
