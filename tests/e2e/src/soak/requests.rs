//! Requests that the driver understands: of every kind, about memory of every kind.

use ringcopy_client::protocol::{
    BatchEntry, BatchRequest, CODES, CallerCopyRequest, Code, CopyMemoryRequest,
    CopyThroughRequest, DEVICE_PAGE_LENGTH, DeviceCopyRequest, DeviceDirection, Header,
    InformationRequest, MemoryRangesRequest, RequestKind, SESSION_LENGTH, SESSION_PAGES,
    ScatterEntry, ScatterRequest, validate,
};
use zerocopy::{Immutable, IntoBytes};

use super::{
    model::{Model, Request},
    random::Random,
    user_memory::{MESSAGE_PAGES, PAGE, PAGES, START},
};

/// The most entries of a request that is not about their limit.
const ENTRIES: u64 = 6;

/// Chooses what requests are about, from the state that they are sent in.
pub(super) struct Chooser<'m> {
    pub(super) random: &'m mut Random,
    pub(super) model: &'m Model,
    /// Whether many copies are longer than what a request copies before it looks whether it is
    /// cancelled.
    pub(super) long: bool,
}

impl Chooser<'_> {
    /// A request of any kind.
    pub(super) fn request(&mut self) -> Request {
        let index = self.random.index(CODES.len());
        self.of_kind(CODES[index].kind)
    }

    /// A request of a kind.
    pub(super) fn of_kind(&mut self, kind: RequestKind) -> Request {
        let code = Code::of(kind);
        let (input, output) = match kind {
            RequestKind::Information => (
                bytes_of::<InformationRequest>(|header| InformationRequest { header }),
                0,
            ),
            RequestKind::CopyFrom | RequestKind::CopyTo => (self.caller_copy(), 0),
            RequestKind::CopyThrough => (self.copy_through(), 0),
            RequestKind::DeviceCopy => self.device_copy(),
            RequestKind::CopyMemory => self.copy_memory(),
            RequestKind::CopyBatch => self.copy_batch(),
            RequestKind::CopyScatter => self.copy_scatter(),
            RequestKind::MemoryRanges => {
                let first = u32::try_from(self.random.below(8)).unwrap_or_default();
                let input = bytes_of(|header| MemoryRangesRequest {
                    header,
                    first,
                    reserved: 0,
                });
                (input, self.random.index(200))
            }
        };
        let more = if self.random.once_in(4) {
            self.random.index(40)
        } else {
            0
        };
        Request {
            code: code.value,
            input,
            output: code.response_length + output + more,
            at: None,
        }
    }

    /// Bytes of one copy: most are short, some end with a page or a piece of the driver's.
    fn length(&mut self, most: u64) -> u64 {
        let page = PAGE as u64;
        if self.long && self.random.once_in(2) {
            return self.random.below(17 * page).min(most);
        }
        let length = match self.random.below(100) {
            0..=5 => 0,
            6..=59 => self.random.below(64),
            60..=92 => self.random.below(600),
            93..=97 => self.random.below(2 * page),
            98 => (self.random.pick(&[4096, 8192, 16384]) + self.random.below(3)) - 1,
            _ => self.random.below(6 * page),
        };
        length.min(most)
    }

    /// An address in the caller's memory, often next to a page's edge.
    fn user_address(&mut self) -> u64 {
        if self.random.once_in(40) {
            return self.wild_address();
        }
        let pages = (PAGES - MESSAGE_PAGES) as u64;
        let page = START + self.random.below(pages + 1) * PAGE as u64;
        match self.random.below(4) {
            0 => page.wrapping_sub(self.random.below(80)),
            1 => page,
            2 => page + (self.random.below(PAGE as u64) & !7),
            _ => page + self.random.below(PAGE as u64),
        }
    }

    /// An address without memory, or next to where a kind of memory ends.
    pub(super) fn wild_address(&mut self) -> u64 {
        let near = self.random.below(128);
        let ends = [
            0,
            self.model.system.user_limit,
            1 << 47,
            1 << 56,
            self.model.system.start,
            u64::MAX,
            START,
        ];
        match self.random.below(3) {
            0 => self.random.pick(&ends).wrapping_sub(near),
            1 => self.random.pick(&ends).wrapping_add(near),
            _ => self.random.next(),
        }
    }

    fn alignment(&mut self) -> u32 {
        self.random
            .pick(&[1, 1, 1, 1, 1, 1, 2, 4, 8, 16, 4096, 0, 3])
    }

    fn mode(&mut self) -> u32 {
        u32::from(self.random.once_in(2))
    }

    fn caller_copy(&mut self) -> Vec<u8> {
        let length = self.length(SESSION_LENGTH);
        let session_offset = self.random.below(SESSION_LENGTH - length + 1);
        let (address, alignment) = (self.user_address(), self.alignment());
        let mode = self.mode();
        bytes_of(|header| CallerCopyRequest {
            header,
            address,
            length,
            session_offset,
            alignment,
            mode,
        })
    }

    fn copy_through(&mut self) -> Vec<u8> {
        let (source, destination) = (self.user_address(), self.user_address());
        let length = self.length(u64::MAX);
        let (alignment, mode) = (self.alignment(), self.mode());
        bytes_of(|header| CopyThroughRequest {
            header,
            source,
            destination,
            length,
            alignment,
            mode,
        })
    }

    fn device_copy(&mut self) -> (Vec<u8>, usize) {
        let whole = DEVICE_PAGE_LENGTH;
        let narrow = |number: u64| u32::try_from(number).unwrap_or_default();
        let most = u64::from(whole);
        let length = narrow(self.length(most));
        let mut offset = |length: u32| narrow(self.random.below((whole - length + 1).into()));
        let (one, other) = (offset(length), offset(length));
        let direction = [
            DeviceDirection::ToDevice,
            DeviceDirection::FromDevice,
            DeviceDirection::Within,
        ];
        let direction = self.random.pick(&direction);
        let (source_offset, destination_offset, output) = match direction {
            DeviceDirection::ToDevice => (0, one, 0),
            DeviceDirection::FromDevice => (one, 0, length as usize),
            DeviceDirection::Within => (one, other, 0),
        };
        let mut input = bytes_of(|header| DeviceCopyRequest {
            header,
            direction: direction as u32,
            length,
            source_offset,
            destination_offset,
        });
        if direction == DeviceDirection::ToDevice {
            input.extend(self.random.bytes(length as usize));
        }
        (input, output)
    }

    /// Flags and address of memory that a request may want copied.
    fn source(&mut self) -> (u32, u64) {
        const PHYSICAL: u32 = 1;
        const VIRTUAL: u32 = 2;
        let near = self.random.below(100);
        let file = &self.model.files[self.random.index(self.model.files.len())];
        let session = self.random.below(SESSION_LENGTH + 64);
        match self.random.below(20) {
            0..=7 => (VIRTUAL, self.user_address()),
            8 | 9 => (VIRTUAL, file.session_address.wrapping_add(session)),
            10 => {
                let page = (session / PAGE as u64).min(SESSION_PAGES as u64 - 1);
                let address = file.session_pages[usize::try_from(page).unwrap_or_default()];
                (PHYSICAL, address.wrapping_add(session - page * PAGE as u64))
            }
            11..=15 => {
                let pieces = self.model.system.pieces();
                let index = self.random.index(pieces.len());
                let (address, length, physical) =
                    self.model.system.pieces().nth(index).unwrap_or_default();
                let offset = match self.random.below(4) {
                    0 => 0,
                    1 => length,
                    _ => self.random.below(length),
                };
                if self.random.once_in(3) {
                    (PHYSICAL, physical.wrapping_add(offset).wrapping_sub(near))
                } else {
                    (VIRTUAL, (address + offset).wrapping_sub(near))
                }
            }
            16 => {
                let (block, bytes) = self.model.system.block();
                (PHYSICAL, block + self.random.below(bytes.len() as u64))
            }
            17 => {
                let ram = self.model.system.ram();
                let range = self.random.pick(ram);
                let edge = self.random.pick(&[range.base, range.base + range.length]);
                (PHYSICAL, edge.wrapping_sub(near).wrapping_add(32))
            }
            18 => {
                let memory = &self.model.memories[self.random.index(self.model.memories.len())];
                let frame = self.random.pick(&memory.frames);
                (PHYSICAL, frame + self.random.below(PAGE as u64))
            }
            _ => {
                let flags = self.random.pick(&[PHYSICAL, VIRTUAL, VIRTUAL, 0, 3, 6]);
                (flags, self.wild_address())
            }
        }
    }

    fn engine(&mut self) -> u32 {
        self.random.pick(&[0, 0, 1, 2])
    }

    fn copy_memory(&mut self) -> (Vec<u8>, usize) {
        let ((flags, address), length) = (self.source(), self.length(u64::MAX));
        let engine = self.engine();
        let input = bytes_of(|header| CopyMemoryRequest {
            header,
            address,
            length,
            flags,
            engine,
        });
        (input, usize::try_from(length).unwrap_or_default())
    }

    const fn count(&mut self) -> u64 {
        self.random.below(ENTRIES + 1)
    }

    fn entry_length(&mut self) -> u32 {
        u32::try_from(self.length(u64::MAX)).unwrap_or_default()
    }

    fn copy_batch(&mut self) -> (Vec<u8>, usize) {
        let entries: Vec<BatchEntry> = (0..self.count())
            .map(|_| {
                let (flags, address) = self.source();
                BatchEntry {
                    address,
                    length: self.entry_length(),
                    flags,
                }
            })
            .collect();
        let total: usize = entries.iter().map(|entry| entry.length as usize).sum();
        let count = u32::try_from(entries.len()).unwrap_or_default();
        let engine = self.engine();
        let mut input = bytes_of(|header| BatchRequest {
            header,
            count,
            engine,
        });
        input.extend(entries.as_bytes());
        (
            input,
            validate::results_end(entries.len()) - validate::results_end(0) + total,
        )
    }

    fn copy_scatter(&mut self) -> (Vec<u8>, usize) {
        let entries: Vec<ScatterEntry> = (0..self.count())
            .map(|_| {
                let (flags, source) = self.source();
                ScatterEntry {
                    source,
                    target: self.user_address(),
                    length: self.entry_length(),
                    flags,
                }
            })
            .collect();
        let count = u32::try_from(entries.len()).unwrap_or_default();
        let engine = self.engine();
        let mut input = bytes_of(|header| ScatterRequest {
            header,
            count,
            engine,
        });
        input.extend(entries.as_bytes());
        (
            input,
            validate::results_end(entries.len()) - validate::results_end(0),
        )
    }
}

fn bytes_of<T: IntoBytes + Immutable>(request: impl FnOnce(Header) -> T) -> Vec<u8> {
    request(Header::of::<T>()).as_bytes().to_vec()
}
