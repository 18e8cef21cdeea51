//! Pool. Every allocation is made as in Driver Verifier's special pool: it ends at the end of a
//! page, and the next page is never mapped, so that overruns fault. Freed memory is unmapped, so
//! that stale pointers fault.
//!
//! Source: "Special Pool", Windows driver documentation; alignment is that of `ExAllocatePool2`:
//! 16 bytes, and a whole page from `PAGE_SIZE` on.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::{format, string::String, vec::Vec};
use core::ops::Range;

use ringcopy_lab_mailbox::rules::Rule;

use crate::bugcheck::{Code, announce, bugcheck_here, violation};
use crate::failure;
use crate::global::Global;
use crate::memory::layout::{POOL, REGION_LENGTH};
use crate::memory::paging::bits;
use crate::memory::reservations::Reservations;
use crate::memory::{PAGE, frames, kernel_space, page_of};
use crate::serial::say;
use crate::{call, dpc, images, locks, pageable, raw, timers};

const ALIGNMENT: u64 = 16;
/// The contents of memory that is not initialised.
const UNINITIALIZED: u8 = 0xD5;
/// The bytes after an allocation, up to the end of its last page.
const SLACK: u8 = 0xA7;
/// Larger requests fail.
const LARGEST: u64 = 256 << 20;

/// The owner of an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A driver, which must free it.
    Driver,
    /// The lab, for structures that drivers read.
    Lab,
}

/// The contents of new memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Zeroed,
    Uninitialized,
}

#[derive(Clone, Copy)]
struct Allocation {
    /// The first page.
    start: u64,
    pages: u64,
    size: u64,
    tag: u32,
    owner: Owner,
    sequence: u64,
    /// Of a driver's: words of the stack, among which is the code that asked for it. Which words those are
    /// is decided when it is told, and not at each allocation.
    possible_callers: [u64; POSSIBLE_CALLERS],
}

/// How many words are kept of each allocation, and how many calls are told.
const POSSIBLE_CALLERS: usize = 16;
const CALLERS: usize = 4;

/// The kind of pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nonpaged,
    Paged,
}

struct Pool {
    region: Reservations,
    /// By address.
    live: BTreeMap<u64, Allocation>,
    /// The last that were freed, by address, to name what a stale pointer points to.
    freed: VecDeque<(u64, Allocation)>,
    sequence: u64,
}

/// How many freed allocations are remembered.
const REMEMBERED: usize = 256;

static STATE: Global<Pool> = Global::new(Pool {
    region: Reservations::new(POOL, REGION_LENGTH),
    live: BTreeMap::new(),
    freed: VecDeque::new(),
    sequence: 0,
});

/// Returns a tag as text: four characters, the first in the lowest byte.
pub(crate) fn tag_text(tag: u32) -> String {
    tag.to_le_bytes()
        .iter()
        .map(|&byte| {
            if byte.is_ascii_graphic() || byte == b' ' {
                byte as char
            } else {
                '.'
            }
        })
        .collect()
}

/// Allocates `size` bytes of a kind of pool for a driver; `None` as of [`allocate`].
pub(crate) fn allocate_of(kind: Kind, size: u64, tag: u32, content: Content) -> Option<u64> {
    let address = allocate(size, tag, content, Owner::Driver)?;
    if kind == Kind::Paged {
        pageable::add(page_of(address), size.div_ceil(PAGE));
    }
    Some(address)
}

/// Allocates `size` bytes of nonpaged pool; `None` if memory ran out, or the allocation was chosen to fail.
pub(crate) fn allocate(size: u64, tag: u32, content: Content, owner: Owner) -> Option<u64> {
    if owner == Owner::Driver && failure::strikes() {
        return None;
    }
    if size > LARGEST {
        return None;
    }
    let pages = size.div_ceil(PAGE).max(1);
    let list = frames::allocate_many(pages)?;
    let start = STATE.with(|pool| pool.region.reserve(pages, 0));
    for (page, &frame) in list.iter().enumerate() {
        let address = start + page as u64 * PAGE;
        let mapped = kernel_space::system().map(address, frame, bits::KERNEL_DATA);
        assert!(mapped.is_some(), "memory ran out for page tables");
    }
    let address = if size < PAGE {
        start + PAGE - size.next_multiple_of(ALIGNMENT)
    } else {
        start
    };
    // Frames come zeroed.
    if content == Content::Uninitialized {
        raw::fill(address, UNINITIALIZED, size);
    }
    raw::fill(address + size, SLACK, start + pages * PAGE - address - size);
    let possible_callers = match owner {
        Owner::Driver => call::possible_callers(),
        Owner::Lab => [0; POSSIBLE_CALLERS],
    };
    STATE.with(|pool| {
        pool.sequence += 1;
        let allocation = Allocation {
            start,
            pages,
            size,
            tag,
            owner,
            sequence: pool.sequence,
            possible_callers,
        };
        pool.live.insert(address, allocation);
    });
    Some(address)
}

/// Allocates memory of the lab that drivers read. Panics if memory runs out.
pub(crate) fn allocate_for_lab(size: u64, tag: [u8; 4]) -> u64 {
    let tag = u32::from_le_bytes(tag);
    allocate(size, tag, Content::Zeroed, Owner::Lab).expect("memory ran out")
}

