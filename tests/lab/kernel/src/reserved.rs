//! Contiguous memory, and reserved addresses that drivers map themselves.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::bugcheck::{Code, bugcheck_here, violation};
use crate::global::Global;
use crate::memory::paging::bits;
use crate::memory::{PAGE, frames, kernel_space, phys, system};
use crate::object::locked;
use crate::pool::tag_text;
use crate::{broadcast, raw, withheld};

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
    let address = system::reserve_apart(size.div_ceil(PAGE))?;
    RESERVATIONS.with(|all| all.insert(address, Reservation::Addresses { tag }));
    withheld::protect();
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
    for page in 0..pages {
        require_forgotten(address + page * PAGE);
    }
    RESERVATIONS.with(|all| all.remove(&address));
    system::release(address);
}

/// Processors that no longer remember a page of mapping addresses, a bit each.
static FORGOTTEN: Global<BTreeMap<u64, u64>> = Global::new(BTreeMap::new());

/// The pages of all mapping addresses.
pub(crate) fn mapping_pages() -> Vec<u64> {
    let starts: Vec<u64> = RESERVATIONS.with(|all| {
        let addresses =
            |reservation: &Reservation| matches!(reservation, Reservation::Addresses { .. });
        let chosen = all.iter().filter(|(_, reservation)| addresses(reservation));
        chosen.map(|(&address, _)| address).collect()
    });
    let pages =
        |start| (0..system::pages_of(start).unwrap_or(0)).map(move |page| start + page * PAGE);
    starts.into_iter().flat_map(pages).collect()
}

/// Whether a page is one of them.
pub(crate) fn is_mapping_page(page: u64) -> bool {
    let before = RESERVATIONS.with(|all| {
        let (&start, &reservation) = all.range(..=page).next_back()?;
        matches!(reservation, Reservation::Addresses { .. }).then_some(start)
    });
    before.is_some_and(|start| page - start < system::pages_of(start).unwrap_or(0) * PAGE)
}

/// Says which processors no longer remember a page.
pub(crate) fn set_forgotten(page: u64, processors: u64) {
    FORGOTTEN.with(|all| all.insert(page, processors));
}

/// Ends the run if a processor may remember a page that is given back: the memory manager would map
/// another owner's memory there.
fn require_forgotten(page: u64) {
    let forgotten = FORGOTTEN.with(|all| all.remove(&page)).unwrap_or(0);
    let left = broadcast::everyone() & !forgotten;
    if left != 0 {
        violation!(
            "the mapping address {page:#x} was given back while processor {} may remember what was \
             mapped there",
            left.trailing_zeros()
        );
    }
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
