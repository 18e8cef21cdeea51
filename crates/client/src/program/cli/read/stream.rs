//! An image that goes to standard output, a device or a pipe: in one go, without a way back.

use std::{
    fs::File,
    io::{self, Write},
};

use super::{
    form::{Form, header},
    holes::Hole,
};

/// Zeros that are written at a time.
const ZEROS: usize = 1 << 16;

/// An image under way.
pub(super) struct Stream {
    form: Form,
    /// Where it goes, and what that is called; absent for standard output.
    pub(super) to: Option<(File, String)>,
    /// Bytes written.
    at: u64,
}

impl Stream {
    pub(super) const fn new(form: Form, to: Option<(File, String)>) -> Self {
        Self { form, to, at: 0 }
    }

    pub(super) fn bytes(
        &mut self,
        out: &mut dyn Write,
        address: u64,
        bytes: &[u8],
    ) -> io::Result<()> {
        match self.form {
            Form::Ranges => {}
            Form::Addresses => self.zeros(out, address.saturating_sub(self.at))?,
            Form::Lime => {
                // What follows these bytes is not known yet, and no header can be changed later.
                let last = address.saturating_add((bytes.len() as u64).saturating_sub(1));
                self.put(out, &header(address, last))?;
            }
        }
        self.put(out, bytes)
    }

    pub(super) fn hole(&mut self, out: &mut dyn Write, hole: &Hole) -> io::Result<()> {
        match self.form {
            Form::Ranges => self.zeros(out, hole.length),
            Form::Addresses => {
                let end = hole.source.address().saturating_add(hole.length);
                self.zeros(out, end.saturating_sub(self.at))
            }
            Form::Lime => Ok(()),
        }
    }

    fn zeros(&mut self, out: &mut dyn Write, count: u64) -> io::Result<()> {
        let zeros = vec![0; ZEROS];
        let mut left = count;
        while left > 0 {
            let some = usize::try_from(left).map_or(ZEROS, |left| left.min(ZEROS));
            self.put(out, zeros.get(..some).unwrap_or_default())?;
            left -= some as u64;
        }
        Ok(())
    }

    fn put(&mut self, out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
        match &mut self.to {
            Some((file, _)) => file.write_all(bytes)?,
            None => out.write_all(bytes)?,
        }
        self.at += bytes.len() as u64;
        Ok(())
    }
}
