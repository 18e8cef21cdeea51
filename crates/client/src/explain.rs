//! Failures as sentences that say what to do.

use ringcopy_protocol::{
    DEVICE_PAGE_LENGTH, Direction, Engine, MAXIMUM_ENTRIES, MAXIMUM_LENGTH, NtStatus, POLICY_VALUE,
    PROTOCOL_VERSION, Reach, SESSION_LENGTH,
};

use crate::{Error, Operation, Transfer};

/// The user range of x64 ends here: no address from this on can be a caller's own.
const USER_LIMIT: u64 = 0x7FFF_FFFF_0000;

const ALIGNMENT: &str = "the alignment is not a power of two, or a field holds no value that it \
                         may have; ask for an alignment of 1, 2, 4, 8, …";

const NO_PRIVILEGE: &str = "the policy allows it, but the handle was opened without \
                            SeDebugPrivilege; enable the privilege and open the device again.";

/// Says what an error means and what to do about it.
#[must_use]
pub fn explain(error: &Error) -> String {
    match error {
        // What it says may end in lines of a log.
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
            "{error}. Nothing of the answer was used; check that client and driver are of the \
             same release."
        ),
    }
}

/// Says what stopped a copy and what to do about it; `None` for a complete one.
#[must_use]
pub fn explain_transfer(transfer: &Transfer) -> Option<String> {
    if transfer.is_complete() {
        return None;
    }
    let Transfer {
        operation,
        status,
        asked,
        copied,
        ..
    } = transfer;
    Some(format!(
        "{operation} copied {copied} of {asked} bytes and ended with {status}: {}",
        explain_stop(transfer)
    ))
}

/// Says which bits of the policy a reach needs, and how they are set.
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

/// Says in a few words why a byte could not be read, for lists of holes.
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
        NtStatus::NOT_SUPPORTED => "the engine asked for is not in use",
        NtStatus::INSUFFICIENT_RESOURCES => "the system was short of memory",
        _ => "not read",
    }
}

/// Why a request as a whole was refused.
fn refused(operation: Operation, status: NtStatus) -> String {
    match (operation, status) {
        (Operation::Open, NtStatus::ACCESS_DENIED) => {
            "only SYSTEM and administrators may open the device; start this program as an \
             administrator."
                .into()
        }
        (Operation::MemoryRanges, NtStatus::ACCESS_DENIED) => explain_policy(Reach::PHYSICAL),
        (Operation::MemoryRanges, NtStatus::PRIVILEGE_NOT_HELD) => NO_PRIVILEGE.into(),
        (_, NtStatus::ACCESS_DENIED) => {
            "the handle was opened by another process, or without the read or write access that \
             this request needs; open the device in this process, for both."
                .into()
        }
        (_, NtStatus::OBJECT_NAME_NOT_FOUND) => {
            "the device is not there; install the driver with `ringcopy install` and load it with \
             `ringcopy start`, or see what `ringcopy doctor` finds."
                .into()
        }
        (_, NtStatus::INVALID_HANDLE) => {
            "the handle is closed or was never open; open the device first.".into()
        }
        (_, NtStatus::INVALID_DEVICE_REQUEST) => {
            "this driver has no such request; install the driver of this client's release.".into()
        }
        (_, NtStatus::REVISION_MISMATCH) => format!(
            "the driver does not speak version {PROTOCOL_VERSION} of the protocol; install \
             driver and client of the same release."
        ),
        (_, NtStatus::INFO_LENGTH_MISMATCH) => {
            "the request does not have the size that its control code takes; send the structure \
             that the protocol names, and its size in the header."
                .into()
        }
        (_, NtStatus::BUFFER_TOO_SMALL) => {
            "the output buffer cannot hold the response and the bytes asked for; pass a larger one."
                .into()
        }
        (Operation::CopyFrom | Operation::CopyTo, NtStatus::INVALID_BUFFER_SIZE) => format!(
            "the session buffer has {SESSION_LENGTH} bytes; ask for less, or from a lower offset."
        ),
        (Operation::DeviceCopy, NtStatus::INVALID_BUFFER_SIZE) => format!(
            "the device page has {DEVICE_PAGE_LENGTH} bytes; ask for less, or from a lower offset."
        ),
        (Operation::CopyBatch | Operation::CopyScatter, NtStatus::INVALID_BUFFER_SIZE) => format!(
            "one request has at most {MAXIMUM_ENTRIES} pieces and {MAXIMUM_LENGTH} bytes in all; \
             split the piece that is longer."
        ),
        (_, NtStatus::INVALID_BUFFER_SIZE) => format!(
            "one request copies at most {MAXIMUM_LENGTH} bytes; split it into smaller ones."
        ),
        (Operation::DeviceCopy, NtStatus::INVALID_PARAMETER) => {
            "source and destination in the device page overlap, or a field holds no value that \
             it may have; move one of them apart."
                .into()
        }
        (
            Operation::CopyFrom | Operation::CopyTo | Operation::CopyThrough,
            NtStatus::INVALID_PARAMETER,
        ) => ALIGNMENT.into(),
        (_, NtStatus::INVALID_PARAMETER) => {
            "a field of the request holds no value that it may have; fill it from this \
             protocol's enumerations and leave reserved fields zero."
                .into()
        }
        (_, NtStatus::ACCESS_VIOLATION | NtStatus::DATATYPE_MISALIGNMENT) => {
            "the request or its response is not in valid, 8-aligned memory of the caller's; pass \
             buffers of this process that are mapped and writable."
                .into()
        }
        _ => general(status),
    }
}

