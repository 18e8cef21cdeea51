//! Pages of user memory whose bytes change with each access, as another thread could change them in
//! the worst case.
//!
//! Such a page is not present. A fault makes it present for one instruction, or for one repetition
//! of a string instruction. The trap after that instruction counts the access, writes the other
//! bytes, and makes the page absent again. Only the first processor does this.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::memory::paging::{Tables, bits};
use crate::memory::{PAGE, page_of, phys, user};
use crate::raw;

/// The page that is present now; 0: none.
static OPEN: AtomicU64 = AtomicU64::new(0);

/// Makes the page of an address present, if it is an alternating page.
pub(crate) fn open(tables: Tables, address: u64) -> bool {
    let page = page_of(address);
    let is_one = user::open_alternating(tables, page);
    if is_one {
        OPEN.store(page, Ordering::Relaxed);
    }
    is_one
}

/// Writes the other bytes to the page that is present and makes it absent. Returns whether there
/// was one.
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
