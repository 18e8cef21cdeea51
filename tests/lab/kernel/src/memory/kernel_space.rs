//! The system half, which all address spaces share, and the root tables.

use core::sync::atomic::{AtomicU64, Ordering};

use super::layout::{LINEAR, LINEAR_LENGTH, REGIONS};
use super::paging::{Tables, bits, index};
use super::{PAGE, frames, phys};
use crate::{cpu, random};

static SYSTEM_ROOT: AtomicU64 = AtomicU64::new(0);
static SELF_MAP_SLOT: AtomicU64 = AtomicU64::new(0);

/// Bytes of a large page.
const LARGE_PAGE: u64 = 2 << 20;

/// Returns the address space of the system process, which has no user half.
pub(crate) fn system() -> Tables {
    Tables(SYSTEM_ROOT.load(Ordering::Relaxed))
}

/// Returns the slot of the top-level table that maps the page tables themselves.
pub(crate) fn self_map_slot() -> u64 {
    SELF_MAP_SLOT.load(Ordering::Relaxed)
}

// The names are the linker script's.
unsafe extern "C" {
    static text_start: u8;
    static rodata_start: u8;
    static data_start: u8;
    static kernel_end: u8;
}

/// The end of the kernel's image in physical memory.
pub(crate) fn image_end() -> u64 {
    phys::of_kernel(&raw const kernel_end as u64)
}

/// Returns the access of a page of the linear mapping: code is executable and not writable,
/// constants are neither, everything else is data.
fn linear_flags(address: u64) -> u64 {
    let text = &raw const text_start as u64;
    let rodata = &raw const rodata_start as u64;
    let data = &raw const data_start as u64;
    if (text..rodata).contains(&address) {
        bits::PRESENT
    } else if (rodata..data).contains(&address) {
        bits::PRESENT | bits::NO_EXECUTE
    } else {
        bits::KERNEL_DATA
    }
}

/// Builds the system half and switches to it from the tables of `boot.s`.
pub(crate) fn build() {
    let root = new_frame();
    let tables = Tables(root);
    SYSTEM_ROOT.store(root, Ordering::Relaxed);

    for address in (LINEAR..=LINEAR + (LINEAR_LENGTH - 1)).step_by(LARGE_PAGE as usize) {
        let image = address < LINEAR + image_end().next_multiple_of(LARGE_PAGE);
        if image {
            for page in (address..address + LARGE_PAGE).step_by(PAGE as usize) {
                let mapped = tables.map(page, page - LINEAR, linear_flags(page));
                assert!(mapped.is_some(), "memory ran out at start");
            }
        } else {
            let table = tables
                .make_table(address, 2)
                .expect("memory ran out at start");
            phys::write_entry(
                table + index(address, 2) * 8,
                (address - LINEAR) | bits::KERNEL_DATA | bits::LARGE,
            );
        }
    }
    // The regions' own tables exist from boot on: every root copies the entries for them.
    for region in REGIONS {
        assert!(
            tables.make_table(region, 3).is_some(),
            "memory ran out at start"
        );
    }

    let slot = loop {
        let slot = 0x100 + random::below(0x100);
        if phys::read_entry(root + slot * 8) == 0 {
            break slot;
        }
    };
    SELF_MAP_SLOT.store(slot, Ordering::Relaxed);
    phys::write_entry(root + slot * 8, root | bits::KERNEL_DATA);
    tables.activate();
}

fn new_frame() -> u64 {
    frames::allocate().expect("memory ran out at start")
}

/// Makes a root with an empty user half. Each root maps itself in the same slot.
pub(crate) fn new_root() -> Option<Tables> {
    let root = frames::allocate()?;
    for slot in 256..512 {
        phys::write_entry(root + slot * 8, phys::read_entry(system().0 + slot * 8));
    }
    phys::write_entry(root + self_map_slot() * 8, root | bits::KERNEL_DATA);
    Some(Tables(root))
}

/// Turns on supervisor-mode execution prevention and access prevention, if the processor has them.
/// Returns whether it has both.
pub(crate) fn protect_supervisor() -> bool {
    let features = cpu::structured_features();
    let mut bits = 0;
    if features & cpu::HAS_SMEP != 0 {
        bits |= cpu::cr4::SMEP;
    }
    if features & cpu::HAS_SMAP != 0 {
        bits |= cpu::cr4::SMAP;
    }
    cpu::write_cr4(cpu::read_cr4() | bits);
    bits == cpu::cr4::SMEP | cpu::cr4::SMAP
}