/// Why a copy ended early, and what to do about it.
pub(crate) fn explain_stop(transfer: &Transfer) -> String {
    let place = transfer.address.map_or_else(
        || "an address of the range".into(),
        |address| format!("{address:#x}"),
    );
    match transfer.status {
        NtStatus::DATATYPE_MISALIGNMENT => format!(
            "{place} is not a multiple of the alignment asked for; align the buffer, or ask for \
             a smaller alignment."
        ),
        NtStatus::ACCESS_VIOLATION => access_violation(transfer, &place),
        NtStatus::GUARD_PAGE_VIOLATION => format!(
            "{place} lies in a guard page, and the guard is spent now; touch the page first, or \
             repeat the request."
        ),
        NtStatus::STACK_OVERFLOW => format!(
            "{place} lies in the guard page at the end of the calling thread's own stack, and the \
             guard is spent now; name a buffer that is no part of a stack."
        ),
        NtStatus::IN_PAGE_ERROR => format!(
            "the page of {place} could not be read from its file or disk; check the storage \
             behind it."
        ),
        NtStatus::ACCESS_DENIED => {
            explain_policy(transfer.source.map_or(Reach::all(), crate::Source::needs))
        }
        NtStatus::PRIVILEGE_NOT_HELD => NO_PRIVILEGE.into(),
        NtStatus::INVALID_ADDRESS => {
            "there is no RAM behind the address: it is device memory, a firmware table, a hole, \
             or not mapped; read a range that the system lists as RAM."
                .into()
        }
        NtStatus::PARTIAL_COPY if transfer.copied == 0 => {
            "there is no memory at the start of the range; start at an address that is mapped."
                .into()
        }
        NtStatus::PARTIAL_COPY => format!(
            "memory ends within the range; ask for no more than the {} bytes before its end.",
            transfer.copied
        ),
        NtStatus::INVALID_PARAMETER => ALIGNMENT.into(),
        NtStatus::NOT_SUPPORTED if transfer.engine == Engine::Native => {
            "the native engine is not in use on this machine (see `ringcopy info`); ask for the \
             system's, or for auto."
                .into()
        }
        NtStatus::INVALID_PARAMETER_4 => {
            "the flags name both kinds of address, or none; name exactly one.".into()
        }
        status => general(status),
    }
}

