//! Pages of this process whose protection changes, touched by their addresses.
//!
//! They are not Rust objects: no reference to them is made, and each access first queries the
//! system for the protection of the page. So Rust code does not rely on what a driver does to them.

use crate::Win32Error;
use std::{
    collections::BTreeMap,
    ptr::{null, null_mut, with_exposed_provenance, with_exposed_provenance_mut},
};
use windows_sys::Win32::{
    Foundation::{ERROR_INVALID_ADDRESS, ERROR_NOT_ENOUGH_MEMORY},
    System::Memory::{
        MEM_COMMIT, MEM_DECOMMIT, MEM_RELEASE, MEM_RESERVE, MEMORY_BASIC_INFORMATION, PAGE_GUARD,
        PAGE_NOACCESS, PAGE_PROTECTION_FLAGS, PAGE_READONLY, PAGE_READWRITE, VirtualAlloc,
        VirtualFree, VirtualProtect, VirtualQuery,
    },
};

/// Bytes in a page.
const PAGE: usize = 4096;

const INVALID: Win32Error = Win32Error(ERROR_INVALID_ADDRESS);

/// The access that a page allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// None, though the page is mapped.
    None,
    /// Reads.
    Read,
    /// Reads and writes.
    ReadWrite,
    /// Reads and writes, once the first access has raised `STATUS_GUARD_PAGE_VIOLATION`.
    Guard,
    /// None: the page is not mapped.
    Unmapped,
}

/// Allocations of pages, which are freed when dropped.
#[derive(Debug, Default)]
pub struct Pages {
    /// The length of each allocation in bytes, by its first address. Each has its own reservation,
    /// with an unmapped page on either side.
    allocations: BTreeMap<usize, usize>,
}

impl Pages {
    /// Allocates zeroed pages for at least `length` bytes, with an unmapped page on either side.
    ///
    /// # Errors
    /// What `VirtualAlloc` fails with.
    pub fn allocate(&mut self, length: u64) -> Result<u64, Win32Error> {
        let length = usize::try_from(length.max(1))
            .ok()
            .and_then(|length| length.checked_next_multiple_of(PAGE))
            .ok_or(Win32Error(ERROR_NOT_ENOUGH_MEMORY))?;
        let reserved = length
            .checked_add(2 * PAGE)
            .ok_or(Win32Error(ERROR_NOT_ENOUGH_MEMORY))?;
        // SAFETY: asks for address space wherever there is some.
        let base = unsafe { VirtualAlloc(null(), reserved, MEM_RESERVE, PAGE_NOACCESS) };
        if base.is_null() {
            return Err(Win32Error::last());
        }
        let first = base.wrapping_byte_add(PAGE);
        // SAFETY: a range within the reservation that was just made.
        let committed = unsafe { VirtualAlloc(first, length, MEM_COMMIT, PAGE_READWRITE) };
        if committed.is_null() {
            let error = Win32Error::last();
            release(base.addr());
            return Err(error);
        }
        let address = first.expose_provenance();
        self.allocations.insert(address, length);
        Ok(address as u64)
    }

    /// Frees an allocation of [`allocate`](Self::allocate).
    ///
    /// # Errors
    /// `ERROR_INVALID_ADDRESS` if nothing was allocated there.
    pub fn free(&mut self, address: u64) -> Result<(), Win32Error> {
        let address = usize::try_from(address).map_err(|_| INVALID)?;
        self.allocations.remove(&address).ok_or(INVALID)?;
        release(address.wrapping_sub(PAGE));
        Ok(())
    }

    /// Changes the access of whole pages.
    ///
    /// # Errors
    /// `ERROR_INVALID_ADDRESS` if the range is not of an allocation, or a page is not there.
    pub fn protect(&mut self, address: u64, length: u64, access: Access) -> Result<(), Win32Error> {
        let (address, length) = self.find(address, length)?;
        let pointer = with_exposed_provenance_mut(address);
        let flags = match access {
            Access::Unmapped => {
                // SAFETY: a range of an allocation, which nothing refers to.
                let done = unsafe { VirtualFree(pointer, length, MEM_DECOMMIT) };
                return succeeded(done);
            }
            Access::None => PAGE_NOACCESS,
            Access::Read => PAGE_READONLY,
            Access::ReadWrite => PAGE_READWRITE,
            Access::Guard => PAGE_READWRITE | PAGE_GUARD,
        };
        let mut before = 0;
        // SAFETY: a range of an allocation, which nothing refers to.
        let done = unsafe { VirtualProtect(pointer, length, flags, &raw mut before) };
        succeeded(done)
    }