/// Frees an allocation. A tag must be the allocation's. A mistake ends the run: "Bug Check 0xC2:
/// `BAD_POOL_CALLER`".
pub(crate) fn free(address: u64, tag: Option<u32>) {
    let Some(allocation) = STATE.with(|pool| pool.live.remove(&address)) else {
        announce(
            Rule::PoolFreed,
            format_args!("{address:#x} was freed, where no allocation is"),
        );
        // 7: freed already, or never allocated.
        bugcheck_here(Code::BAD_POOL_CALLER, [7, 0, 0, address]);
    };
    if let Some(tag) = tag.filter(|&tag| tag != allocation.tag) {
        let (is, said) = (u64::from(allocation.tag), u64::from(tag));
        let (own, other) = (tag_text(allocation.tag), tag_text(tag));
        announce(
            Rule::PoolTag,
            format_args!("{address:#x}, tag '{own}', was freed with '{other}'"),
        );
        // 0xA: another tag than that of the allocation.
        bugcheck_here(Code::BAD_POOL_CALLER, [0xA, address, is, said]);
    }
    let end = allocation.start + allocation.pages * PAGE;
    for at in address + allocation.size..end {
        if raw::read::<u8>(at) != SLACK {
            let size = allocation.size;
            announce(
                Rule::PoolOverrun,
                format_args!("{at:#x} was written, after the {size} bytes at {address:#x}"),
            );
            // 0x24: the pattern after the allocation has changed.
            bugcheck_here(
                Code::SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION,
                [address, at, allocation.size, 0x24],
            );
        }
    }
    crate::object::locked::require_unlocked(allocation.start, allocation.pages);
    require_idle(&(allocation.start..end));
    locks::forget(allocation.start..end);
    pageable::remove(allocation.start, allocation.pages);
    for page in (allocation.start..end).step_by(PAGE as usize) {
        let entry = kernel_space::system().unmap(page);
        if entry & bits::PRESENT == 0 {
            violation!("the page of pool at {page:#x} is not mapped");
        }
        frames::free(entry & bits::ADDRESS);
    }
    STATE.with(|pool| {
        pool.region.release(allocation.start);
        pool.freed.truncate(REMEMBERED - 1);
        pool.freed.push_front((address, allocation));
    });
}

/// Returns what was freed at an address, as a clause: `None` if nothing was, or long ago.
pub(crate) fn freed_at(address: u64) -> Option<String> {
    STATE.with(|pool| {
        let (start, allocation) = pool.freed.iter().find(|(_, freed)| {
            (freed.start..freed.start + freed.pages * PAGE).contains(&address)
        })?;
        let (size, tag) = (allocation.size, tag_text(allocation.tag));
        let callers = callers_text(allocation);
        Some(format!(
            "the {size} bytes at {start:#x}, tag '{tag}'{callers}, were freed"
        ))
    })
}

/// Ends the run if memory that is freed holds a set timer or a queued DPC: "Bug Check 0xC7:
/// `TIMER_OR_DPC_INVALID`".
fn require_idle(memory: &Range<u64>) {
    // 0: a timer; 1: a DPC.
    let timer = timers::set_in(memory).map(|timer| (0, timer.0));
    let call = || dpc::queued_in(memory).map(|call| (1, call.0));
    if let Some((kind, address)) = timer.or_else(call) {
        let what = if kind == 0 { "set timer" } else { "queued DPC" };
        say!("VIOLATION: memory was freed that holds the {what} at {address:#x}");
        let parameters = [kind, address, memory.start, memory.end];
        bugcheck_here(Code::TIMER_OR_DPC_INVALID, parameters);
    }
}

/// Returns the number of live allocations of drivers, and their bytes.
pub(crate) fn usage() -> (u64, u64) {
    STATE.with(|pool| {
        pool.live
            .values()
            .filter(|allocation| allocation.owner == Owner::Driver)
            .fold((0, 0), |(count, bytes), allocation| {
                (count + 1, bytes + allocation.size)
            })
    })
}

/// Returns a mark for [`left_since`].
pub(crate) fn mark() -> u64 {
    STATE.with(|pool| pool.sequence)
}

/// Returns which code asked for an allocation, as the end of a line.
fn callers_text(allocation: &Allocation) -> String {
    let callers = allocation.possible_callers.iter().filter(|&&word| {
        // The instructions before it are looked at, which may be out.
        pageable::bring_in(word);
        images::is_return_address(word)
    });
    let callers = callers.take(CALLERS).enumerate();
    callers.fold(String::new(), |text, (number, &caller)| {
        let word = if number == 0 { ", allocated by" } else { " <" };
        format!("{text}{word} {}", images::Location(caller))
    })
}

/// Returns a line for each live allocation that a driver made after a mark.
pub(crate) fn left_since(mark: u64) -> Vec<String> {
    STATE.with(|pool| {
        pool.live
            .iter()
            .filter(|(_, allocation)| {
                allocation.owner == Owner::Driver && allocation.sequence > mark
            })
            .map(|(address, allocation)| {
                let (size, tag) = (allocation.size, tag_text(allocation.tag));
                let callers = callers_text(allocation);
                format!("pool: {size} bytes at {address:#x}, tag '{tag}'{callers}")
            })
            .collect()
    })
}
