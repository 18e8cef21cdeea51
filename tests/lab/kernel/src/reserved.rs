//! Contiguous memory, and reserved addresses that drivers map themselves.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use crate::bugcheck::{Code, bugcheck_here, violation};
use crate::global::Global;
use crate::memory::paging::bits;
use crate::memory::{PAGE, frames, kernel_space, phys, system};
use crate::object::locked;
use crate::pool::tag_text;
use crate::raw;

/// The contents of contiguous memory that is not initialised.
const UNINITIALIZED: u64 = 0xD5D5_D5D5_D5D5_D5D5;

#[derive(Clone, Copy)]
enum Reservation {
    /// Frames from the first on.
    Contiguous { frame: u64, size: u64 },
    /// Addresses, with the tag that they were reserved with.
    Addresses { tag: u32 },
}

static RESERVATIONS: Global<BTreeMap<u64, Reservation>> = Global::new(BTreeMap::new());

/// The constraints of an allocation of contiguous memory.
pub(crate) struct Constraints {
    pub(crate) size: u64,
    pub(crate) lowest: u64,
    pub(crate) highest: u64,
    pub(crate) boundary: u64,
    pub(crate) uncached: bool,
}

/// Allocates contiguous memory, not initialised; `None` if there is none.
pub(crate) fn allocate_contiguous(constraints: &Constraints) -> Option<u64> {
    let pages = constraints.size.div_ceil(PAGE);
    let frame = frames::allocate_contiguous(
        pages,
        constraints.lowest,
        constraints.highest,
        constraints.boundary,
    )?;
    let mut flags = bits::KERNEL_DATA;
    if constraints.uncached {
        flags |= bits::UNCACHED;
    }
    for page in 0..pages {
        phys::fill_frame(frame + page * PAGE, UNINITIALIZED);
    }
    let address = system::map(pages, flags, |page| frame + page * PAGE)?;
    let reservation = Reservation::Contiguous {
        frame,
        size: constraints.size,
    };
    RESERVATIONS.with(|all| all.insert(address, reservation));
    Some(address)
}

/// Frees contiguous memory.
pub(crate) fn free_contiguous(address: u64) {
    let Some(Reservation::Contiguous { frame, size }) = get(address) else {
        violation!("contiguous memory was freed at {address:#x}, where there is none");
    };
    let pages = size.div_ceil(PAGE);
    let slack = pages * PAGE - size;
    let end = address + size;
    if (0..slack).any(|at| raw::read::<u8>(end + at) != UNINITIALIZED as u8) {
        violation!("the end of the contiguous memory at {address:#x} was overrun");
    }
    locked::require_unlocked(address, pages);
    RESERVATIONS.with(|all| all.remove(&address));
    system::unmap(address);
    for page in 0..pages {
        frames::free(frame + page * PAGE);
    }
}

/// Reserves addresses that a driver maps itself.
pub(crate) fn reserve_addresses(size: u64, tag: u32) -> Option<u64> {
    let address = system::reserve(size.div_ceil(PAGE))?;
    RESERVATIONS.with(|all| all.insert(address, Reservation::Addresses { tag }));
    Some(address)
}

/// Releases reserved addresses. A mistake ends the run: "Bug Check 0xDA: `SYSTEM_PTE_MISUSE`".
pub(crate) fn release_addresses(address: u64, tag: u32) {
    let misuse = |parameters| -> ! { bugcheck_here(Code::SYSTEM_PTE_MISUSE, parameters) };
    let Some(Reservation::Addresses { tag: owner }) = get(address) else {
        // 0x102: nothing is reserved there.
        misuse([0x102, address, u64::from(tag), 0]);
    };
    if owner != tag {
        // 0x101: reserved with another tag.
        misuse([0x101, address, u64::from(tag), u64::from(owner)]);
    }
    let pages = system::pages_of(address).unwrap_or(0);
    for page in 0..pages {
        let at = address + page * PAGE;
        if kernel_space::system().get(at) != 0 {
            // 0x103: a page is still mapped.
            misuse([0x103, at, u64::from(tag), pages]);
        }
    }
    RESERVATIONS.with(|all| all.remove(&address));
    system::release(address);
}

fn get(address: u64) -> Option<Reservation> {
    RESERVATIONS.with(|all| all.get(&address).copied())
}

/// Returns the number of live reservations.
pub(crate) fn count() -> u64 {
    RESERVATIONS.with(|all| all.len() as u64)
}

/// Returns a line for each live reservation.
pub(crate) fn left() -> Vec<String> {
    RESERVATIONS.with(|all| {
        all.iter()
            .map(|(address, reservation)| match reservation {
                Reservation::Contiguous { size, .. } => {
                    format!("contiguous memory: {size} bytes at {address:#x}")
                }
                Reservation::Addresses { tag } => {
                    format!("mapping address: {address:#x}, tag '{}'", tag_text(*tag))
                }
            })
            .collect()
    })
}
