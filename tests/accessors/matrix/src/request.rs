//! What a driver is asked, in a form that travels.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A request to run a [`Family`](crate::Family), or a [`Race`](crate::Race), by its number.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Request {
    /// Which.
    pub number: u64,
    /// The [arena](crate::Arena)'s first address.
    pub base: u64,
}

/// The driver's device, as its clients open it.
pub const DEVICE: &str = r"\DosDevices\AccessorMatrix";

/// `IOCTL` codes are made of: device type `FILE_DEVICE_UNKNOWN`, any access, `METHOD_BUFFERED`.
const fn code(function: u32) -> u32 {
    0x22 << 16 | function << 2
}

/// A [`Request`] for a [`Tally`](crate::Tally).
pub const RUN: u32 = code(0x800);

/// A [`Request`] for a [`Finish`](crate::Finish).
pub const RACE: u32 = code(0x801);
