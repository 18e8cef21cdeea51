//! The mappings region: reserving addresses, and mapping frames there.

use super::layout::{MAPPINGS, REGION_LENGTH};
use super::paging::bits;
use super::reservations::Reservations;
use super::{PAGE, frames, kernel_space};
use crate::global::Global;
use crate::random;

static REGION: Global<Reservations> = Global::new(Reservations::new(MAPPINGS, REGION_LENGTH));

/// What drivers map themselves: its page tables map nothing else.
static APART: Global<Reservations> = Global::new(Reservations::new(APART_START, REGION_LENGTH));

const APART_START: u64 = MAPPINGS + REGION_LENGTH;

const fn region_of(address: u64) -> &'static Global<Reservations> {
    if address < APART_START {
        &REGION
    } else {
        &APART
    }
}

/// Reserves page-aligned addresses, whose tables exist and whose entries are empty.
pub(crate) fn reserve(pages: u64) -> Option<u64> {
    reserve_in(&REGION, pages)
}

/// The same, in page tables that map nothing but what is reserved in this way.
pub(crate) fn reserve_apart(pages: u64) -> Option<u64> {
    reserve_in(&APART, pages)
}

fn reserve_in(region: &Global<Reservations>, pages: u64) -> Option<u64> {
    let gap = random::below(4);
    let start = region.with(|region| region.reserve(pages, gap));
    for page in 0..pages {
        if kernel_space::system()
            .make_entry(start + page * PAGE)
            .is_none()
        {
            release(start);
            return None;
        }
    }
    Some(start)
}

/// Releases a reservation, whose pages are unmapped, and returns its number of pages.
pub(crate) fn release(start: u64) -> Option<u64> {
    region_of(start).with(|region| region.release(start))
}

/// Returns the number of pages of a reservation.
pub(crate) fn pages_of(start: u64) -> Option<u64> {
    region_of(start).with(|region| region.pages_of(start))
}

/// Reserves addresses and maps each page to the frame that `frame_of` names.
pub(crate) fn map(pages: u64, flags: u64, frame_of: impl Fn(u64) -> u64) -> Option<u64> {
    let start = reserve(pages)?;
    for page in 0..pages {
        kernel_space::system().map(start + page * PAGE, frame_of(page), flags)?;
    }
    Some(start)
}

/// Unmaps and releases a reservation. The caller owns the frames.
pub(crate) fn unmap(start: u64) -> Option<u64> {
    let pages = release(start)?;
    for page in 0..pages {
        kernel_space::system().unmap(start + page * PAGE);
    }
    Some(pages)
}

/// Allocates memory of the lab's own that is never freed and is contiguous only in virtual memory.
pub(crate) fn allocate_permanent(pages: u64) -> u64 {
    let list = frames::allocate_many(pages).expect("memory ran out at start");
    map(pages, bits::KERNEL_DATA, |page| list[page as usize]).expect("memory ran out at start")
}
