//! Where in the arena which pages are, and what an access finds there.

use core::ops::Range;

use usermode_accessors::{NtStatus, probe::USER_LIMIT};

/// Bytes of a page.
pub const PAGE: usize = 0x1000;

/// Why a page of the state [`State::InPageError`] cannot be brought in: `STATUS_NO_SUCH_DEVICE`.
pub const PAGING_FAILED_BY: NtStatus = NtStatus::NO_SUCH_DEVICE;

/// What a page of the arena is like before a family runs. Every page that holds anything holds its
/// [pattern](crate::pattern_byte).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Reads and writes.
    Open,
    /// Nothing is there.
    Unmapped,
    /// No access.
    NoAccess,
    /// Reads alone.
    ReadOnly,
    /// Each access raises `STATUS_IN_PAGE_ERROR`, because of [`PAGING_FAILED_BY`].
    InPageError,
    /// The first access raises `STATUS_GUARD_PAGE_VIOLATION`, and opens the page.
    Guard,
    /// The first access brings the page in, unseen.
    PagedOut,
    /// Reads and writes, and holds the [contents](crate::rewritten_content) of version 0 and of
    /// version 1 in turn: each instruction that accesses it finds the other. How often that was,
    /// stands in the 8 bytes at the start of the page before.
    Alternating,
}

impl State {
    /// Those that an access does not change: one page serves for every case.
    pub(crate) const LASTING: [Self; 4] = [
        Self::Unmapped,
        Self::NoAccess,
        Self::ReadOnly,
        Self::InPageError,
    ];

    /// What an access meets, or `None` if it succeeds.
    pub(crate) const fn refusal(self, writes: bool) -> Option<NtStatus> {
        match self {
            Self::Open | Self::PagedOut | Self::Alternating => None,
            Self::ReadOnly if !writes => None,
            Self::Unmapped | Self::NoAccess | Self::ReadOnly => Some(NtStatus::ACCESS_VIOLATION),
            Self::InPageError => Some(NtStatus::IN_PAGE_ERROR),
            Self::Guard => Some(NtStatus::GUARD_PAGE_VIOLATION),
        }
    }

    /// What an arena must be able to do to have such pages.
    pub(crate) const fn need(self) -> Option<Need> {
        match self {
            Self::InPageError => Some(Need::InPageErrors),
            Self::PagedOut => Some(Need::PagingOut),
            _ => None,
        }
    }
}

/// What not every arena can do. Cases that need it are counted as skipped where it is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Need {
    /// Pages that cannot be brought in.
    InPageErrors = 0,
    /// Pages that are out, on purpose.
    PagingOut = 1,
    /// RFLAGS.AC set at entry: the window of SMAP, opened by the caller.
    OpenWindow = 2,
    /// A page at the very end of user memory.
    LastPage = 3,
    /// `ProbeForWrite`.
    Probes = 4,
}

impl Need {
    /// All of them, by number.
    pub const ALL: [Self; 5] = [
        Self::InPageErrors,
        Self::PagingOut,
        Self::OpenWindow,
        Self::LastPage,
        Self::Probes,
    ];

    /// Why a case was skipped.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::InPageErrors => "no page whose paging in fails",
            Self::PagingOut => "no page that is paged out on purpose",
            Self::OpenWindow => "EFLAGS.AC is another thing in ring 3",
            Self::LastPage => "the last page of user memory was not to be had",
            Self::Probes => "no ProbeForWrite",
        }
    }
}

/// Open pages of a strip.
const OPEN: usize = 3;
/// A strip: one closed page, open ones, one closed page.
const STRIP: usize = OPEN + 2;
/// A strip to read from and one to write to, for each lasting state.
const STRIPS: usize = State::LASTING.len() * 2;
/// Pairs of an open page and a guard page, each good for one case of a family.
pub(crate) const GUARDS: usize = 1024;
/// Pairs of an open page and one that is out.
pub(crate) const PAGED_OUT: usize = 256;

const FIRST_GUARD: usize = STRIPS * STRIP;
const FIRST_PAGED_OUT: usize = FIRST_GUARD + 2 * GUARDS;

/// The page that is [`State::Alternating`], behind an open one. Two open ones follow, which hold its
/// contents for whoever writes them.
pub const ALTERNATING: usize = FIRST_PAGED_OUT + 2 * PAGED_OUT + 1;

/// Pages of an arena, which are consecutive.
pub const PAGES: usize = ALTERNATING + 3;

/// The page that lies at the very end of user memory, all of it open; not part of the rest.
pub const LAST_PAGE: usize = USER_LIMIT - PAGE;

/// What an arena's page is to be.
#[must_use]
pub const fn state_of(page: usize) -> State {
    if page < FIRST_GUARD {
        return match page % STRIP {
            1..=OPEN => State::Open,
            _ => State::LASTING[page / STRIP / 2],
        };
    }
    if page + 1 >= ALTERNATING {
        return match page {
            ALTERNATING => State::Alternating,
            _ => State::Open,
        };
    }
    match (page < FIRST_PAGED_OUT, page % 2 == FIRST_GUARD % 2) {
        (_, true) => State::Open,
        (true, false) => State::Guard,
        (false, false) => State::PagedOut,
    }
}

/// The pages that one family may have used up, and that are to be made again for the next.
#[must_use]
pub const fn used_up() -> Range<usize> {
    FIRST_GUARD..PAGES
}

/// The part of an arena's strip that is open, for one lasting state. Closed pages lie on both sides.
pub(crate) fn strip(base: usize, closed: State, for_writing: bool) -> Range<usize> {
    let number = State::LASTING
        .iter()
        .position(|state| *state == closed)
        .unwrap_or(0);
    let first = (number * 2 + usize::from(for_writing)) * STRIP + 1;
    base + first * PAGE..base + (first + OPEN) * PAGE
}

/// The open page of a pair.
pub(crate) const fn pair(base: usize, closed: State, number: usize) -> Option<Range<usize>> {
    let (first, count) = match closed {
        State::Guard => (FIRST_GUARD, GUARDS),
        _ => (FIRST_PAGED_OUT, PAGED_OUT),
    };
    if number >= count {
        return None;
    }
    let start = base + (first + 2 * number) * PAGE;
    Some(start..start + PAGE)
}
