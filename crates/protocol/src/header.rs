//! What every message starts with.

use core::mem::size_of;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::PROTOCOL_VERSION;

/// The first bytes of every request and every response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(8))]
pub struct Header {
    /// [`PROTOCOL_VERSION`].
    pub version: u32,
    /// Bytes in the fixed part of the message, this header included.
    pub size: u32,
}

impl Header {
    /// The header of a message.
    #[must_use]
    pub const fn of<T>() -> Self {
        // Messages are tens of bytes.
        #[expect(clippy::cast_possible_truncation)]
        Self {
            version: PROTOCOL_VERSION,
            size: size_of::<T>() as u32,
        }
    }
}

const _: () = assert!(size_of::<Header>() == 8);
