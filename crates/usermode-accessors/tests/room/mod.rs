//! Memory to copy from and to, every byte of which is looked at afterwards.
#![allow(
    dead_code,
    reason = "shared by test programs of which each uses a part"
)]

use std::slice;

pub const LARGEST: usize = 260;
pub const MISALIGNMENTS: usize = 16;
/// Room for the largest copy at the largest misalignment, and for untouched bytes after it.
pub const ROOM: usize = LARGEST + 2 * MISALIGNMENTS;
pub const UNTOUCHED: u8 = 0xEE;

/// Heap memory aligned to 16: its addresses are user addresses wherever these tests run.
pub struct Room(Box<[u128]>);

impl Room {
    pub fn new() -> Self {
        Self(vec![u128::from_ne_bytes([UNTOUCHED; 16]); ROOM.div_ceil(16)].into())
    }

    pub fn bytes(&mut self) -> &mut [u8] {
        let (pointer, length) = (self.0.as_mut_ptr().cast(), size_of_val(&*self.0));
        // SAFETY: the same memory, seen as bytes.
        unsafe { slice::from_raw_parts_mut(pointer, length) }
    }

    /// Puts back the pattern that differs at every place and is never [`UNTOUCHED`].
    pub fn number(&mut self) {
        for (byte, number) in self.bytes().iter_mut().zip((0..=0xEC_u8).cycle()) {
            *byte = number;
        }
    }

    pub fn clear(&mut self) {
        self.bytes().fill(UNTOUCHED);
    }

    pub fn pointer(&mut self, offset: usize) -> *mut u8 {
        self.bytes()[offset..].as_mut_ptr()
    }

    pub fn address(&mut self, offset: usize) -> usize {
        self.pointer(offset).expose_provenance()
    }
}

/// Runs `copy(destination, source, length)` over sizes and misalignments, and looks at every
/// byte of the destination afterwards.
pub fn copies(copy: impl Fn(*mut u8, *const u8, usize)) {
    let (mut from, mut to) = (Room::new(), Room::new());
    from.number();
    for source in 0..MISALIGNMENTS {
        for destination in 0..MISALIGNMENTS {
            for length in 0..=LARGEST {
                to.clear();
                copy(to.pointer(destination), from.pointer(source), length);
                let (before, rest) = to.bytes().split_at(destination);
                let (moved, after) = rest.split_at(length);
                let case = (source, destination, length);
                assert_eq!(moved, &from.bytes()[source..source + length], "{case:?}");
                assert!(before.iter().all(|byte| *byte == UNTOUCHED), "{case:?}");
                assert!(after.iter().all(|byte| *byte == UNTOUCHED), "{case:?}");
            }
        }
    }
}
