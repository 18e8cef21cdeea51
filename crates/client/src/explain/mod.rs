//! Failures as sentences that say what to do.
//!
//! - `refusal`: a request that was refused as a whole, by its kind and status.
//! - `stop`: a copy that ended early, by its status, its kind, and the kind of memory.
//! - `status`: what a status means wherever it turns up.

mod refusal;
mod status;
mod stop;

use ringcopy_protocol::{NtStatus, POLICY_VALUE, Reach};

use crate::{CopyReport, Error, TransportError};
use refusal::refused;

pub(crate) use stop::explain_stop;

const ALIGNMENT: &str = "the alignment is not a power of two, or a field holds no value that it \
                         may have; ask for an alignment of 1, 2, 4, 8, …";

const NO_PRIVILEGE: &str = "the policy allows it, but the handle was opened without \
                            SeDebugPrivilege; enable the privilege and open the device again.";

/// Explains an error, and says what to do about it.
#[must_use]
pub fn explain(error: &Error) -> String {
    match error {
        Error::Transport(error @ TransportError::Memory { status, .. }) => {
            format!("{error}: {}", status::advice(*status))
        }
        // The text may contain lines of a log.
        Error::Transport(error) => match error.to_string() {
            text if text.contains('\n') => text,
            sentence => format!("{sentence}."),
        },
        Error::Refused { operation, status } => {
            format!(
                "{operation} failed with {status}: {}",
                refused(*operation, *status)
            )
        }
        Error::Response { .. } => format!(
            "{error}. Nothing of the response was used; check that client and driver are of the \
             same release."
        ),
    }
}

/// Explains why a copy stopped, and says what to do about it; `None` for a complete copy.
///
/// `user_limit` is the driver's: [`Information::user_limit`](crate::Information::user_limit).
#[must_use]
pub fn explain_copy(report: &CopyReport, user_limit: u64) -> Option<String> {
    if report.is_complete() {
        return None;
    }
    Some(format!(
        "{} copied {} of {} bytes and ended with {}: {}",
        report.operation,
        report.result.copied,
        report.asked,
        report.result.status(),
        explain_stop(report, user_limit)
    ))
}

/// Explains which bits of the policy a reach needs, and how they are set.
#[must_use]
pub fn explain_policy(needed: Reach) -> String {
    let bits: Vec<_> = [
        (Reach::SYSTEM_VIRTUAL, "bit 0 (system virtual memory)"),
        (Reach::PHYSICAL, "bit 1 (physical memory)"),
    ]
    .into_iter()
    .filter_map(|(bit, name)| needed.contains(bit).then_some(name))
    .collect();
    format!(
        "the policy keeps this memory out of reach; an administrator can set {} of \
         `{POLICY_VALUE}` under the service's Parameters key, and start the driver again.",
        bits.join(" or ")
    )
}

/// Explains in a few words why memory could not be read, for lists of holes.
#[must_use]
pub const fn explain_hole(status: NtStatus) -> &'static str {
    match status {
        NtStatus::INVALID_ADDRESS => "no RAM there, or not mapped",
        NtStatus::ACCESS_VIOLATION => "not mapped, or not readable",
        NtStatus::GUARD_PAGE_VIOLATION => "a guard page, which is spent now",
        NtStatus::STACK_OVERFLOW => "the end of this thread's stack, whose guard is spent now",
        NtStatus::IN_PAGE_ERROR => "its page could not be brought in",
        NtStatus::PARTIAL_COPY => "memory ended",
        NtStatus::ACCESS_DENIED => "the policy keeps it out of reach",
        NtStatus::PRIVILEGE_NOT_HELD => "SeDebugPrivilege is missing",
        NtStatus::INVALID_PAGE_PROTECTION => "mapped uncached, which the native engine leaves out",
        NtStatus::NOT_SUPPORTED => "the engine asked for is not in use",
        NtStatus::INSUFFICIENT_RESOURCES => "the system was short of memory",
        NtStatus::CANCELLED => "cancelled",
        _ => "not read",
    }
}

#[cfg(test)]
mod tests {
    use ringcopy_protocol::{CODES, Direction, RequestKind};

    use super::*;
    use crate::{Operation, Source};

    fn explain_copy(report: &CopyReport) -> Option<String> {
        super::explain_copy(report, 0x7FFF_FFFF_0000)
    }

    const UNKNOWN: [NtStatus; 2] = [NtStatus(0xC000_DEAD), NtStatus(0xC007_04C7)];

    fn statuses() -> impl Iterator<Item = NtStatus> {
        NtStatus::NAMED.iter().copied().chain(UNKNOWN)
    }

