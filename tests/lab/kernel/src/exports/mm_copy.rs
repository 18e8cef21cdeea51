//! `MmCopyMemory`, written from its documentation alone. The driver's own engine is tested against
//! it, so the two share nothing on purpose.

use crate::bugcheck::violation;
use crate::irql::{APC_LEVEL, require_at_most};
use crate::memory::layout::{self, user_limit};
use crate::memory::paging::{Tables, bits, index, is_canonical, is_malformed, levels, page_length};
use crate::memory::user::{self, AccessKind};
use crate::memory::{PAGE, page_of, paging_file, phys, ranges};
use crate::{raw, withheld};
use nt_status::NtStatus;

const PHYSICAL: u32 = 1;
const VIRTUAL: u32 = 2;

/// `MmCopyMemory` function (ntddk.h). It copies from the start of the range, page by page, up to
/// the first page that it cannot copy. `transferred` gets the number of bytes, also on failure. I/O
/// space is refused, by physical and by virtual address. A bad system address is an error and no
/// bugcheck. System memory that is not resident is brought in, if possible.
///
/// The page names no status except success. The lab returns: `STATUS_INVALID_PARAMETER_4` unless
/// exactly one flag is set; `STATUS_INVALID_ADDRESS` for a page that is not RAM or not mapped, for
/// a range that crosses the last address, and for one that crosses the end of user memory;
/// `STATUS_IN_PAGE_ERROR` for a system page that cannot be brought in; for user pages the exception
/// that an access would raise. IRQL <= `APC_LEVEL`; the target is nonpageable.
pub(crate) extern "win64" fn MmCopyMemory(
    target: u64,
    source: u64,
    length: u64,
    flags: u32,
    transferred: u64,
) -> NtStatus {
    require_at_most(APC_LEVEL, "MmCopyMemory");
    if layout::is_lower_half(target) && length > 0 {
        violation!("MmCopyMemory was given the user address {target:#x} as its target");
    }
    raw::write(transferred, 0_u64);
    let find: fn(u64) -> Result<u64, NtStatus> = match flags {
        PHYSICAL => physical_page,
        VIRTUAL => virtual_page,
        _ => return NtStatus::INVALID_PARAMETER_4,
    };
    let mut done = 0;
    let mut result = NtStatus::SUCCESS;
    while done < length {
        let found = source
            .checked_add(done)
            .ok_or(NtStatus::INVALID_ADDRESS)
            .and_then(|at| Ok((at, find(at)?)));
        let (at, found) = match found {
            Ok(found) => found,
            Err(status) => {
                result = status;
                break;
            }
        };
        let count = (PAGE - at % PAGE).min(length - done);
        raw::copy(phys::linear(found), target + done, count);
        done += count;
    }
    raw::write(transferred, done);
    result
}

fn physical_page(address: u64) -> Result<u64, NtStatus> {
    // What Windows makes of a frame that a hypervisor withholds is not documented.
    if ranges::is_ram(page_of(address)) && !withheld::is(address) {
        Ok(address)
    } else {
        Err(NtStatus::INVALID_ADDRESS)
    }
}

fn virtual_page(address: u64) -> Result<u64, NtStatus> {
    if layout::is_lower_half(address) {
        if address >= user_limit() {
            return Err(NtStatus::INVALID_ADDRESS);
        }
        return user::touch(Tables::current(), address, AccessKind::Read);
    }
    if let Some(physical) = resident(address)? {
        return physical_page(physical);
    }
    paging_file::bring_in(address)?;
    physical_page(resident(address)?.ok_or(NtStatus::INVALID_ADDRESS)?)
}

/// Returns the physical address of a system address; `None` if an entry is not present. It reads
/// the tables in memory, not the processor's TLB, and reads no table that does not lie in RAM.
fn resident(address: u64) -> Result<Option<u64>, NtStatus> {
    if !is_canonical(address) {
        return Err(NtStatus::INVALID_ADDRESS);
    }
    let mut table = Tables::current().0;
    for level in (1..=levels()).rev() {
        let place = physical_page(table)? + index(address, level) * 8;
        let entry = phys::read_entry(place);
        if entry & bits::PRESENT == 0 {
            return Ok(None);
        }
        if is_malformed(entry, level) {
            return Err(NtStatus::INVALID_ADDRESS);
        }
        table = entry & bits::ADDRESS;
        if level == 1 || entry & bits::LARGE != 0 {
            let inside = page_length(level) - 1;
            return Ok(Some((table & !inside) | (address & inside)));
        }
    }
    Err(NtStatus::INVALID_ADDRESS)
}