    /// Writes bytes to pages that can be written.
    ///
    /// # Errors
    /// `ERROR_INVALID_ADDRESS` if the range is not of an allocation, or a page cannot be written;
    /// then nothing was.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Win32Error> {
        let (address, length) = self.find(address, bytes.len() as u64)?;
        self.require(address, length, &[PAGE_READWRITE])?;
        let target = with_exposed_provenance_mut::<u8>(address);
        // SAFETY: `length` bytes of an allocation that are there to be written, as was just asked;
        // this process alone changes that, through `&mut self`. `bytes` is a Rust object, which
        // lies elsewhere.
        unsafe { target.copy_from_nonoverlapping(bytes.as_ptr(), length) };
        Ok(())
    }

    /// Reads bytes from pages that can be read.
    ///
    /// # Errors
    /// `ERROR_INVALID_ADDRESS` if the range is not of an allocation, or a page cannot be read.
    pub fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Win32Error> {
        let (address, length) = self.find(address, bytes.len() as u64)?;
        self.require(address, length, &[PAGE_READWRITE, PAGE_READONLY])?;
        let source = with_exposed_provenance::<u8>(address);
        // SAFETY: `length` bytes of an allocation that are there to be read, as was just asked;
        // this process alone changes that, through `&mut self`. `bytes` is a Rust object, which
        // lies elsewhere.
        unsafe { source.copy_to_nonoverlapping(bytes.as_mut_ptr(), length) };
        Ok(())
    }

    /// Returns whether writes to the range cannot change what Rust code relies on: each page is of
    /// an allocation here, or is not mapped.
    #[must_use]
    pub fn are_expendable(&self, address: u64, length: u64) -> bool {
        let Some(end) = address.checked_add(length) else {
            // It wraps around the end of the address space, so it is refused.
            return true;
        };
        let mut place = address;
        while place < end {
            if let Some(owned) = self.end_of_owned(place) {
                place = owned;
                continue;
            }
            let Ok(information) = query(place) else {
                // Not an address of this process.
                return true;
            };
            if information.State == MEM_COMMIT {
                return false;
            }
            let region = information.BaseAddress.addr() as u64;
            match region.checked_add(information.RegionSize as u64) {
                Some(next) if next > place => place = next,
                _ => return true,
            }
        }
        true
    }

    /// Returns the end of the allocation that contains an address.
    fn end_of_owned(&self, address: u64) -> Option<u64> {
        let address = usize::try_from(address).ok()?;
        let (first, length) = self.allocations.range(..=address).next_back()?;
        let end = first.checked_add(*length)?;
        (address < end).then_some(end as u64)
    }

    /// Checks that a range is of one allocation.
    fn find(&self, address: u64, length: u64) -> Result<(usize, usize), Win32Error> {
        let end = address.checked_add(length).ok_or(INVALID)?;
        let owned = self.end_of_owned(address).ok_or(INVALID)?;
        if end > owned {
            return Err(INVALID);
        }
        let address = usize::try_from(address).map_err(|_| INVALID)?;
        Ok((address, usize::try_from(length).map_err(|_| INVALID)?))
    }

    /// Checks that each page of a range has one of these protections.
    #[expect(
        clippy::unused_self,
        reason = "the range is of an allocation of `self`"
    )]
    fn require(
        &self,
        address: usize,
        length: usize,
        allowed: &[PAGE_PROTECTION_FLAGS],
    ) -> Result<(), Win32Error> {
        let end = address.checked_add(length).ok_or(INVALID)?;
        let mut place = address;
        while place < end {
            let information = query(place as u64)?;
            if information.State != MEM_COMMIT || !allowed.contains(&information.Protect) {
                return Err(INVALID);
            }
            place = information
                .BaseAddress
                .addr()
                .checked_add(information.RegionSize)
                .filter(|next| *next > place)
                .ok_or(INVALID)?;
        }
        Ok(())
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        for address in self.allocations.keys() {
            release(address.wrapping_sub(PAGE));
        }
    }
}

/// Frees a reservation of `Pages::allocate`.
fn release(base: usize) {
    // SAFETY: the first address of a reservation, which nothing refers to. It cannot fail for one.
    let _ = unsafe { VirtualFree(with_exposed_provenance_mut(base), 0, MEM_RELEASE) };
}

fn query(address: u64) -> Result<MEMORY_BASIC_INFORMATION, Win32Error> {
    let address = usize::try_from(address).map_err(|_| INVALID)?;
    let mut information = MEMORY_BASIC_INFORMATION {
        BaseAddress: null_mut(),
        ..MEMORY_BASIC_INFORMATION::default()
    };
    // SAFETY: any address may be asked about; the structure is a local of the size that is passed.
    let written = unsafe {
        VirtualQuery(
            with_exposed_provenance(address),
            &raw mut information,
            size_of::<MEMORY_BASIC_INFORMATION>(),
        )
    };
    if written == 0 {
        Err(Win32Error::last())
    } else {
        Ok(information)
    }
}

fn succeeded(done: i32) -> Result<(), Win32Error> {
    if done == 0 {
        Err(Win32Error::last())
    } else {
        Ok(())
    }
}
