//! Copies of one kind of memory.

use usermode_accessors::VolatileSlice;

use crate::{
    cursor::{Stopped, copy_in_steps, read_at_most},
    physical::{PhysicalMemory, ReadError, ram_from},
    transfer::{Hole, Reason, Stop, Transfer},
    translate::{Mapping, Translate},
};

/// The first address of the upper half: bit 63 is set.
pub(crate) const UPPER_HALF: u64 = 1 << 63;

/// Copies RAM, from the physical `address` on, to all of `target`.
///
/// Stops at the first byte that is not RAM, with exactly the bytes before it transferred. Never reads
/// a byte outside RAM. An empty target completes without a look-up.
///
/// Looks up every run of RAM once, and reads it in pieces that end at multiples of
/// [`PhysicalMemory::SPAN`].
///
/// # Errors
///
/// In [`Transfer::stop`]: [`Reason::Wraps`], [`Reason::BeyondPhysicalWidth`], [`Reason::NotRam`],
/// or [`Reason::Read`].
#[inline]
pub fn copy_physical<M: PhysicalMemory>(
    memory: &M,
    address: u64,
    target: VolatileSlice<'_>,
) -> Transfer {
    const { assert!(M::SPAN.is_power_of_two()) };
    // What is left of the run that was looked up last.
    let mut run = 0_u64;
    copy_in_steps(address, target, |address, rest| {
        if run == 0 {
            run = ram_from(memory, address)?;
        }
        let limit = run.min(left_of_span(M::SPAN, address));
        let copied = read_at_most(limit, rest, |piece| Ok(memory.read(address, piece)?))?;
        run = run.saturating_sub(copied as u64);
        Ok(copied)
    })
}

/// Copies system memory, from the virtual `address` on, to all of `target`, without an access to that
/// address: translates each page, then copies it as [`copy_physical`] does.
///
/// Stops at the first byte that is not mapped to RAM, with exactly the bytes before it transferred.
/// If the mapping changes during the copy, some pages are those before the change and some those
/// after it, and a page whose frame is reused has its present contents. An empty target completes
/// without a look-up.
///
/// After a stop, translates the rest of the range up to the end of the hole.
///
/// # Errors
///
/// In [`Transfer::stop`]: [`Reason::Wraps`], [`Reason::OutsideSystemRange`] for an address of the
/// lower half, the errors of `translation`, and those of [`copy_physical`].
#[inline]
pub fn copy_virtual<M: PhysicalMemory, T: Translate>(
    memory: &M,
    translation: &T,
    address: u64,
    target: VolatileSlice<'_>,
) -> Transfer {
    copy_in_steps(address, target, |address, rest| {
        if address < UPPER_HALF {
            return Err(Stopped::from(Hole {
                reason: Reason::OutsideSystemRange,
                length: translation.system_start().saturating_sub(address),
            }));
        }
        let Mapping { physical, length } = match translation.translate(address) {
            Ok(mapping) => mapping,
            Err(hole) => {
                return Err(extended(translation, hole, address, rest.len() as u64).into());
            }
        };
        if length == 0 {
            return Err(Hole::from(Reason::NotPresent { level: 0 }).into());
        }
        read_at_most(length, rest, |piece| {
            let transfer = copy_physical(memory, physical, piece);
            transfer.stop.map_or(Ok(()), |stop| {
                Err(stopped_within(length, transfer.transferred, &stop))
            })
        })
    })
}

/// Extends a hole in system memory by those that follow it, within the `length` bytes that are asked for.
#[cold]
fn extended<T: Translate>(translation: &T, hole: Hole, address: u64, length: u64) -> Hole {
    let never_there = !hole.reason.may_be_paged_out();
    hole.within(address, length, |address| {
        match translation.translate(address) {
            // Another engine may be able to page that in.
            Err(next) if never_there && next.reason.may_be_paged_out() => 0,
            Err(next) => next.length,
            Ok(_) => 0,
        }
    })
}

/// The end of a copy of the frames that an address is mapped to, of which so many bytes are contiguous: the
/// hole in the source is no longer than the mapping.
#[cold]
fn stopped_within(mapped: u64, copied: usize, stop: &Stop) -> Stopped {
    let left = mapped.saturating_sub(copied as u64);
    Stopped {
        copied,
        hole: Hole {
            reason: stop.reason,
            length: stop.hole_length.min(left),
        },
    }
}

/// Copies from `address` on to all of `target` by calls of `read` that do not cross a multiple of
/// `SPAN` in the source: for a reader that takes bounded pieces.
///
/// `read` gets an address, and a target of the length to read. An empty target completes without a
/// call. `SPAN` is a power of two, which the compiler checks.
///
/// # Errors
///
/// In [`Transfer::stop`]: [`Reason::Wraps`], or [`Reason::Read`] with the status of `read`.
///
/// # Examples
///
/// ```
/// use mm_copy::{ReadError, copy_in_spans};
/// use usermode_accessors::VolatileSlice;
///
/// let mut target = [0; 100];
/// let mut asked = Vec::new();
/// let transfer = copy_in_spans::<64>(0x1030, VolatileSlice::from(&mut target[..]), |address, piece| {
///     asked.push((address, piece.len()));
///     Ok::<(), ReadError>(())
/// });
/// assert_eq!(transfer.transferred, 100);
/// assert_eq!(asked, [(0x1030, 16), (0x1040, 64), (0x1080, 20)]);
/// ```
#[inline]
pub fn copy_in_spans<const SPAN: u64>(
    address: u64,
    target: VolatileSlice<'_>,
    mut read: impl FnMut(u64, VolatileSlice<'_>) -> Result<(), ReadError>,
) -> Transfer {
    const { assert!(SPAN.is_power_of_two()) };
    copy_in_steps(address, target, |address, rest| {
        read_at_most(left_of_span(SPAN, address), rest, |piece| {
            Ok(read(address, piece)?)
        })
    })
}

/// Returns the number of bytes from `address` up to the next multiple of `span`, a power of two.
const fn left_of_span(span: u64, address: u64) -> u64 {
    span.wrapping_sub(address & span.wrapping_sub(1))
}
