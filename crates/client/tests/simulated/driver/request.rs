//! A request, which the protocol validates as in the driver.

use ringcopy_client::protocol::{
    Code, Kind, NtStatus,
    validate::{self, Entries, Entry, Lengths, Valid},
};
use zerocopy::FromBytes;

pub(super) struct Received<'a> {
    pub(super) code: &'a Code,
    pub(super) input: &'a [u8],
    /// The length of the output.
    pub(super) output_length: usize,
}

impl Received<'_> {
    pub(super) fn validate<K: Kind>(&self) -> Result<Valid<K>, NtStatus> {
        let lengths = Lengths {
            input: self.input.len(),
            output: self.output_length,
        };
        validate::request::<K>(self.input, lengths)
    }

    /// Returns the bytes after the fixed part.
    pub(super) fn payload(&self) -> &[u8] {
        &self.input[self.code.request_length..]
    }

    pub(super) fn entries<E: Entry + FromBytes>(
        &self,
        validated: &Entries<E>,
    ) -> Result<Vec<E>, NtStatus> {
        let entries: Vec<E> = self
            .payload()
            .chunks(size_of::<E>())
            .map(|entry| E::read_from_bytes(entry).ok().unwrap())
            .collect();
        validated.output_length(&entries)?;
        Ok(entries)
    }
}
