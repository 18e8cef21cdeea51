//! The file that carries the driver images to the guest.
//!
//! QEMU passes one `-initrd` to a kernel. It has a [`Header`], then [`Header::count`] times an
//! [`Entry`], then the files at the offsets in their entries. Fields are little-endian.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The value of [`Header::magic`].
pub const MAGIC: u64 = u64::from_le_bytes(*b"RINGARC1");

/// The most bytes of a file's name.
pub const NAME_LENGTH: usize = 32;

/// The first bytes of the archive.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: u64,
    /// Entries after the header.
    pub count: u64,
}

/// One file of the archive. Drivers import from `WDFLDR.SYS` by that name; the first file with
/// another name is the driver.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Entry {
    /// The file's name in ASCII, padded with zeros.
    pub name: [u8; NAME_LENGTH],
    /// The offset of the file from the start of the archive.
    pub offset: u64,
    /// Bytes in the file.
    pub length: u64,
}

const _: () = {
    assert!(size_of::<Header>() == 16);
    assert!(size_of::<Entry>() == 48);
};
