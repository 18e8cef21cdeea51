//! Requests that nobody waits for any more: the rest of them is not carried out.

use ringcopy_protocol::NtStatus;

use crate::nt::wdf::Request;

/// The greatest number of bytes that a request copies before it looks again.
pub const PIECE: usize = 64 << 10;

/// A shorter entry counts as this many bytes.
const ENTRY: usize = 128;

/// Looks, once for each [`PIECE`], whether a request is still waited for. A request of one piece
/// never looks.
pub struct Interruption<'a> {
    request: &'a Request,
    /// Bytes that may be copied before the next look.
    left: usize,
    interrupted: bool,
}

impl<'a> Interruption<'a> {
    /// Begins a request.
    pub const fn of(request: &'a Request) -> Self {
        Self {
            request,
            left: PIECE,
            interrupted: false,
        }
    }

    /// Called before `bytes` are copied, at most a piece: `STATUS_CANCELLED` if nobody waits for the
    /// request, and from then on.
    #[inline]
    pub fn before(&mut self, bytes: usize) -> Result<(), NtStatus> {
        if self.left < bytes {
            self.look();
        }
        self.left = self.left.saturating_sub(bytes);
        if self.interrupted {
            Err(NtStatus::CANCELLED)
        } else {
            Ok(())
        }
    }

    #[inline(never)]
    fn look(&mut self) {
        self.left = PIECE;
        self.interrupted = self.interrupted || self.request.is_interrupted();
    }

    /// Called before an entry of `bytes` is served, whose bytes [`before`](Self::before) counts.
    #[inline]
    pub fn before_entry(&mut self, bytes: usize) -> Result<(), NtStatus> {
        self.before(ENTRY.saturating_sub(bytes))
    }

    /// Returns what may be spent before the next look: nothing once it found an interruption.
    #[inline]
    pub const fn budget(&self) -> usize {
        if self.interrupted { 0 } else { self.left }
    }

    /// Returns what entries with `bytes` together cost.
    #[inline]
    pub const fn cost(entries: usize, bytes: usize) -> usize {
        let least = entries.wrapping_mul(ENTRY);
        if bytes < least { least } else { bytes }
    }

    /// Sets what is left of the budget.
    #[inline]
    pub const fn set_budget(&mut self, left: usize) {
        self.left = left;
    }
}
