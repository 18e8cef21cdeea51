//! An image in a regular file, in which a later read can continue.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

use super::{
    form::{self, Form, HEADER, LAST, header},
    holes::Hole,
    sidecar::Request,
};
use crate::PAGE_LENGTH;

/// An image that is being written.
pub(super) struct Image {
    file: File,
    form: Form,
    /// The offset of the next byte.
    at: u64,
    /// The `LiME` segment that more bytes may be added to.
    segment: Option<Segment>,
}

/// A segment. Its header covers all that is left of the range, until the segment is closed.
struct Segment {
    /// The offset of its header.
    header: u64,
    first: u64,
    /// The last address in its header.
    last: u64,
    /// The address of the next byte.
    next: u64,
}

/// What a file holds of a request.
pub(super) enum Found {
    /// An image, and how many of the bytes asked for are in it.
    Image(Image, u64),
    /// Something that no read leaves; the length of the file.
    Foreign(u64),
}

impl Image {
    /// Creates an image in an empty file.
    pub(super) const fn new(file: File, form: Form) -> Self {
        Self {
            file,
            form,
            at: 0,
            segment: None,
        }
    }

    /// Finds the image that an earlier read left.
    pub(super) fn found(mut file: File, request: &Request) -> io::Result<Found> {
        let length = file.seek(SeekFrom::End(0))?;
        let mut image = Self::new(file, request.form());
        image.at = length;
        let position = match request.form() {
            Form::Ranges => Some(length).filter(|length| *length <= request.total()),
            Form::Addresses => request.position_of_end(length),
            Form::Lime => image.segments(length, request)?,
        };
        Ok(position.map_or(Found::Foreign(length), |position| {
            Found::Image(image, position)
        }))
    }

    /// Finds the segments of a file of `length` bytes, and corrects the header of the last one.
    /// Returns how many of the bytes asked for are done.
    fn segments(&mut self, length: u64, request: &Request) -> io::Result<Option<u64>> {
        let mut position = 0;
        self.at = 0;
        while self.at < length {
            let mut bytes = [0; 32];
            let header = self.at;
            if length - header < HEADER {
                break;
            }
            self.file.seek(SeekFrom::Start(header))?;
            self.file.read_exact(&mut bytes)?;
            let Some((first, last)) = form::addresses(bytes) else {
                return Ok(None);
            };
            let is_next = |begins: &u64| *begins >= position && first.is_multiple_of(PAGE_LENGTH);
            let Some(begins) = request.position_of(first).filter(is_next) else {
                return Ok(None);
            };
            let covered = (last - first).saturating_add(1);
            let there = (length - header - HEADER).min(covered);
            // An incomplete page is read again: segments have whole pages.
            let there = there - there % PAGE_LENGTH;
            position = begins.saturating_add(there);
            self.at = header + HEADER + there;
            self.segment = Some(Segment {
                header,
                first,
                last,
                next: first.saturating_add(there),
            });
            if there < covered {
                break;
            }
        }
        self.close()?;
        self.cut(self.at)?;
        Ok(Some(position))
    }

    /// Writes bytes at a position of the request. `last` is the last address of their range. Adds
    /// the bytes written to the position, also on failure.
    pub(super) fn bytes(
        &mut self,
        position: &mut u64,
        address: u64,
        last: u64,
        bytes: &[u8],
    ) -> io::Result<()> {
        match self.form {
            Form::Ranges => self.go_to(*position)?,
            Form::Addresses => self.go_to(address)?,
            Form::Lime => self.segment_of(address, last)?,
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    rest = rest.get(count..).unwrap_or_default();
                    let count = count as u64;
                    self.at += count;
                    *position += count;
                    if let Some(segment) = &mut self.segment {
                        segment.next = segment.next.saturating_add(count);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Leaves a hole, for which sparse files store nothing.
    pub(super) fn hole(&mut self, position: u64, hole: &Hole) -> io::Result<()> {
        let begin = match self.form {
            Form::Ranges => position,
            Form::Addresses => hole.source.address(),
            Form::Lime => return self.close(),
        };
        let end = begin.saturating_add(hole.length);
        self.file.set_len(end)?;
        self.go_to(end)
    }

    /// Corrects the header of the last segment, so that it covers only what was written.
    pub(super) fn close(&mut self) -> io::Result<()> {
        let Some(segment) = self.segment.take() else {
            return Ok(());
        };
        if segment.next == segment.first {
            return self.cut(segment.header);
        }
        let last = segment.next - 1;
        if last != segment.last {
            self.file.seek(SeekFrom::Start(segment.header + LAST))?;
            self.file.write_all(&last.to_le_bytes())?;
            self.file.seek(SeekFrom::Start(self.at))?;
        }
        Ok(())
    }

    /// Closes the image, and waits until it is on the disk.
    pub(super) fn complete(mut self) -> io::Result<()> {
        self.close()?;
        self.file.sync_all()
    }

    fn segment_of(&mut self, address: u64, last: u64) -> io::Result<()> {
        let continues = |segment: &Segment| segment.next == address && address <= segment.last;
        if self.segment.as_ref().is_some_and(continues) {
            return Ok(());
        }
        self.close()?;
        let begin = self.at;
        self.file.write_all(&header(address, last))?;
        self.at += HEADER;
        self.segment = Some(Segment {
            header: begin,
            first: address,
            last,
            next: address,
        });
        Ok(())
    }

    fn go_to(&mut self, offset: u64) -> io::Result<()> {
        if offset != self.at {
            self.at = self.file.seek(SeekFrom::Start(offset))?;
        }
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.at = self.file.seek(SeekFrom::Start(length))?;
        Ok(())
    }
}
