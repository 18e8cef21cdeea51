//! How a copy ended.

use bitflags::bitflags;

use crate::{
    EngineKind, Header, NtStatus,
    wire::{enumeration, structures},
};

structures! {
    /// How a copy ended. The fields are as they are on the wire; the methods return them as types.
    ///
    /// A client that received a result calls [`invalid_field`](Self::invalid_field) first.
    CopyResult: 40 {
        /// The `NTSTATUS`.
        status: u32,
        /// The [`Direction`] of the access that failed or was refused.
        direction: u32,
        /// Bytes copied, from the first on without a gap. No byte after them was written.
        copied: u64,
        /// The address that stopped the copy, as the processor reported it (all ones for a
        /// non-canonical one), or the start of the range that a check refused. 0 if none did.
        address: u64,
        /// The [`EngineKind`] that copied, the last one if there were two.
        engine: u32,
        /// [`ResultFlags`].
        flags: u32,
        /// The number of bytes of the source, from the first that was not copied on, that are
        /// known to be unreadable: a client may continue after them. 0 if that is not known, or if
        /// no read of the source failed.
        hole_length: u64,
    }

    /// The response to a request that is one copy.
    CopyResponse: 56 {
        /// The header.
        header: Header,
        /// Bytes asked for.
        asked: u64,
        /// How the copy ended.
        result: CopyResult,
    }
}

enumeration! {
    /// Which access stopped a copy.
    Direction {
        /// None: the copy is complete, or was refused for a reason other than its memory.
        None = 0,
        /// The read from the source.
        Read = 1,
        /// The write to the target.
        Write = 2,
    }
}

bitflags! {
    /// Further facts about a copy.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ResultFlags: u32 {
        /// The native engine met a page that is not resident, and the system's engine continued
        /// from there.
        const FELL_BACK = 1;
    }
}

impl CopyResult {
    /// Returns the result of a copy that ended with `status` before an engine copied a byte.
    #[must_use]
    pub const fn of(status: NtStatus) -> Self {
        Self {
            status: status.0,
            direction: Direction::None as u32,
            copied: 0,
            address: 0,
            engine: EngineKind::Auto as u32,
            flags: 0,
            hole_length: 0,
        }
    }

    /// Returns the name and the value of the first field that holds no value of its type.
    #[must_use]
    pub const fn invalid_field(&self) -> Option<(&'static str, u32)> {
        if Direction::from_wire(self.direction).is_none() {
            Some(("direction", self.direction))
        } else if EngineKind::from_wire(self.engine).is_none() {
            Some(("engine", self.engine))
        } else if ResultFlags::from_bits(self.flags).is_none() {
            Some(("flags", self.flags))
        } else {
            None
        }
    }

    /// Returns the status.
    #[must_use]
    pub const fn status(&self) -> NtStatus {
        NtStatus(self.status)
    }

    /// Returns the direction, or [`Direction::None`] if the field is invalid.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match Direction::from_wire(self.direction) {
            Some(direction) => direction,
            None => Direction::None,
        }
    }

    /// Returns the engine, or [`EngineKind::Auto`] if the field is invalid.
    #[must_use]
    pub const fn engine(&self) -> EngineKind {
        match EngineKind::from_wire(self.engine) {
            Some(engine) => engine,
            None => EngineKind::Auto,
        }
    }

    /// Returns whether the system's engine continued after the native one.
    #[must_use]
    pub const fn fell_back(&self) -> bool {
        ResultFlags::from_bits_retain(self.flags).contains(ResultFlags::FELL_BACK)
    }

    /// Returns the address that stopped the copy, if an access did.
    #[must_use]
    pub const fn stop_address(&self) -> Option<u64> {
        match self.direction() {
            Direction::None => None,
            Direction::Read | Direction::Write => Some(self.address),
        }
    }
}

impl CopyResponse {
    /// Returns the response to a copy of `asked` bytes.
    #[must_use]
    pub const fn of(asked: u64, result: CopyResult) -> Self {
        Self {
            header: Header::of::<Self>(),
            asked,
            result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_field_without_a_valid_value_is_named() {
        let valid = CopyResult {
            direction: 2,
            engine: 2,
            flags: 1,
            ..CopyResult::of(NtStatus(0xC000_DEAD))
        };
        assert_eq!(valid.invalid_field(), None);
        let flags = CopyResult { flags: 2, ..valid };
        let engine = CopyResult { engine: 3, ..flags };
        let direction = CopyResult {
            direction: 3,
            ..engine
        };
        assert_eq!(flags.invalid_field(), Some(("flags", 2)));
        assert_eq!(engine.invalid_field(), Some(("engine", 3)));
        assert_eq!(direction.invalid_field(), Some(("direction", 3)));
    }
}
