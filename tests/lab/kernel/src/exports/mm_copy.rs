//! `MmCopyMemory`, written from its documentation alone: the driver's own engine is tested against
//! it, so the two share nothing.

use crate::bugcheck::violation;
use crate::irql::{APC_LEVEL, require_at_most};
use crate::memory::layout::{self, USER_LIMIT};
use crate::memory::paging::{Tables, next_page};
use crate::memory::user::{self, Access};
use crate::memory::{PAGE, page_of, phys, ranges};
use crate::nt::status::{self, Status};
use crate::raw;

const PHYSICAL: u32 = 1;
const VIRTUAL: u32 = 2;

/// `MmCopyMemory` function (ntddk.h). The range is copied from its start, page by page, up to the
/// first page that cannot be: `transferred` tells how far. I/O space is refused, by physical
/// address and by virtual, and a bad system address is an error and not the end.
///
/// The page names no status but success; these are the lab's choice: `STATUS_INVALID_PARAMETER_4`
/// for flags that are not exactly one, `STATUS_INVALID_ADDRESS` for a page that is not RAM or not
/// mapped, and for user pages what an access would have raised. IRQL <= `APC_LEVEL`; the target is
/// nonpageable.
pub(super) extern "win64" fn mm_copy_memory(
    target: u64,
    source: u64,
    length: u64,
    flags: u32,
    transferred: u64,
) -> Status {
    require_at_most(APC_LEVEL, "MmCopyMemory");
    if layout::is_lower_half(target) && length > 0 {
        violation!("MmCopyMemory was given the user address {target:#x} as its target");
    }
    raw::write(transferred, 0_u64);
    let find: fn(u64) -> Result<u64, Status> = match flags {
        PHYSICAL => physical_page,
        VIRTUAL => virtual_page,
        _ => return status::INVALID_PARAMETER_4,
    };
    let mut done = 0;
    let mut result = status::SUCCESS;
    while done < length {
        let Some(at) = source.checked_add(done) else {
            result = status::INVALID_ADDRESS;
            break;
        };
        let found = match find(at) {
            Ok(found) => found,
            Err(status) => {
                result = status;
                break;
            }
        };
        let count = (PAGE - at % PAGE).min(length - done);
        raw::copy(phys::linear(found), target + done, count);
        done += count;
        if next_page(at) == 0 {
            break;
        }
    }
    raw::write(transferred, done);
    result
}

fn physical_page(address: u64) -> Result<u64, Status> {
    if ranges::is_ram(page_of(address)) {
        Ok(address)
    } else {
        Err(status::INVALID_ADDRESS)
    }
}

fn virtual_page(address: u64) -> Result<u64, Status> {
    if layout::is_lower_half(address) {
        if address >= USER_LIMIT {
            return Err(status::INVALID_ADDRESS);
        }
        return user::touch(Tables::current(), address, Access::Read);
    }
    let leaf = Tables::current()
        .walk(address)
        .ok_or(status::INVALID_ADDRESS)?;
    physical_page(leaf.physical)
}
