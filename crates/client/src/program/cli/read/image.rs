//! An image in a file, where what was written can be found again.

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

/// An image under way.
pub(super) struct Image {
    file: File,
    form: Form,
    /// Where the next byte goes.
    at: u64,
    /// The `LiME` segment that may still go on.
    segment: Option<Segment>,
}

/// A segment, whose header promises all that is left of its range.
struct Segment {
    /// Where its header is.
    header: u64,
    first: u64,
    promised: u64,
    /// The address of the next byte.
    next: u64,
}

/// What an image holds of a request.
pub(super) enum Found {
    /// The image, and how many of the bytes asked for are in it.
    Image(Image, u64),
    /// Something else than the request leaves: a file of so many bytes.
    Foreign(u64),
}

impl Image {
    /// A new one, in an empty file.
    pub(super) const fn new(file: File, form: Form) -> Self {
        Self {
            file,
            form,
            at: 0,
            segment: None,
        }
    }

    /// The one that an earlier read left.
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

    /// Looks through the segments of a file of so many bytes, and takes back what the last one
    /// promises and does not have. Gives how far they came in the request.
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
            let promised = (last - first).saturating_add(1);
            let there = (length - header - HEADER).min(promised);
            // What is there of a page that was under way is read again: segments are of whole pages.
            let there = there - there % PAGE_LENGTH;
            position = begins.saturating_add(there);
            self.at = header + HEADER + there;
            self.segment = Some(Segment {
                header,
                first,
                promised: last,
                next: first.saturating_add(there),
            });
            if there < promised {
                break;
            }
        }
        self.close()?;
        self.cut(self.at)?;
        Ok(Some(position))
    }

    /// Writes bytes, of which so many were asked for before these. `last` is the last address of
    /// their range. Counts what is in the file, also where not all of it is.
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

    /// Leaves a hole, which file systems that can do so store nothing for.
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

    /// Lets no header promise more than is there.
    pub(super) fn close(&mut self) -> io::Result<()> {
        let Some(segment) = self.segment.take() else {
            return Ok(());
        };
        if segment.next == segment.first {
            return self.cut(segment.header);
        }
        let last = segment.next - 1;
        if last != segment.promised {
            self.file.seek(SeekFrom::Start(segment.header + LAST))?;
            self.file.write_all(&last.to_le_bytes())?;
            self.file.seek(SeekFrom::Start(self.at))?;
        }
        Ok(())
    }

    /// Closes it, and waits until it is on the disk.
    pub(super) fn complete(mut self) -> io::Result<()> {
        self.close()?;
        self.file.sync_all()
    }

    fn segment_of(&mut self, address: u64, last: u64) -> io::Result<()> {
        let goes_on = |segment: &Segment| segment.next == address && address <= segment.promised;
        if self.segment.as_ref().is_some_and(goes_on) {
            return Ok(());
        }
        self.close()?;
        let begin = self.at;
        self.file.write_all(&header(address, last))?;
        self.at += HEADER;
        self.segment = Some(Segment {
            header: begin,
            first: address,
            promised: last,
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
