//! A request under way, which the protocol validates as in the driver.

use ringcopy_client::protocol::{
    Code, Kind, NtStatus,
    validate::{self, Entries, Entry, Lengths, Valid},
};
use zerocopy::FromBytes;

pub(super) struct Asked<'a> {
    pub(super) code: &'a Code,
    pub(super) input: &'a [u8],
    /// How many bytes the answer may have.
    pub(super) room: usize,
}

impl Asked<'_> {
    pub(super) fn validate<K: Kind>(&self) -> Result<Valid<K>, NtStatus> {
        let lengths = Lengths {
            input: self.input.len(),
            output: self.room,
        };
        validate::request::<K>(self.input, lengths)
    }

    /// What follows the request's own structure.
    pub(super) fn behind(&self) -> &[u8] {
        &self.input[self.code.request_length..]
    }

    pub(super) fn entries<E: Entry + FromBytes>(
        &self,
        validated: &Entries<E>,
    ) -> Result<Vec<E>, NtStatus> {
        let entries: Vec<E> = self
            .behind()
            .chunks(size_of::<E>())
            .map(|entry| E::read_from_bytes(entry).ok().unwrap())
            .collect();
        validated.output_length(&entries)?;
        Ok(entries)
    }
}
