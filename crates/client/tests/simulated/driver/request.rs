//! A request on its way: it is judged by the protocol, as in the driver.

use ringcopy_client::protocol::{
    Code, NtStatus,
    judge::{self, Entries, Entry, Lengths},
};
use zerocopy::FromBytes;

pub(super) struct Asked<'a> {
    pub(super) code: &'a Code,
    pub(super) input: &'a [u8],
    /// How many bytes the answer may have.
    pub(super) room: usize,
}

impl Asked<'_> {
    pub(super) fn judge<R: judge::Request>(&self) -> Result<R::WellFormed, NtStatus> {
        let lengths = Lengths {
            input: self.input.len(),
            output: self.room,
        };
        judge::request::<R>(self.code, self.input, lengths)
    }

    /// What follows the request's own structure.
    pub(super) fn behind(&self) -> &[u8] {
        &self.input[self.code.request_length..]
    }

    pub(super) fn entries<E: Entry + FromBytes>(
        &self,
        judged: &Entries<E>,
    ) -> Result<Vec<E>, NtStatus> {
        let entries: Vec<E> = self
            .behind()
            .chunks(size_of::<E>())
            .map(|entry| E::read_from_bytes(entry).ok().unwrap())
            .collect();
        judged.output_length(&entries)?;
        Ok(entries)
    }
}
