//! `MmCopyMemory`: checks a request, and chooses what copies it.

use usermode_accessors::VolatileSlice;

use crate::{
    copy::{UPPER_HALF, copy_physical},
    engine::Engine,
    flags::{AddressKind, CopyFlags},
    transfer::{Hole, Reason, Transfer},
    user,
};

/// Copies physical memory, system memory or the current process's memory, from `source` on, to all of
/// `target`, whose length is `NumberOfBytes`.
///
/// The checks, in this order:
///
/// 1. `flags`: exactly one, no unknown bit. Else [`Reason::Flags`].
/// 2. An empty target: complete, with nothing else looked at.
/// 3. A virtual source that begins below the user limit must lie below it as a whole. Else
///    [`Reason::OutsideUserRange`], with no byte touched.
/// 4. No other source may run beyond 2^64; it may end there. Else [`Reason::Wraps`].
/// 5. A virtual source at or above the user limit must begin where system memory does, or after
///    that. Else [`Reason::OutsideSystemRange`] in the lower half, [`Reason::NonCanonical`] in the
///    upper.
///
/// Then it copies up to the end or to the first byte that cannot be read: see [`copy_physical`] and
/// [`copy_virtual`](crate::copy_virtual). With any engine, user memory is read by a guarded access in
/// the current process, which pages it in.
///
/// If source and target overlap, the target gets an unspecified mix of old and new bytes.
///
/// IRQL: at most `APC_LEVEL` for a virtual source, as for `MmCopyMemory`; otherwise the engine's.
///
/// # Errors
///
/// In [`Transfer::stop`]; see [`Reason::status`].
#[inline]
pub fn copy_memory<E: Engine>(
    engine: &E,
    flags: CopyFlags,
    source: u64,
    target: VolatileSlice<'_>,
) -> Transfer {
    let Some(kind) = flags.kind() else {
        return Transfer::stopped(0, source, Reason::Flags);
    };
    let Some(last_offset) = target.len().checked_sub(1) else {
        return Transfer::complete(0);
    };
    if kind == AddressKind::Virtual && user::is_user_address(source) {
        return user::copy(source, target);
    }
    if source.checked_add(last_offset as u64).is_none() {
        return Transfer::stopped(0, source, Reason::Wraps);
    }
    match kind {
        AddressKind::Physical => copy_physical(engine.physical_memory(), source, target),
        AddressKind::Virtual => match engine.system_start().checked_sub(source) {
            None | Some(0) => engine.copy_system(source, target),
            Some(length) => {
                let reason = if source < UPPER_HALF {
                    Reason::OutsideSystemRange
                } else {
                    Reason::NonCanonical
                };
                Transfer::stopped(0, source, Hole { reason, length })
            }
        },
    }
}
