//! Frames that a hypervisor withholds: RAM that is on the list and mapped, and that faults.
//!
//! QEMU's own translator has no second level of page tables to take a frame away in. So the lab
//! watches what a driver maps by hand: the page tables of mapping addresses are write-protected where
//! they are mapped into themselves. A write to an entry is let through by a single step; where
//! the entry names a withheld frame by then, the lab sets a bit in it that the processor reserves. The
//! access that follows faults, and the lab raises what Windows makes of the general protection fault
//! that a hypervisor would have injected. One processor does this: another one could write an entry
//! while the first is let through.
//!
//! What is mapped in any other way is not withheld: the lab itself reads such frames.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::global::Global;
use crate::memory::paging::{self, Tables, bits, index};
use crate::memory::{kernel_space, page_of, phys};
use crate::{cpu, reserved};

/// Reserved in every entry, as the processor's physical addresses are narrower.
const RESERVED: u64 = 1 << 51;

static FRAMES: Global<Vec<u64>> = Global::new(Vec::new());
static ANY: AtomicBool = AtomicBool::new(false);
/// The entry that may be written for one instruction, by its address; 0: none.
static OPEN: AtomicU64 = AtomicU64::new(0);

/// Withholds a frame, or gives it back.
pub(crate) fn set(frame: u64, withheld: bool) {
    assert!(paging::width() < 52, "no bit is reserved");
    let any = FRAMES.with(|frames| {
        frames.retain(|&other| other != frame);
        if withheld {
            frames.push(frame);
        }
        !frames.is_empty()
    });
    ANY.store(any, Ordering::Relaxed);
    protect();
}

/// Whether the frame of a physical address is withheld.
pub(crate) fn is(address: u64) -> bool {
    ANY.load(Ordering::Relaxed) && FRAMES.with(|frames| frames.contains(&page_of(address)))
}

/// Write-protects the tables of all mapping addresses, or lets them be written again.
pub(crate) fn protect() {
    let writable = !ANY.load(Ordering::Relaxed);
    for page in reserved::mapping_pages() {
        set_writable(page, writable);
    }
}

/// The table of a page is mapped into the tables' own addresses by the entry that leads to it.
fn set_writable(page: u64, writable: bool) {
    let Some(table) = kernel_space::system().make_table(page, 2) else {
        return;
    };
    let place = table + index(page, 2) * 8;
    let entry = phys::read_entry(place) & !bits::WRITE;
    phys::write_entry(place, entry | if writable { bits::WRITE } else { 0 });
    cpu::invalidate_page(entry_address(page));
}

/// How many bits of an address choose an entry of the root.
fn root_shift() -> u32 {
    12 + 9 * (paging::levels() - 1)
}

fn sign_extended(address: u64) -> u64 {
    let unused = 64 - root_shift() - 9;
    ((address << unused) as i64 >> unused) as u64
}

fn tables_base() -> u64 {
    sign_extended(kernel_space::self_map_slot() << root_shift())
}

/// Where the entry of a page is mapped.
fn entry_address(page: u64) -> u64 {
    let entries = (1 << root_shift()) - 1;
    tables_base() + (page >> 9 & entries & !7)
}

/// The page of mapping addresses whose entry is mapped at an address.
fn page_of_entry(address: u64) -> Option<u64> {
    let offset = address.wrapping_sub(tables_base());
    let page = sign_extended(offset >> 3 << 12);
    (offset < 1 << root_shift() && reserved::is_mapping_page(page)).then_some(page)
}

/// Lets a write to an entry through, for one instruction.
pub(crate) fn open(address: u64) -> bool {
    let page = ANY.load(Ordering::Relaxed).then(|| page_of_entry(address));
    let Some(page) = page.flatten() else {
        return false;
    };
    OPEN.store(address, Ordering::Relaxed);
    set_writable(page, true);
    true
}

/// Looks at what was written, and protects the entry again; gives whether there was one.
pub(crate) fn close() -> bool {
    let Some(page) = page_of_entry(OPEN.swap(0, Ordering::Relaxed)) else {
        return false;
    };
    let entry = Tables::current().get(page);
    if entry & bits::PRESENT != 0 && is(entry & bits::ADDRESS) {
        Tables::current().set(page, entry | RESERVED);
    }
    set_writable(page, false);
    true
}

/// Whether an access to an address faulted because the frame is withheld.
pub(crate) fn refuses(address: u64) -> bool {
    let entry = Tables::current().get(page_of(address));
    entry & RESERVED != 0 && is(entry & bits::ADDRESS & !RESERVED)
}
