//! The lab's own heap, for Rust's collections. Drivers allocate from [`crate::pool`] instead.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr;

use super::layout::LINEAR_LENGTH;
use super::{PAGE, frames, phys};
use crate::global::Global;

/// Free blocks of 16 << n bytes; each block's first word is the address of the next.
static CLASSES: Global<[u64; CLASS_COUNT]> = Global::new([0; CLASS_COUNT]);
const SMALLEST: usize = 16;
const CLASS_COUNT: usize = 8;

struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

fn class_of(layout: Layout) -> Option<usize> {
    let size = layout
        .size()
        .max(layout.align())
        .max(SMALLEST)
        .next_power_of_two();
    let class = (size / SMALLEST).trailing_zeros() as usize;
    (class < CLASS_COUNT).then_some(class)
}

const fn pages_of(layout: Layout) -> u64 {
    (layout.size() as u64).div_ceil(PAGE)
}

fn allocate_block(class: usize) -> u64 {
    let block = CLASSES.with(|classes| {
        let block = classes[class];
        if block != 0 {
            classes[class] = crate::raw::read(block);
        }
        block
    });
    if block != 0 {
        return block;
    }
    let Some(frame) = frames::allocate() else {
        return 0;
    };
    let (start, size) = (phys::linear(frame), (SMALLEST << class) as u64);
    CLASSES.with(|classes| {
        for block in (start + size..start + PAGE).step_by(size as usize) {
            crate::raw::write(block, classes[class]);
            classes[class] = block;
        }
    });
    start
}

// SAFETY: blocks come from frames that nothing else uses, are as large and as aligned as asked
// (page-sized ones are page-aligned; no type of the lab asks for more), and are handed out once.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let address = class_of(layout).map_or_else(
            || {
                frames::allocate_contiguous(pages_of(layout), 0, LINEAR_LENGTH, 0)
                    .map_or(0, phys::linear)
            },
            allocate_block,
        );
        if address == 0 {
            ptr::null_mut()
        } else {
            address as *mut u8
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let address = block as u64;
        match class_of(layout) {
            Some(class) => CLASSES.with(|classes| {
                crate::raw::write(address, classes[class]);
                classes[class] = address;
            }),
            None => {
                for page in 0..pages_of(layout) {
                    frames::free(phys::of_kernel(address) + page * PAGE);
                }
            }
        }
    }
}
