//! Holds the two engines against each other.
//!
//! Both are asked for the same pieces of memory, in batches. Where the answers differ, in status,
//! count or bytes, both are asked again: memory may have changed between the two. Engines that say
//! the same in the end never disagreed; engines that each keep saying the same, and not what the
//! other says, do. So do engines of which one keeps showing another value for a byte that neither
//! sees changing, whatever happens to the bytes around it. The rest is memory that changes too fast
//! to tell.
//!
//! How far a hole reaches, one engine may know better than the other. Each is asked for bytes of the
//! holes that it told of: an engine that can read one of them, and still tells of the same hole,
//! disagrees with itself, which counts as well.

mod compare;

pub use compare::{Answer, Comparison, Disagreement, Hole, Verifier};

use ringcopy_protocol::{MemoryRange, Reach};

use super::pattern;
use crate::{Device, Error, Information, PAGE_LENGTH, Piece, Protection, Source, Transport};

/// Which kinds of memory to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds {
    /// Virtual memory.
    pub virtual_memory: bool,
    /// Physical memory.
    pub physical: bool,
}

/// A place from whose neighbourhood pieces are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The first byte.
    pub source: Source,
    /// Bytes.
    pub length: u64,
    /// Whether pieces may begin before it or end behind it: where it is policy that ends there,
    /// and not memory, they may not.
    pub open: bool,
}

impl Place {
    /// Whether all of a piece lies in it.
    fn holds(&self, piece: Piece) -> bool {
        let offset = piece.source.address().checked_sub(self.source.address());
        piece.source.kind() == self.source.kind()
            && offset
                .and_then(|offset| offset.checked_add(piece.length.into()))
                .is_some_and(|end| end <= self.length)
    }
}

/// The places to choose from, in classes that are chosen with equal probability, and what had to
/// be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Classes of places; none is empty.
    pub classes: Vec<Vec<Place>>,
    /// Those that nothing changes while nobody asks the driver to: the session buffer, and memory
    /// of the caller's own.
    pub still: Vec<Place>,
    /// What is out of this handle's reach.
    pub missing: Option<Reach>,
    /// Memory of the caller's own that was allocated for the purpose.
    pub allocations: Vec<u64>,
}

/// Pages of the caller's own memory, of which one in four cannot be read.
const OWN_PAGES: u64 = 16;

/// Bytes around an address that is itself no range.
const NEIGHBOURHOOD: u64 = 4 * PAGE_LENGTH;

/// Finds the places that this handle may reach.
///
/// They are RAM, its edges, the holes between, the session buffer and its neighbours, what the
/// transport knows about the machine, both ends of both halves of the address space, and memory of
/// the caller's own with holes in it.
///
/// # Errors
/// If the driver or its transport fails.
pub fn places<T: Transport + ?Sized>(
    device: &mut Device<'_, T>,
    information: &Information,
    kinds: Kinds,
) -> Result<Places, Error> {
    let mut places = Places::default();
    let mut missing = Reach::empty();
    if kinds.physical {
        let session = Source::Physical(information.session_physical_address);
        let session = session_of(information, session);
        places.still.push(session);
        places.classes.push(vec![session]);
        if information.reach.contains(Reach::PHYSICAL) {
            let ranges = device.memory_ranges()?;
            places.classes.extend(physical(&ranges, information));
        } else {
            missing |= Reach::PHYSICAL;
        }
    }
    if kinds.virtual_memory {
        let session = Source::Virtual(information.session_address);
        let session = session_of(information, session);
        places.still.push(session);
        places.classes.push(vec![session]);
        let own = own_memory(device, &mut places.allocations)?;
        places.still.push(own);
        places.classes.push(vec![own]);
        if information.reach.contains(Reach::SYSTEM_VIRTUAL) {
            places.classes.push(system(device, information)?);
        } else {
            missing |= Reach::SYSTEM_VIRTUAL;
        }
    }
    places.missing = Some(missing).filter(|missing| !missing.is_empty());
    Ok(places)
}

const fn session_of(information: &Information, source: Source) -> Place {
    Place {
        source,
        length: information.session_length,
        open: false,
    }
}

/// RAM, its edges, and what is no RAM.
fn physical(ranges: &[MemoryRange], information: &Information) -> Vec<Vec<Place>> {
    let mut edges = Vec::new();
    let mut holes = Vec::new();
    let mut end = 0;
    for range in ranges {
        if range.base > end {
            holes.push(place(Source::Physical(end), range.base - end));
        }
        // The checks of the list saw to it that this does not overflow.
        end = range.base.saturating_add(range.length);
        edges.push(around(Source::Physical(range.base)));
        edges.push(around(Source::Physical(end)));
    }
    let top = 1_u64
        .checked_shl(information.physical_address_bits)
        .unwrap_or(u64::MAX);
    holes.push(place(Source::Physical(end), top.saturating_sub(end).max(1)));
    holes.push(around(Source::Physical(top)));
    holes.push(around(Source::Physical(1 << 52)));
    holes.push(around(Source::Physical(u64::MAX)));
    let ram = ranges
        .iter()
        .map(|range| place(Source::Physical(range.base), range.length))
        .collect();
    [ram, edges, holes]
        .into_iter()
        .filter(|class: &Vec<Place>| !class.is_empty())
        .collect()
}

fn system<T: Transport + ?Sized>(
    device: &mut Device<'_, T>,
    information: &Information,
) -> Result<Vec<Place>, Error> {
    let landmarks = device.transport().landmarks()?;
    let half = match information.paging_levels {
        5 => 1_u64 << 56,
        _ => 1 << 47,
    };
    let known = [
        Some(information.session_address),
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

const fn place(source: Source, length: u64) -> Place {
    Place {
        source,
        length,
        open: true,
    }
}

const fn around(source: Source) -> Place {
    let first = source.address().saturating_sub(NEIGHBOURHOOD / 2);
    place(source.with_address(first), NEIGHBOURHOOD)
}

fn own_memory<T: Transport + ?Sized>(
    device: &mut Device<'_, T>,
    allocations: &mut Vec<u64>,
) -> Result<Place, Error> {
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
    Ok(place(Source::Virtual(address), length))
}
