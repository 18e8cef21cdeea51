//! Copies from one kind of memory, whole or up to where it ends.

use usermode_accessors::VolatileSlice;

use crate::{
    cursor::copy_in_steps,
    physical::{PhysicalMemory, ReadError, ram_from},
    transfer::{Hole, Reason, Transfer},
    translate::{Mapping, Translate},
};

/// The first address of the upper half, whatever the number of levels: bit 63 is set.
pub(crate) const UPPER_HALF: u64 = 1 << 63;

/// Copies RAM, from the physical `address` on, to all of `target`.
///
/// Stops at the first byte that is not RAM, however small the gap, with exactly the bytes before
/// it transferred; no byte outside RAM is ever read. An empty target completes and looks at
/// nothing.
///
/// Every run of RAM is looked up once, and read in pieces that end at multiples of
/// [`PhysicalMemory::SPAN`].
///
/// # Errors
///
/// In [`Transfer::stop`]: [`Reason::Wraps`], [`Reason::BeyondPhysicalWidth`], [`Reason::NotRam`],
/// or [`Reason::Read`].
pub fn copy_physical<M: PhysicalMemory>(
    memory: &M,
    address: u64,
    target: VolatileSlice<'_>,
) -> Transfer {
    const { assert!(M::SPAN.is_power_of_two()) };
    copy_in_steps(address, target, |cursor| {
        let run = ram_from(memory, cursor.address())?;
        cursor.advance(run, |address, piece| {
            cut_at_spans(M::SPAN, address, piece, |address, piece| {
                memory.read(address, piece)
            })
        })
    })
}

/// Copies system memory, from the virtual `address` on, to all of `target`, without touching it by
/// that address: page by page, each is translated and then copied as [`copy_physical`] does.
///
/// Stops at the first byte that is not mapped to RAM, with exactly the bytes before it
/// transferred. The mapping may change while it is copied: then some pages are from before and
/// some from after, and a page whose memory was put to another use gives what is there now. An
/// empty target completes and looks at nothing.
///
/// Where the copy stops, the rest of the range is translated as well, up to the end of the hole.
///
/// # Errors
///
/// In [`Transfer::stop`]: [`Reason::Wraps`], [`Reason::OutsideSystemRange`] for an address of the
/// lower half, what `translation` fails with, and all that [`copy_physical`] fails with.
pub fn copy_virtual<M: PhysicalMemory, T: Translate>(
    memory: &M,
    translation: &T,
    address: u64,
    target: VolatileSlice<'_>,
) -> Transfer {
    copy_in_steps(address, target, |cursor| {
        let address = cursor.address();
        if address < UPPER_HALF {
            return Err(Hole {
                reason: Reason::OutsideSystemRange,
                length: translation.system_start().saturating_sub(address),
            });
        }
        let Mapping { physical, length } = translation.translate(address).map_err(|hole| {
            let never_there = !hole.reason.may_be_paged_out();
            hole.within(address, cursor.remaining() as u64, |address| {
                match translation.translate(address) {
                    // Another engine might bring that in.
                    Err(next) if never_there && next.reason.may_be_paged_out() => 0,
                    Err(next) => next.length,
                    Ok(_) => 0,
                }
            })
        })?;
        if length == 0 {
            return Err(Reason::NotPresent { level: 0 }.into());
        }
        cursor.advance(length, |_, piece| {
            copy_physical(memory, physical, piece).limited_to(length)
        })
    })
}

/// Copies from `address` on to all of `target` by calls of `read`, cut at the multiples of `SPAN`
/// bytes in the source: for a reader that is trusted with a bounded piece at a time.
///
/// `read` gets an address and as many bytes as it is to read from there. An empty target
/// completes without a call. `SPAN` is a power of two, held at compile time.
///
/// # Errors
///
/// In [`Transfer::stop`]: [`Reason::Wraps`], or [`Reason::Read`] with what `read` failed with.
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
pub fn copy_in_spans<const SPAN: u64>(
    address: u64,
    target: VolatileSlice<'_>,
    read: impl FnMut(u64, VolatileSlice<'_>) -> Result<(), ReadError>,
) -> Transfer {
    const { assert!(SPAN.is_power_of_two()) };
    cut_at_spans(SPAN, address, target, read)
}

/// As [`copy_in_spans`], for a `span` that the caller knows to be a power of two.
fn cut_at_spans(
    span: u64,
    address: u64,
    target: VolatileSlice<'_>,
    mut read: impl FnMut(u64, VolatileSlice<'_>) -> Result<(), ReadError>,
) -> Transfer {
    let offset_in_span = span.wrapping_sub(1);
    copy_in_steps(address, target, |cursor| {
        let offset = cursor.address() & offset_in_span;
        cursor.advance(span.wrapping_sub(offset), |address, piece| {
            let length = piece.len();
            match read(address, piece) {
                Ok(()) => Transfer::complete(length),
                Err(error) => {
                    Transfer::stopped(error.transferred, address, Reason::Read(error.status))
                }
            }
        })
    })
}
