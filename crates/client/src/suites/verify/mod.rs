//! Compares the two engines.
//!
//! Both are asked for the same pieces of memory, in batches. Where they differ in status, count or
//! bytes, both are asked again, since memory may have changed in between. Then:
//!
//! - engines that agree in the end did not disagree;
//! - engines that both repeat what they reported, and differ, disagree;
//! - engines that differ in a byte that neither sees changing disagree, even if other bytes change;
//! - otherwise the memory changes too fast to tell.
//!
//! One engine may know better than the other how far a hole reaches. Each is asked for bytes of the
//! holes that it reported. An engine that reads one of them, and still reports the same hole,
//! disagrees with itself, which counts too.

mod compare;

pub use compare::{Comparison, Disagreement, Hole, Verifier};

use ringcopy_protocol::{MemoryRange, Reach};

use super::pattern;
use crate::{Device, Error, Information, PAGE_LENGTH, Piece, Protection, Source, Transport};

/// The kinds of memory to choose pieces from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds {
    /// Virtual memory.
    pub virtual_memory: bool,
    /// Physical memory.
    pub physical: bool,
}

/// A region of memory that pieces are chosen from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first byte.
    pub source: Source,
    /// Bytes.
    pub length: u64,
    /// Whether pieces may extend past its end. They may not where the policy ends, and not memory.
    pub open: bool,
}

impl Region {
    /// Returns whether all of a piece lies in the region.
    fn holds(&self, piece: Piece) -> bool {
        let offset = piece.source.address().checked_sub(self.source.address());
        piece.source.kind() == self.source.kind()
            && offset
                .and_then(|offset| offset.checked_add(piece.length.into()))
                .is_some_and(|end| end <= self.length)
    }
}

/// The regions to choose from, in classes that are chosen with equal probability.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Regions {
    /// The classes; none is empty.
    pub classes: Vec<Vec<Region>>,
    /// Regions that only requests to the driver change: the session buffer, and the caller's own
    /// memory.
    pub still: Vec<Region>,
    /// The reach that this handle lacks, if it lacks any.
    pub missing: Option<Reach>,
    /// The caller's memory that was allocated for the regions.
    pub allocations: Vec<u64>,
}

/// The number of pages of the caller's own memory; one in four cannot be read.
const OWN_PAGES: u64 = 16;

/// The length of the region around an address, in bytes.
const NEIGHBOURHOOD: u64 = 4 * PAGE_LENGTH;

/// Returns the regions that this handle may reach.
///
/// They are RAM, its edges, the holes between, the session buffer, the landmarks of the transport,
/// both ends of both halves of the address space, and memory of the caller with holes in it.
///
/// # Errors
/// If the driver or its transport fails.
pub fn regions<T: Transport + ?Sized>(
    device: &mut Device<'_, T>,
    information: &Information,
    kinds: Kinds,
) -> Result<Regions, Error> {
    let mut regions = Regions::default();
    let mut missing = Reach::empty();
    let told = information.session_address != 0;
    if kinds.physical {
        if told {
            let session = runs(&information.session_physical_addresses);
            regions.still.extend(&session);
            regions.classes.push(session);
        }
        if information.reach.contains(Reach::PHYSICAL) {
            let ranges = device.memory_ranges()?;
            regions.classes.extend(physical(&ranges, information));
        } else {
            missing |= Reach::PHYSICAL;
        }
    }
    if kinds.virtual_memory {
        if told {
            let session = Source::Virtual(information.session_address);
            let session = of_session(session, information.session_length);
            regions.still.push(session);
            regions.classes.push(vec![session]);
        }
        let own = own_memory(device, &mut regions.allocations)?;
        regions.still.push(own);
        regions.classes.push(vec![own]);
        if information.reach.contains(Reach::SYSTEM_VIRTUAL) {
            regions.classes.push(system(device, information)?);
        } else {
            missing |= Reach::SYSTEM_VIRTUAL;
        }
    }
    regions.missing = Some(missing).filter(|missing| !missing.is_empty());
    Ok(regions)
}

/// Returns the runs of the session buffer's pages.
fn runs(pages: &[u64]) -> Vec<Region> {
    let mut runs: Vec<Region> = Vec::new();
    for &page in pages {
        match runs.last_mut() {
            Some(run) if run.source.address().checked_add(run.length) == Some(page) => {
                run.length += PAGE_LENGTH;
            }
            _ => runs.push(of_session(Source::Physical(page), PAGE_LENGTH)),
        }
    }
    runs
}

/// Returns a region in which pieces stay: other memory may be out of reach.
const fn of_session(source: Source, length: u64) -> Region {
    Region {
        source,
        length,
        open: false,
    }
}

/// Returns the classes of RAM, of its edges, and of what is not RAM.
fn physical(ranges: &[MemoryRange], information: &Information) -> Vec<Vec<Region>> {
    let mut edges = Vec::new();
    let mut holes = Vec::new();
    let mut end = 0;
    for range in ranges {
        if range.base > end {
            holes.push(open_region(Source::Physical(end), range.base - end));
        }
        // The list was checked, so this does not overflow.
        end = range.base.saturating_add(range.length);
        edges.push(around(Source::Physical(range.base)));
        edges.push(around(Source::Physical(end)));
    }
    let top = 1_u64
        .checked_shl(information.physical_address_bits)
        .unwrap_or(u64::MAX);
    holes.push(open_region(
        Source::Physical(end),
        top.saturating_sub(end).max(1),
    ));
    holes.push(around(Source::Physical(top)));
    holes.push(around(Source::Physical(1 << 52)));
    holes.push(around(Source::Physical(u64::MAX)));
    let ram = ranges
        .iter()
        .map(|range| open_region(Source::Physical(range.base), range.length))
        .collect();
    [ram, edges, holes]
        .into_iter()
        .filter(|class: &Vec<Region>| !class.is_empty())
        .collect()
}

fn system<T: Transport + ?Sized>(
    device: &mut Device<'_, T>,
    information: &Information,
) -> Result<Vec<Region>, Error> {
    let landmarks = device.transport().landmarks()?;
    let half = match information.paging_levels {
        5 => 1_u64 << 56,
        _ => 1 << 47,
    };
    let known = [
        Some(information.session_address).filter(|address| *address != 0),
        landmarks.system_data.map(|(address, _)| address),
        landmarks.unmapped_system_address,
        landmarks.io_system_address,
        Some(information.user_limit),
        Some(half),
        Some(half.wrapping_neg()),
        Some(u64::MAX),
    ];
    Ok(known
        .into_iter()
        .flatten()
        .map(|address| around(Source::Virtual(address)))
        .collect())
}

const fn open_region(source: Source, length: u64) -> Region {
    Region {
        source,
        length,
        open: true,
    }
}

const fn around(source: Source) -> Region {
    let first = source.address().saturating_sub(NEIGHBOURHOOD / 2);
    open_region(source.with_address(first), NEIGHBOURHOOD)
}

fn own_memory<T: Transport + ?Sized>(
    device: &mut Device<'_, T>,
    allocations: &mut Vec<u64>,
) -> Result<Region, Error> {
    let length = OWN_PAGES * PAGE_LENGTH;
    let address = device.transport().allocate(length)?;
    allocations.push(address);
    device
        .transport()
        .write(address, &pattern(address, length))?;
    for page in (0..OWN_PAGES).step_by(4) {
        let page = address + (page + 2) * PAGE_LENGTH;
        device
            .transport()
            .protect(page, PAGE_LENGTH, Protection::NoAccess)?;
    }
    Ok(open_region(Source::Virtual(address), length))
}
