//! A dump of several ranges: a new one begins wherever the addresses leap.

use std::io::{self, Write};

use super::holes::Hole;
use crate::{HexDump, explain_hole};

/// A dump, and the address that it has come to.
#[derive(Default)]
pub(super) struct Dump(Option<(HexDump, u64)>);

impl Dump {
    pub(super) fn bytes(
        &mut self,
        out: &mut dyn Write,
        address: u64,
        bytes: &[u8],
    ) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.at(out, address, bytes.len() as u64)?.bytes(out, bytes)
    }

    pub(super) fn hole(&mut self, out: &mut dyn Write, hole: &Hole) -> io::Result<()> {
        let reason = format!("{} ({})", hole.status, explain_hole(hole.status));
        self.at(out, hole.source.address(), hole.length)?
            .hole(out, hole.length, &reason)
    }

    /// The dump that takes so many bytes of this address on.
    fn at(&mut self, out: &mut dyn Write, address: u64, length: u64) -> io::Result<&mut HexDump> {
        if let Some((ended, _)) = self.0.take_if(|(_, next)| *next != address) {
            ended.finish(out)?;
        }
        let (dump, next) = self
            .0
            .get_or_insert_with(|| (HexDump::at(address), address));
        *next = address.wrapping_add(length);
        Ok(dump)
    }

    pub(super) fn finish(self, out: &mut dyn Write) -> io::Result<()> {
        match self.0 {
            Some((dump, _)) => dump.finish(out),
            None => Ok(()),
        }
    }
}
