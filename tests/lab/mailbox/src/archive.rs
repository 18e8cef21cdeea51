//! The one file that carries the driver images to the guest.
//!
//! QEMU hands a kernel a single `-initrd`. The host writes it as a [`Header`], then
//! [`Header::count`] times an [`Entry`], then the files, each where its entry says. Fields are
//! little-endian.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What [`Header::magic`] holds.
pub const MAGIC: u64 = u64::from_le_bytes(*b"RINGARC1");

/// The most bytes of a file's name.
pub const NAME_LENGTH: usize = 32;

/// The first bytes of the archive.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: u64,
    /// Entries behind the header.
    pub count: u64,
}

/// One file of the archive. `WDFLDR.SYS` is what drivers import from by that name; the first file
/// of another name is the driver.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Entry {
    /// The file's name in ASCII, padded with zeros.
    pub name: [u8; NAME_LENGTH],
    /// Where the file starts, in bytes from the start of the archive.
    pub offset: u64,
    /// Bytes in the file.
    pub length: u64,
}

const _: () = {
    assert!(size_of::<Header>() == 16);
    assert!(size_of::<Entry>() == 48);
};
