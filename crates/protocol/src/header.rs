//! The header of every message.

use crate::{PROTOCOL_VERSION, wire::structures};

structures! {
    /// The first bytes of every request and every response.
    Header: 8 {
        /// [`PROTOCOL_VERSION`].
        version: u32,
        /// The length of the fixed part of the message in bytes, including this header.
        size: u32,
    }
}

impl Header {
    /// Returns the header of a message of type `T`.
    #[must_use]
    pub const fn of<T>() -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "messages are tens of bytes long"
        )]
        Self {
            version: PROTOCOL_VERSION,
            size: size_of::<T>() as u32,
        }
    }
}
