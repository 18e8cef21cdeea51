//! Explains why a copy ended early.

use ringcopy_protocol::{Direction, EngineKind, NtStatus, Reach, RequestKind};

use super::{ALIGNMENT, NO_PRIVILEGE, explain_policy, status};
use crate::{CopyReport, Operation, Source};

/// The lowest system address of a processor with five levels.
const LOWEST_SYSTEM_ADDRESS: u64 = 0xFF00_0000_0000_0000;

/// The kind of memory that stopped a copy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Memory {
    /// The caller's own.
    User,
    /// Virtual memory of the system.
    System,
    /// Virtual addresses that are not canonical.
    NonCanonical,
    /// Physical memory.
    Physical,
}

impl Memory {
    /// Returns the kind of the side that stopped.
    const fn of(report: &CopyReport, user_limit: u64) -> Self {
        match (report.result.direction(), report.source) {
            // Only the caller's own memory is written.
            (Direction::Write, _) | (_, None) => Self::User,
            (_, Some(Source::Physical(_))) => Self::Physical,
            (_, Some(Source::Virtual(address))) if address < user_limit => Self::User,
            (_, Some(Source::Virtual(LOWEST_SYSTEM_ADDRESS..))) => Self::System,
            (_, Some(Source::Virtual(_))) => Self::NonCanonical,
        }
    }
}

/// Explains why a copy ended early, with advice after a semicolon.
pub(crate) fn explain_stop(report: &CopyReport, user_limit: u64) -> String {
    let memory = Memory::of(report, user_limit);
    let place = report.result.stop_address().map_or_else(
        || "an address of the range".into(),
        |address| format!("{address:#x}"),
    );
    match report.result.status() {
        NtStatus::DATATYPE_MISALIGNMENT => format!(
            "{place} is not a multiple of the alignment asked for; align the buffer, or ask for \
             a smaller alignment."
        ),
        NtStatus::ACCESS_VIOLATION => access_violation(report, memory, user_limit, &place),
        NtStatus::INVALID_ADDRESS => invalid_address(report, memory, &place),
        NtStatus::GUARD_PAGE_VIOLATION => format!(
            "{place} lies in a guard page, and the guard is spent now; touch the page first, or \
             repeat the request."
        ),
        NtStatus::STACK_OVERFLOW => format!(
            "{place} lies in the guard page at the end of the calling thread's own stack, and the \
             guard is spent now; name a buffer that is no part of a stack."
        ),
        NtStatus::IN_PAGE_ERROR => format!(
            "the page of {place} could not be read from its file or disk; check the \
             storage that holds it."
        ),
        NtStatus::ACCESS_DENIED => {
            explain_policy(report.source.map_or(Reach::MEMORY, Source::needs))
        }
        NtStatus::PRIVILEGE_NOT_HELD => NO_PRIVILEGE.into(),
        NtStatus::PARTIAL_COPY => format!(
            "there is no memory at {place}; {}.",
            other(report, readable(memory))
        ),
        NtStatus::INVALID_PARAMETER if has_alignment(report.operation) => ALIGNMENT.into(),
        NtStatus::NOT_SUPPORTED if report.result.engine() == EngineKind::Native => {
            "the native engine is not in use on this machine (see `ringcopy info`); ask for the \
             system's, or for auto."
                .into()
        }
        NtStatus::INVALID_PAGE_PROTECTION if report.result.engine() == EngineKind::Native => {
            format!(
                "{place} is RAM that the driver maps uncached, which the native engine does not read; \
             ask for the system's, or for auto."
            )
        }
        NtStatus::INVALID_PARAMETER_4 => {
            "the flags name both kinds of address, or none; name exactly one.".into()
        }
        status => status::advice(status),
    }
}

fn access_violation(report: &CopyReport, memory: Memory, user_limit: u64, place: &str) -> String {
    match (report.result.stop_address(), report.result.direction()) {
        (Some(u64::MAX), _) => {
            "an address of the range is not canonical: no processor of this kind has it; check \
             the upper bits of the pointer."
                .into()
        }
        (_, Direction::None) => {
            "the range does not lie in user memory, or wraps around; pass a pointer into this \
             process's own memory."
                .into()
        }
        // System memory and physical memory are read through the driver's own mapping of RAM, which
        // failed here.
        (_, Direction::Read) if memory != Memory::User => format!(
            "{place} is RAM, but something keeps it from being read, such as virtualization-based \
             security; leave its page out."
        ),
        (Some(address), _) if address >= user_limit => format!(
            "{place} is not user memory, and a user-mode caller may name no other; pass a \
             pointer into this process's own memory."
        ),
        (Some(address), Direction::Read) if leaves(user_limit, report, address) => format!(
            "the range leaves user memory, which ends at {user_limit:#x}; ask for the bytes \
             before that alone."
        ),
        (_, Direction::Write) => format!(
            "{place} cannot be written; make the page writable, or choose another destination."
        ),
        (_, Direction::Read) => format!(
            "{place} cannot be read in this process; map the page, or {}.",
            other(report, readable(memory))
        ),
    }
}

