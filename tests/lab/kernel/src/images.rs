//! The images that are loaded: what unwinding and reports look code up in.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::global::Global;
use crate::memory::layout::LINEAR;
use crate::raw;

/// A loaded image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Image {
    /// The file's name without its extension, for reports.
    pub(crate) name: &'static str,
    /// Where it lies.
    pub(crate) base: u64,
    /// Bytes of address space.
    pub(crate) size: u64,
    /// The exception directory: where its `RUNTIME_FUNCTION`s are, and how many.
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

/// The image that was loaded from a file of this name.
pub(crate) fn by_file_name(file: &str) -> Option<Image> {
    let name = file.split('.').next().unwrap_or(file);
    IMAGES.with(|images| {
        images
            .iter()
            .find(|image| image.name.eq_ignore_ascii_case(name))
            .copied()
    })
}

// The names are the linker script's: the exports that drivers hand bad addresses to, written in
// assembly without a stack frame, so that a fault in them unwinds like one in a leaf function.
unsafe extern "C" {
    static nt_leaf_start: u8;
    static nt_leaf_end: u8;
}

/// Whether an address is in one of the lab's exports that may fault on the driver's behalf.
pub(crate) fn is_leaf_export(address: u64) -> bool {
    (&raw const nt_leaf_start as u64..&raw const nt_leaf_end as u64).contains(&address)
}

/// Whether an exception at an address is a driver's to handle.
pub(crate) fn is_driver_code(address: u64) -> bool {
    is_leaf_export(address) || find(address).is_some()
}

/// Whether the instruction before an address is a call, and both are in an image.
pub(crate) fn is_return_address(address: u64) -> bool {
    let Some(image) = find(address.wrapping_sub(7)) else {
        return false;
    };
    let tables = crate::memory::paging::Tables::current();
    if !image.contains(address) || tables.walk(address - 7).is_none_or(|leaf| !leaf.execute) {
        return false;
    }
    let before: [u8; 7] = raw::read(address - 7);
    // Calls: E8 and a displacement, or FF /2 with a ModRM byte and up to 5 bytes of address.
    before[2] == 0xE8 || (1..7).any(|at| before[at - 1] == 0xFF && before[at] >> 3 & 7 == 2)
}

/// An address as `image+offset`.
pub(crate) struct Place(pub(crate) u64);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match find(self.0) {
            Some(image) => write!(f, "{}+{:#x}", image.name, self.0 - image.base),
            None if self.0 >= LINEAR => write!(f, "lab+{:#x}", self.0 - LINEAR),
            None => write!(f, "{:#x}", self.0),
        }
    }
}

/// A name that lasts as long as the run.
pub(crate) fn keep_name(file: &str) -> &'static str {
    let name = file.split('.').next().unwrap_or(file);
    String::from(name).leak()
}
