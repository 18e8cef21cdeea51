//! Requests that nobody waits for any more: the rest of them is not carried out.

use ringcopy_protocol::NtStatus;

use crate::nt::wdf::Request;

/// The greatest number of bytes that a request copies before it looks again.
pub const PIECE: usize = 64 << 10;

/// A shorter entry counts as this many bytes.
const ENTRY: usize = 128;

/// The number of entries that are served together, at most.
pub const RUN: usize = 128;

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

    fn look(&mut self) {
        self.left = PIECE;
        self.interrupted = self.interrupted || self.request.is_interrupted();
    }

    /// Called before an entry of `bytes` is served, whose bytes [`before`](Self::before) counts.
    pub fn before_entry(&mut self, bytes: usize) -> Result<(), NtStatus> {
        self.before(ENTRY.saturating_sub(bytes))
    }

    /// Called before up to [`RUN`] entries are served together: whether they may be. Their bytes are
    /// counted by [`count`](Self::count).
    #[inline]
    pub fn allows_run(&mut self) -> bool {
        if self.left < RUN * ENTRY {
            self.look();
        }
        !self.interrupted
    }

    /// Counts entries with `bytes` together; nothing if it is time to look first.
    #[inline]
    pub fn count(&mut self, entries: usize, bytes: usize) -> Option<()> {
        let cost = bytes.max(entries.saturating_mul(ENTRY));
        self.left = self.left.checked_sub(cost)?;
        Some(())
    }
}
