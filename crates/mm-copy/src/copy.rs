//! Copies of one kind of memory.

use usermode_accessors::VolatileSlice;

use crate::{
    cursor::copy_in_steps,
    physical::{PhysicalMemory, ReadError, ram_from},
    transfer::{Hole, Reason, Transfer},
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
                    // Another engine may be able to page that in.
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
pub fn copy_in_spans<const SPAN: u64>(
    address: u64,
    target: VolatileSlice<'_>,
    read: impl FnMut(u64, VolatileSlice<'_>) -> Result<(), ReadError>,
) -> Transfer {
    const { assert!(SPAN.is_power_of_two()) };
    cut_at_spans(SPAN, address, target, read)
}

/// Copies as [`copy_in_spans`] does. `span` is a power of two.
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
