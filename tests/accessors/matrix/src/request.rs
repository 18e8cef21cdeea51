//! Requests to the driver.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A request to run a [`Family`](crate::Family), or a [`Race`](crate::Race), by its number.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Request {
    /// The number of the family or race.
    pub number: u64,
    /// The first address of the [arena](crate::Arena).
    pub base: u64,
}

/// The name by which clients open the driver's device.
pub const DEVICE: &str = r"\DosDevices\AccessorMatrix";

/// The same for the driver with the feature `umaccess`.
pub const UMACCESS_DEVICE: &str = r"\DosDevices\AccessorMatrixOverUmaccess";

/// Makes a control code of type `FILE_DEVICE_UNKNOWN`, for any access, `METHOD_BUFFERED`.
const fn code(function: u32) -> u32 {
    0x22 << 16 | function << 2
}

/// Runs a family. Takes a [`Request`] and returns a [`Tally`](crate::Tally).
pub const RUN: u32 = code(0x800);

/// Runs a race. Takes a [`Request`] and returns a [`RaceResult`](crate::RaceResult).
pub const RACE: u32 = code(0x801);

/// Accesses the two numbers at the base as types of `wdk-sys`, writes both after them, and returns six
/// numbers: the members of a `UNICODE_STRING`, and what becomes of them.
pub const WDK_TYPES: u32 = code(0x802);