    fn operations() -> impl Iterator<Item = Operation> {
        let requests = CODES.iter().map(|code| Operation::Request(code.kind));
        std::iter::once(Operation::Open).chain(requests)
    }

    fn report(status: NtStatus) -> CopyReport {
        let mut report = CopyReport::ended(RequestKind::CopyFrom.into(), status, 64);
        report.result.copied = 12;
        report.result.address = 0x1000_0003;
        report.result.direction = Direction::Read as u32;
        report
    }

    #[test]
    fn every_refusal_names_the_operation_and_the_status_and_is_one_sentence() {
        for operation in operations() {
            for status in statuses() {
                let sentence = explain(&Error::Refused { operation, status });
                assert!(sentence.starts_with(operation.name()), "{sentence}");
                assert!(sentence.contains(&status.to_string()), "{sentence}");
                assert!(sentence.ends_with(['.', '…']), "{sentence}");
                assert!(sentence.contains(';'), "no advice: {sentence}");
            }
        }
    }

    #[test]
    fn every_explanation_says_how_much_arrived() {
        for status in statuses() {
            let sentence = explain_copy(&report(status)).unwrap();
            assert!(sentence.contains("12 of 64 bytes"), "{sentence}");
            assert!(sentence.contains(&status.to_string()), "{sentence}");
        }
    }

    #[test]
    fn a_complete_copy_needs_no_explanation() {
        let mut complete = report(NtStatus::SUCCESS);
        complete.result.copied = 64;
        assert_eq!(explain_copy(&complete), None);
    }

    #[test]
    fn the_advice_fits_the_cause() {
        let violation = |address, direction| {
            let mut report = report(NtStatus::ACCESS_VIOLATION);
            report.result.address = address;
            report.result.direction = direction as u32;
            explain_copy(&report).unwrap()
        };
        assert!(violation(u64::MAX, Direction::Read).contains("not canonical"));
        assert!(violation(0xFFFF_F800_0000_0000, Direction::Read).contains("not user memory"));
        assert!(violation(0x1000, Direction::Write).contains("make the page writable"));
        assert!(violation(0x1000, Direction::Read).contains("map the page"));
        let sentence = |status| explain_copy(&report(status)).unwrap();
        assert!(sentence(NtStatus::DATATYPE_MISALIGNMENT).contains("0x10000003 is not a multiple"));
        assert!(sentence(NtStatus::STACK_OVERFLOW).contains("the calling thread's own stack"));
        assert!(sentence(NtStatus::ACCESS_DENIED).contains("Policy"));
        assert!(sentence(NtStatus::PRIVILEGE_NOT_HELD).contains("SeDebugPrivilege"));
        let needing = |source| {
            explain_copy(&CopyReport {
                source: Some(source),
                ..report(NtStatus::ACCESS_DENIED)
            })
            .unwrap()
        };
        let (system, physical) = (needing(Source::Virtual(1)), needing(Source::Physical(1)));
        assert!(system.contains("set bit 0 ") && !system.contains("bit 1"));
        assert!(physical.contains("set bit 1 ") && !physical.contains("bit 0"));
        let denied = explain(&Error::Refused {
            operation: Operation::Open,
            status: NtStatus::ACCESS_DENIED,
        });
        assert!(denied.contains("as an administrator"), "{denied}");
    }

    #[test]
    fn a_refused_list_of_ram_names_what_is_missing() {
        let sentence = |status| {
            explain(&Error::Refused {
                operation: RequestKind::MemoryRanges.into(),
                status,
            })
        };
        assert!(sentence(NtStatus::ACCESS_DENIED).contains("bit 1 (physical memory) of `Policy`"));
        assert!(sentence(NtStatus::PRIVILEGE_NOT_HELD).contains("SeDebugPrivilege"));
    }

    #[test]
    fn a_memory_error_has_a_named_status_and_advice() {
        let sentence = |address, status| {
            explain(&Error::Transport(TransportError::Memory {
                action: "allocate",
                address,
                length: 64 << 20,
                status,
            }))
        };
        assert_eq!(
            sentence(0, NtStatus::NO_MEMORY),
            "cannot allocate 67108864 bytes of the caller's memory: STATUS_NO_MEMORY: there is \
             not enough memory for it; ask for fewer bytes, or end other programs."
        );
        let unknown = sentence(0x1000, NtStatus(0xC000_DEAD));
        assert!(
            unknown.contains("memory at 0x1000: 0xC000DEAD: "),
            "{unknown}"
        );
        assert!(unknown.contains("MS-ERREF"), "{unknown}");
    }

    #[test]
    fn a_transport_error_is_its_own_explanation() {
        let error = Error::Transport(TransportError::Unavailable("there is none here".into()));
        assert_eq!(explain(&error), "there is none here.");
    }
}
