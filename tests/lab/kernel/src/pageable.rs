//! Pageable memory, which is out while the IRQL is raised to `DISPATCH_LEVEL` or above.
//!
//! Source: "Force IRQL Checking", Windows driver documentation. A page of system memory is brought
//! in by the first access below `DISPATCH_LEVEL`. The user half is away as a whole: the processor
//! runs on the system process's tables, which lack it.

use alloc::collections::BTreeMap;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::global::Global;
use crate::memory::paging::{Tables, bits};
use crate::memory::{PAGE, kernel_space, page_of};
use crate::options;
use crate::processor::{MOST, PerProcessor};

/// A bit in the entries of pages that are out, which the processor ignores.
const OUT: u64 = 1 << 11;

/// The pages of system memory, by address, each with its entry while it is out, or 0.
static PAGES: Global<BTreeMap<u64, u64>> = Global::new(BTreeMap::new());
/// How many there are.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// The tables that each processor left, or 0.
static LEFT: PerProcessor<AtomicU64> = PerProcessor([const { AtomicU64::new(0) }; MOST]);
/// How often the IRQL was raised.
static RAISES: AtomicU64 = AtomicU64::new(0);

/// Adds pages, which are mapped.
pub(crate) fn add(start: u64, pages: u64) {
    PAGES.with(|all| all.extend((0..pages).map(|page| (start + page * PAGE, 0))));
    COUNT.fetch_add(pages, Ordering::Relaxed);
}

/// Brings in pages and removes them, if they were added.
pub(crate) fn remove(start: u64, pages: u64) {
    for page in (0..pages).map(|page| start + page * PAGE) {
        bring_in(page);
        if PAGES.with(|all| all.remove(&page)).is_some() {
            COUNT.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Whether an address lies in pageable memory.
pub(crate) fn contains(address: u64) -> bool {
    COUNT.load(Ordering::Relaxed) > 0 && PAGES.with(|all| all.contains_key(&page_of(address)))
}

/// Brings in the page of an address; `false` if it is in or not pageable.
pub(crate) fn bring_in(address: u64) -> bool {
    let page = page_of(address);
    COUNT.load(Ordering::Relaxed) > 0
        && PAGES.with(|all| {
            let entry = all.get_mut(&page).map_or(0, core::mem::take);
            if entry != 0 {
                kernel_space::system().set(page, entry);
            }
            entry != 0
        })
}

/// Takes all pages out, as this processor's IRQL is raised. The user half is taken away each time
/// or now and then, as the command line says, because loading tables is slow in a virtual machine.
pub(crate) fn trim() {
    if COUNT.load(Ordering::Relaxed) > 0 {
        PAGES.with(|all| {
            for (&page, entry) in all.iter_mut().filter(|(_, entry)| **entry == 0) {
                *entry = kernel_space::system().get(page);
                kernel_space::system().set(page, *entry & !bits::PRESENT | OUT);
            }
        });
    }
    let interval = options::trim_interval();
    let number = RAISES.fetch_add(1, Ordering::Relaxed);
    if number.is_multiple_of(interval) {
        let tables = Tables::current();
        if tables != kernel_space::system() {
            LEFT.here().store(tables.0, Ordering::Relaxed);
            kernel_space::system().activate();
        }
    }
}

/// Returns the user half that [`trim`] has taken away, as the IRQL is lowered.
pub(crate) fn return_user_half() {
    let left = LEFT.here().swap(0, Ordering::Relaxed);
    if left != 0 {
        Tables(left).activate();
    }
}

/// Returns the tables of the current process, for the lab's own accesses at any IRQL.
pub(crate) fn user_tables() -> Tables {
    match LEFT.here().load(Ordering::Relaxed) {
        0 => Tables::current(),
        left => Tables(left),
    }
}