fn invalid_address(report: &CopyReport, memory: Memory, place: &str) -> String {
    let other = other(report, readable(memory));
    match memory {
        Memory::Physical => format!(
            "there is no RAM at {place} that can be read: it is device memory, a firmware table, \
             withheld by a hypervisor, or nothing at all; {other}, or see `ringcopy ranges` for \
             what is RAM."
        ),
        Memory::System if report.result.engine() == EngineKind::Native => format!(
            "no RAM is mapped at {place}, or its page is paged out, which the native engine does \
             not bring in; {other}, or ask for the engine auto."
        ),
        Memory::System => format!(
            "no RAM is mapped at {place}: nothing is mapped there, or device memory is; {other}."
        ),
        Memory::NonCanonical => format!(
            "{place} is neither user memory nor the system's; check the upper bits of the pointer."
        ),
        Memory::User => format!("nothing is mapped at {place}; {other}."),
    }
}

/// Returns advice to ask for what arrived, or for another address.
fn other(report: &CopyReport, readable: &str) -> String {
    match report.result.copied {
        0 => format!("start at an address that {readable}"),
        1 => "ask for the byte before it alone".into(),
        copied => format!("ask for the {copied} bytes before it alone"),
    }
}

/// Returns what makes an address of this kind of memory readable.
const fn readable(memory: Memory) -> &'static str {
    match memory {
        Memory::Physical => "is RAM",
        Memory::User | Memory::System | Memory::NonCanonical => "is mapped",
    }
}

/// Returns whether a range that begins in user memory does not end there.
fn leaves(user_limit: u64, report: &CopyReport, address: u64) -> bool {
    let rest = report.asked.saturating_sub(report.result.copied);
    address.checked_add(rest).is_none_or(|end| end > user_limit)
}

/// Returns whether a request has an alignment.
const fn has_alignment(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Request(RequestKind::CopyFrom | RequestKind::CopyTo | RequestKind::CopyThrough)
    )
}

#[cfg(test)]
mod tests {
    use ringcopy_protocol::CopyResult;

    use super::*;

    const USER_LIMIT: u64 = 0x7FFF_FFFF_0000;

    fn explain_stop(report: &CopyReport) -> String {
        super::explain_stop(report, USER_LIMIT)
    }

    /// An address of each kind of memory.
    const SOURCES: [Option<Source>; 5] = [
        None,
        Some(Source::Virtual(0x10_0000)),
        Some(Source::Virtual(0xFFFF_F800_0000_0000)),
        Some(Source::Virtual(0x0000_8000_0000_0000)),
        Some(Source::Physical(0x9_F000)),
    ];

    fn stopped(status: NtStatus, source: Option<Source>, copied: u64) -> CopyReport {
        let kind = source.map_or(RequestKind::CopyFrom, |_| RequestKind::CopyMemory);
        CopyReport {
            operation: kind.into(),
            asked: 64,
            source,
            result: CopyResult {
                copied,
                address: source.map_or(0x10_0000, Source::address) + copied,
                direction: Direction::Read as u32,
                engine: EngineKind::System as u32,
                ..CopyResult::of(status)
            },
        }
    }

