//! System memory that can be paged out.
//!
//! The entry of a page that is out is not present and names no frame, so that code which ignores
//! the present bit does not find the bytes. A page that is brought in gets a frame of its own.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::sync::atomic::{AtomicU64, Ordering};

use super::paging::bits;
use super::{PAGE, frames, kernel_space, page_of, phys};
use crate::global::Global;
use crate::raw;
use nt_status::NtStatus;

/// A bit in the entries of pages that are out, which the processor ignores. The address bits hold
/// the page's number.
const OUT: u64 = 1 << 10;

struct Page {
    number: u64,
    bytes: Box<[u8; PAGE as usize]>,
    /// Its frame while it is in.
    frame: Option<u64>,
    /// It cannot be brought in.
    lost: bool,
}

impl Page {
    const fn entry(&self) -> u64 {
        (self.number * PAGE) | OUT
    }
}

/// By address.
static PAGES: Global<BTreeMap<u64, Page>> = Global::new(BTreeMap::new());
static BROUGHT_IN: AtomicU64 = AtomicU64::new(0);

/// Adds a page that is out, with the contents at `bytes`. Its table exists. A lost page cannot be
/// brought in.
pub(crate) fn add(address: u64, bytes: u64, lost: bool) {
    PAGES.with(|pages| {
        let mut page = Page {
            number: pages.len() as u64,
            bytes: Box::new([0; PAGE as usize]),
            frame: None,
            lost,
        };
        raw::copy_out(bytes, page.bytes.as_mut_slice());
        kernel_space::system().set(address, page.entry());
        pages.insert(address, page);
    });
}

/// Brings in the page of an address, if it is out.
///
/// `STATUS_INVALID_ADDRESS` if the address is in no such page, `STATUS_IN_PAGE_ERROR` if the page
/// is lost, `STATUS_NO_MEMORY` if there is no frame.
pub(crate) fn bring_in(address: u64) -> Result<(), NtStatus> {
    let address = page_of(address);
    PAGES.with(|pages| {
        let page = pages.get_mut(&address).ok_or(NtStatus::INVALID_ADDRESS)?;
        if page.lost {
            return Err(NtStatus::IN_PAGE_ERROR);
        }
        // The other processor may have brought it in.
        if page.frame.is_none() {
            let frame = frames::allocate().ok_or(NtStatus::NO_MEMORY)?;
            raw::copy_in(page.bytes.as_slice(), phys::linear(frame));
            page.frame = Some(frame);
            kernel_space::system().set(address, frame | bits::KERNEL_DATA);
            BROUGHT_IN.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    })
}

/// Pages out the page of an address, if it is in, and frees its frame.
///
/// `STATUS_INVALID_ADDRESS` if the address is in no such page.
pub(crate) fn take_out(address: u64) -> Result<(), NtStatus> {
    let address = page_of(address);
    PAGES.with(|pages| {
        let page = pages.get_mut(&address).ok_or(NtStatus::INVALID_ADDRESS)?;
        if let Some(frame) = page.frame.take() {
            kernel_space::system().set(address, page.entry());
            raw::copy_out(phys::linear(frame), page.bytes.as_mut_slice());
            frames::free(frame);
        }
        Ok(())
    })
}

/// Returns the number of pages brought in since boot.
pub(crate) fn brought_in() -> u64 {
    BROUGHT_IN.load(Ordering::Relaxed)
}
