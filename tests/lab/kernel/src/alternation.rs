//! Pages of user memory whose bytes change with each access to them: what another thread can do at
//! worst, every time.
//!
//! Such a page is not present. An access opens it for one instruction, or one repetition of a string
//! instruction: the trap that follows counts it, puts the other content in place, and closes the
//! page. One processor does this: the first.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::memory::paging::{Tables, bits};
use crate::memory::{PAGE, page_of, phys, user};
use crate::raw;

/// The page that is open; 0: none.
static OPEN: AtomicU64 = AtomicU64::new(0);

/// Opens the page of an address, if it is of this kind.
pub(crate) fn open(tables: Tables, address: u64) -> bool {
    let page = page_of(address);
    let is_one = user::open_alternating(tables, page);
    if is_one {
        OPEN.store(page, Ordering::Relaxed);
    }
    is_one
}

/// Closes the page that is open, with the other content; gives whether there was one.
pub(crate) fn close() -> bool {
    let page = OPEN.swap(0, Ordering::Relaxed);
    if page == 0 {
        return false;
    }
    let tables = Tables::current();
    let memory = |page| phys::linear(tables.get(page) & bits::ADDRESS);
    let count = memory(page - PAGE);
    let made = raw::read::<u64>(count) + 1;
    raw::write(count, made);
    raw::copy(memory(page + PAGE * (1 + made % 2)), memory(page), PAGE);
    user::close_alternating(tables, page);
    true
}