    #[test]
    fn advice_fits_the_kind_of_memory() {
        for status in NtStatus::NAMED {
            for source in SOURCES {
                for copied in [0, 12] {
                    let sentence = explain_stop(&stopped(*status, source, copied));
                    // Page tables and pointers do not explain a physical address, nor does a list of
                    // RAM explain a virtual one.
                    let foreign: &[_] = match source {
                        Some(Source::Physical(_)) => {
                            &["mapped", "map the", "user memory", "pointer"]
                        }
                        _ => &["ringcopy ranges", "that is RAM", "physical memory)"],
                    };
                    // A status that is not about memory is explained without its context.
                    let general = sentence == status::advice(*status);
                    let own_policy = source.is_none() && *status == NtStatus::ACCESS_DENIED;
                    for word in foreign.iter().filter(|_| !general && !own_policy) {
                        assert!(!sentence.contains(word), "{source:?}: {sentence}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_invalid_address_is_explained_by_its_kind() {
        let sentence = |source| explain_stop(&stopped(NtStatus::INVALID_ADDRESS, source, 0));
        let physical = sentence(Some(Source::Physical(0x9_F000)));
        assert!(
            physical.starts_with("there is no RAM at 0x9f000"),
            "{physical}"
        );
        assert!(
            physical.contains("start at an address that is RAM"),
            "{physical}"
        );
        assert!(physical.contains("`ringcopy ranges`"), "{physical}");
        let system = sentence(Some(Source::Virtual(0xFFFF_F800_0000_0000)));
        assert!(
            system.starts_with("no RAM is mapped at 0xfffff80000000000"),
            "{system}"
        );
        assert!(
            system.ends_with("start at an address that is mapped."),
            "{system}"
        );
        for pointer in [0x0000_8000_0000_0000, 0x8000_0000_0000_0000, USER_LIMIT] {
            let non_canonical = sentence(Some(Source::Virtual(pointer)));
            assert!(
                non_canonical.contains("neither user memory nor"),
                "{non_canonical}"
            );
        }
        let source = Some(Source::Virtual(0xFFFF_F800_0000_0000));
        let mut paged = stopped(NtStatus::INVALID_ADDRESS, source, 0);
        paged.result.engine = EngineKind::Native as u32;
        let paged = explain_stop(&paged);
        assert!(paged.contains("the engine auto"), "{paged}");
    }

    #[test]
    fn an_access_violation_is_explained_by_its_kind() {
        let stop = |source, address, direction| {
            let mut report = stopped(NtStatus::ACCESS_VIOLATION, source, 0);
            report.result.address = address;
            report.result.direction = direction as u32;
            explain_stop(&report)
        };
        let system = Source::Virtual(0xFFFF_F800_0000_0000);
        for source in [Source::Physical(0x9_F000), system] {
            let withheld = stop(Some(source), source.address(), Direction::Read);
            assert!(withheld.contains("keeps it from being read"), "{withheld}");
            // The target is in the caller's memory.
            let target = stop(Some(source), 0x1000, Direction::Write);
            assert!(target.contains("make the page writable"), "{target}");
        }
        let last = USER_LIMIT - 16;
        let leaving = stop(Some(Source::Virtual(last)), last, Direction::Read);
        assert!(leaving.contains("leaves user memory"), "{leaving}");
        let own = stop(None, 0x1000, Direction::Read);
        assert!(own.contains("map the page, or start at"), "{own}");
    }

    #[test]
    fn advice_follows_the_drivers_user_limit() {
        const FIVE_LEVELS: u64 = 0x00FF_FFFF_FFFF_0000;
        let above = Some(Source::Virtual(USER_LIMIT));
        let unmapped = stopped(NtStatus::ACCESS_VIOLATION, above, 0);
        let four = super::explain_stop(&unmapped, USER_LIMIT);
        assert!(four.contains("keeps it from being read"), "{four}");
        let five = super::explain_stop(&unmapped, FIVE_LEVELS);
        assert!(five.contains("map the page"), "{five}");
        let mut leaving = stopped(NtStatus::ACCESS_VIOLATION, None, 0);
        leaving.result.address = FIVE_LEVELS - 16;
        let five = super::explain_stop(&leaving, FIVE_LEVELS);
        assert!(five.contains("ends at 0xffffffffff0000"), "{five}");
    }

    #[test]
    fn advice_asks_for_readable_bytes() {
        for status in NtStatus::NAMED {
            for source in SOURCES {
                for direction in [Direction::None, Direction::Read, Direction::Write] {
                    let sentence = |copied| {
                        let mut report = stopped(*status, source, copied);
                        report.result.direction = direction as u32;
                        explain_stop(&report)
                    };
                    assert!(!sentence(0).contains(" 0 bytes"), "{}", sentence(0));
                    assert!(!sentence(1).contains(" 1 bytes"), "{}", sentence(1));
                }
            }
        }
        let short = stopped(NtStatus::ACCESS_VIOLATION, None, 12);
        assert!(explain_stop(&short).ends_with("ask for the 12 bytes before it alone."));
        let shortest = stopped(NtStatus::PARTIAL_COPY, None, 1);
        assert!(explain_stop(&shortest).ends_with("ask for the byte before it alone."));
    }

    #[test]
    fn only_requests_with_an_alignment_mention_one() {
        let own = explain_stop(&stopped(NtStatus::INVALID_PARAMETER, None, 0));
        assert!(own.contains("alignment"), "{own}");
        let source = Some(Source::Physical(0x1000));
        let other = explain_stop(&stopped(NtStatus::INVALID_PARAMETER, source, 0));
        assert!(!other.contains("alignment"), "{other}");
    }
}