fn access_violation(transfer: &Transfer, place: &str) -> String {
    match (transfer.address, transfer.direction) {
        (Some(u64::MAX), _) => {
            "an address of the range is not canonical: no processor of this kind has it; check \
             the upper bits of the pointer."
                .into()
        }
        (Some(address), _) if address >= USER_LIMIT => format!(
            "{place} is not user memory, and a user-mode caller may name no other; pass a \
             pointer into this process's own memory."
        ),
        (_, Direction::Write) => format!(
            "{place} cannot be written; make the page writable, or choose another destination."
        ),
        (_, Direction::Read) if transfer.copied == 0 => {
            format!("{place} cannot be read; map the page, or start at an address that is mapped.")
        }
        (_, Direction::Read) => format!(
            "{place} cannot be read; map the page, or ask for no more than the {} bytes before \
             it.",
            transfer.copied
        ),
        (_, Direction::None) => {
            "the range does not lie in user memory, or wraps around; pass a pointer into this \
             process's own memory."
                .into()
        }
    }
}

/// What a status means wherever it turns up.
fn general(status: NtStatus) -> String {
    match status {
        NtStatus::INSUFFICIENT_RESOURCES => {
            "the system is short of memory; close something, and repeat the request.".into()
        }
        NtStatus::QUOTA_EXCEEDED => {
            "this handle has as many requests under way as it may; wait for one of them.".into()
        }
        NtStatus::CANCELLED => "it was cancelled; repeat it if it is still wanted.".into(),
        NtStatus::NOT_SUPPORTED => {
            "this machine, or the driver's configuration, does not offer it; see `ringcopy info`."
                .into()
        }
        NtStatus::PRIVILEGE_NOT_HELD => {
            "a privilege is missing; enable SeDebugPrivilege and open the device again.".into()
        }
        NtStatus::INVALID_PARAMETER | NtStatus::INVALID_PARAMETER_1 => {
            "an argument has no meaning; check the request's fields against the protocol.".into()
        }
        _ => "this client knows no more about it; look the status up in [MS-ERREF], and in the \
              driver's trace."
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, TransportError};

    const STATUSES: [NtStatus; 26] = [
        NtStatus::PENDING,
        NtStatus::GUARD_PAGE_VIOLATION,
        NtStatus::STACK_OVERFLOW,
        NtStatus::DATATYPE_MISALIGNMENT,
        NtStatus::PARTIAL_COPY,
        NtStatus::UNSUCCESSFUL,
        NtStatus::INFO_LENGTH_MISMATCH,
        NtStatus::ACCESS_VIOLATION,
        NtStatus::IN_PAGE_ERROR,
        NtStatus::INVALID_HANDLE,
        NtStatus::INVALID_PARAMETER,
        NtStatus::INVALID_DEVICE_REQUEST,
        NtStatus::ACCESS_DENIED,
        NtStatus::BUFFER_TOO_SMALL,
        NtStatus::OBJECT_NAME_NOT_FOUND,
        NtStatus::QUOTA_EXCEEDED,
        NtStatus::REVISION_MISMATCH,
        NtStatus::PRIVILEGE_NOT_HELD,
        NtStatus::INSUFFICIENT_RESOURCES,
        NtStatus::NOT_SUPPORTED,
        NtStatus::INVALID_PARAMETER_1,
        NtStatus::INVALID_PARAMETER_4,
        NtStatus::CANCELLED,
        NtStatus::INVALID_ADDRESS,
        NtStatus::INVALID_BUFFER_SIZE,
        NtStatus(0xC000_DEAD),
    ];

    const OPERATIONS: [Operation; 10] = [
        Operation::Open,
        Operation::Information,
        Operation::CopyFrom,
        Operation::CopyTo,
        Operation::CopyThrough,
        Operation::DeviceCopy,
        Operation::CopyMemory,
        Operation::CopyBatch,
        Operation::CopyScatter,
        Operation::MemoryRanges,
    ];

    fn transfer(status: NtStatus) -> Transfer {
        Transfer {
            operation: Operation::CopyFrom,
            status,
            asked: 64,
            copied: 12,
            address: Some(0x1000_0003),
            direction: Direction::Read,
            engine: Engine::Auto,
            fell_back: false,
            hole_length: 0,
            source: None,
        }
    }

    #[test]
    fn every_refusal_names_the_operation_and_the_status_and_is_one_sentence() {
        for operation in OPERATIONS {
            for status in STATUSES {
                let sentence = explain(&Error::Refused { operation, status });
                assert!(sentence.starts_with(operation.name()), "{sentence}");
                assert!(sentence.contains(&status.to_string()), "{sentence}");
                assert!(sentence.ends_with(['.', '…']), "{sentence}");
                assert!(sentence.contains(';'), "no advice: {sentence}");
            }
        }
    }

    #[test]
    fn every_stop_tells_how_much_arrived() {
        for status in STATUSES {
            let sentence = explain_transfer(&transfer(status)).unwrap();
            assert!(sentence.contains("12 of 64 bytes"), "{sentence}");
            assert!(sentence.contains(&status.to_string()), "{sentence}");
        }
    }

    #[test]
    fn a_complete_copy_needs_no_explanation() {
        let complete = Transfer {
            copied: 64,
            ..transfer(NtStatus::SUCCESS)
        };
        assert_eq!(explain_transfer(&complete), None);
    }

    #[test]
    fn the_advice_fits_the_cause() {
        let violation = |address, direction| {
            explain_transfer(&Transfer {
                address: Some(address),
                direction,
                ..transfer(NtStatus::ACCESS_VIOLATION)
            })
            .unwrap()
        };
        assert!(violation(u64::MAX, Direction::Read).contains("not canonical"));
        assert!(violation(0xFFFF_F800_0000_0000, Direction::Read).contains("not user memory"));
        assert!(violation(0x1000, Direction::Write).contains("make the page writable"));
        assert!(violation(0x1000, Direction::Read).contains("map the page"));
        let sentence = |status| explain_transfer(&transfer(status)).unwrap();
        assert!(sentence(NtStatus::DATATYPE_MISALIGNMENT).contains("0x10000003 is not a multiple"));
        assert!(sentence(NtStatus::STACK_OVERFLOW).contains("the calling thread's own stack"));
        assert!(sentence(NtStatus::ACCESS_DENIED).contains("Policy"));
        assert!(sentence(NtStatus::PRIVILEGE_NOT_HELD).contains("SeDebugPrivilege"));
        let needing = |source| {
            explain_transfer(&Transfer {
                source: Some(source),
                ..transfer(NtStatus::ACCESS_DENIED)
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
    fn nobody_is_advised_to_ask_for_nothing() {
        for status in STATUSES {
            for direction in [Direction::None, Direction::Read, Direction::Write] {
                let sentence = explain_transfer(&Transfer {
                    copied: 0,
                    direction,
                    ..transfer(status)
                })
                .unwrap();
                let advice = sentence.split_once(';').unwrap().1;
                assert!(!advice.contains(" 0 bytes"), "{sentence}");
            }
        }
    }

    #[test]
    fn a_list_of_ram_that_is_refused_names_what_is_missing() {
        let sentence = |status| {
            explain(&Error::Refused {
                operation: Operation::MemoryRanges,
                status,
            })
        };
        assert!(sentence(NtStatus::ACCESS_DENIED).contains("bit 1 (physical memory) of `Policy`"));
        assert!(sentence(NtStatus::PRIVILEGE_NOT_HELD).contains("SeDebugPrivilege"));
    }

    #[test]
    fn a_transport_speaks_for_itself() {
        let error = Error::Transport(TransportError::Unavailable("there is none here".into()));
        assert_eq!(explain(&error), "there is none here.");
    }
}
