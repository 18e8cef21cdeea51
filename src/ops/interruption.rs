//! Requests that nobody waits for any more: the rest of them is not carried out.

use ringcopy_protocol::NtStatus;

use crate::nt::wdf::Request;

/// The greatest number of bytes that a request copies before it looks again.
pub const PIECE: usize = 64 << 10;

/// A shorter entry counts as this many bytes.
const ENTRY: usize = 256;

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
        if let Some(left) = self.left.checked_sub(bytes) {
            self.left = left;
        } else if !self.interrupted {
            self.left = PIECE.saturating_sub(bytes);
            self.interrupted = self.request.is_interrupted();
        }
        if self.interrupted {
            Err(NtStatus::CANCELLED)
        } else {
            Ok(())
        }
    }

    /// Called before an entry of `bytes` is served, whose bytes [`before`](Self::before) counts.
    pub fn before_entry(&mut self, bytes: usize) -> Result<(), NtStatus> {
        self.before(ENTRY.saturating_sub(bytes))
    }

    /// Counts an entry of `bytes`, and its bytes; nothing if it is time to look first.
    #[inline]
    pub fn count_entry(&mut self, bytes: usize) -> Option<()> {
        self.left = self.left.checked_sub(bytes.max(ENTRY))?;
        Some(())
    }
}
