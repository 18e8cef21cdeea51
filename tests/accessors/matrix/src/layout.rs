//! The pages of an arena, and the result of an access to each.

use core::ops::Range;

use usermode_accessors::{NtStatus, probe::FOUR_LEVEL_LIMIT};

/// The size of a page in bytes.
pub const PAGE: usize = 0x1000;

/// Why a page of the state [`State::InPageError`] cannot be brought in: `STATUS_NO_SUCH_DEVICE`.
pub const PAGING_FAILED_BY: NtStatus = NtStatus(0xC000_000E);

/// The state of a page of the arena before a family runs. Every present page holds its
/// [pattern](crate::pattern_byte).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Readable and writable.
    Open,
    /// Not mapped.
    Unmapped,
    /// Mapped without access.
    NoAccess,
    /// Readable only.
    ReadOnly,
    /// Each access raises `STATUS_IN_PAGE_ERROR` with the cause [`PAGING_FAILED_BY`].
    InPageError,
    /// The first access raises `STATUS_GUARD_PAGE_VIOLATION` and opens the page.
    Guard,
    /// The first access brings the page in. The accessor does not notice.
    PagedOut,
    /// Readable and writable. It holds the [contents](crate::rewritten_content) of version 0 and of
    /// version 1 in turn, and changes after each instruction that accesses it. The first 8 bytes of
    /// the page before it count the accesses.
    Alternating,
}

impl State {
    /// The states that an access does not change. One page of each serves all cases.
    pub(crate) const LASTING: [Self; 4] = [
        Self::Unmapped,
        Self::NoAccess,
        Self::ReadOnly,
        Self::InPageError,
    ];

    /// Returns the status of an access that fails, or `None` if the access succeeds.
    pub(crate) const fn refusal(self, writes: bool) -> Option<NtStatus> {
        match self {
            Self::Open | Self::PagedOut | Self::Alternating => None,
            Self::ReadOnly if !writes => None,
            Self::Unmapped | Self::NoAccess | Self::ReadOnly => Some(NtStatus::ACCESS_VIOLATION),
            Self::InPageError => Some(NtStatus::IN_PAGE_ERROR),
            Self::Guard => Some(NtStatus::GUARD_PAGE_VIOLATION),
        }
    }

    /// Returns the need of a case next to such a page. `fails`: the access raises an exception.
    pub(crate) const fn need(self, fails: bool) -> Option<Need> {
        match self {
            Self::InPageError => Some(Need::InPageErrors),
            Self::PagedOut => Some(Need::PagingOut),
            _ if fails => Some(Need::Exceptions),
            _ => None,
        }
    }
}

/// A need of a case that not every arena can arrange. Such a case is then counted as skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Need {
    /// Pages that cannot be brought in.
    InPageErrors = 0,
    /// Pages that are paged out.
    PagingOut = 1,
    /// RFLAGS.AC set at entry: under SMAP, the caller has opened user memory.
    OpenWindow = 2,
    /// The last page of user memory.
    LastPage = 3,
    /// `ProbeForWrite`.
    Probes = 4,
    /// A system that raises exceptions and a guard that catches them.
    Exceptions = 5,
}

impl Need {
    /// All needs, by number.
    pub const ALL: [Self; 6] = [
        Self::InPageErrors,
        Self::PagingOut,
        Self::OpenWindow,
        Self::LastPage,
        Self::Probes,
        Self::Exceptions,
    ];

    /// Returns why a case was skipped.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::InPageErrors => "no page whose paging in fails",
            Self::PagingOut => "no page can be paged out",
            Self::OpenWindow => "EFLAGS.AC has another meaning in ring 3",
            Self::LastPage => "the last page of user memory could not be allocated",
            Self::Probes => "no ProbeForWrite",
            Self::Exceptions => "no exception is caught outside Windows",
        }
    }
}

/// Open pages of a strip.
const OPEN: usize = 3;
/// Pages of a strip: one closed page, the open pages, one closed page.
const STRIP: usize = OPEN + 2;
/// A strip to read from and one to write to, for each lasting state.
const STRIPS: usize = State::LASTING.len() * 2;
/// Pairs of an open page and a guard page. A family uses each in one case.
pub(crate) const GUARDS: usize = 1024;
/// Pairs of an open page and a page that is paged out.
pub(crate) const PAGED_OUT: usize = 256;

const FIRST_GUARD: usize = STRIPS * STRIP;
const FIRST_PAGED_OUT: usize = FIRST_GUARD + 2 * GUARDS;

/// The page that is [`State::Alternating`], after an open page. Two open pages follow, which hold
/// its two contents.
pub const ALTERNATING: usize = FIRST_PAGED_OUT + 2 * PAGED_OUT + 1;

/// The number of pages of an arena, which are consecutive.
pub const PAGES: usize = ALTERNATING + 3;

/// The last page of user memory with four levels of page tables, which is open. It is not one of the [`PAGES`].
pub const LAST_PAGE: usize = FOUR_LEVEL_LIMIT - PAGE;

/// Returns the state that a page of an arena must have.
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

/// Returns the pages that a family may use up. They are restored before the next family.
#[must_use]
pub const fn used_up() -> Range<usize> {
    FIRST_GUARD..PAGES
}

/// Returns the open part of the strip for one lasting state. Closed pages lie on both sides.
pub(crate) fn strip(base: usize, closed: State, for_writing: bool) -> Range<usize> {
    let number = State::LASTING
        .iter()
        .position(|state| *state == closed)
        .unwrap_or(0);
    let first = (number * 2 + usize::from(for_writing)) * STRIP + 1;
    base + first * PAGE..base + (first + OPEN) * PAGE
}

/// Returns the open page of a pair.
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
