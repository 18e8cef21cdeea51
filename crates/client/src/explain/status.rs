//! Explains a status without its context.

use ringcopy_protocol::NtStatus;

/// Statuses that carry a Win32 error: [MS-ERREF] section 2.3.
const WIN32: u32 = 0xC007_0000;

/// The explanations of statuses that have a name.
const KNOWN: &[(&[NtStatus], &str)] = &[
    (
        &[NtStatus::SUCCESS],
        "nothing failed; see which other error came with it.",
    ),
    (
        &[NtStatus::TIMEOUT, NtStatus::IO_TIMEOUT],
        "it took too long; repeat the request, and see whether the machine is overloaded.",
    ),
    (
        &[NtStatus::PENDING, NtStatus::MORE_PROCESSING_REQUIRED],
        "the request is still under way, which no request ends with; install driver and \
         client of the same release.",
    ),
    (
        &[NtStatus::GUARD_PAGE_VIOLATION],
        "the memory is a guard page, and the guard is spent now; repeat the request.",
    ),
    (
        &[NtStatus::DATATYPE_MISALIGNMENT],
        "an address lacks the alignment asked for; align the buffer.",
    ),
    (
        &[NtStatus::BREAKPOINT, NtStatus::SINGLE_STEP],
        "a debugger's breakpoint lies on the memory; remove it, and repeat the request.",
    ),
    (
        &[NtStatus::INVALID_USER_BUFFER],
        "a buffer is not valid memory of the caller's; pass one that is mapped and \
         writable.",
    ),
    (
        &[NtStatus::BUFFER_OVERFLOW, NtStatus::BUFFER_TOO_SMALL],
        "a buffer cannot hold the result; pass a larger one.",
    ),
    (
        &[NtStatus::PARTIAL_COPY],
        "a part of the memory could not be copied; ask for less.",
    ),
    (
        &[
            NtStatus::DEVICE_BUSY,
            NtStatus::WDF_BUSY,
            NtStatus::WDF_PAUSED,
        ],
        "the driver takes no requests just now; repeat the request, and see `ringcopy \
         status`.",
    ),
    (
        &[NtStatus::UNSUCCESSFUL],
        "whatever failed gave no reason; repeat the request, and look at the driver's trace \
         if it fails again.",
    ),
    (
        &[NtStatus::HV_ACCESS_DENIED],
        "a hypervisor may withhold memory on this machine, so the native engine is not in use; see \
         `ringcopy info`.",
    ),
    (
        &[NtStatus::NOT_IMPLEMENTED, NtStatus::NOT_SUPPORTED],
        "this machine, or the driver's configuration, does not offer it; see `ringcopy \
         info`.",
    ),
    (
        &[
            NtStatus::INFO_LENGTH_MISMATCH,
            NtStatus::INVALID_BUFFER_SIZE,
        ],
        "a length is not one that can be asked for; check it against the protocol's limits.",
    ),
    (
        &[NtStatus::ACCESS_VIOLATION, NtStatus::INVALID_ADDRESS],
        "the memory is not there, or does not allow this access; name memory that does.",
    ),
    (
        &[NtStatus::IN_PAGE_ERROR],
        "a page could not be read from its file or disk; check the disk that holds it.",
    ),
    (
        &[NtStatus::HARDWARE_MEMORY_ERROR],
        "the machine reports a defect of its RAM there; leave that page out, and test the \
         RAM.",
    ),
    (
        &[
            NtStatus::PAGEFILE_QUOTA,
            NtStatus::WORKING_SET_QUOTA,
            NtStatus::NO_MEMORY,
            NtStatus::COMMITMENT_LIMIT,
        ],
        "there is not enough memory for it; ask for fewer bytes, or end other programs.",
    ),
    (
        &[NtStatus::INSUFFICIENT_RESOURCES],
        "the system is short of memory; end other programs, and repeat the request.",
    ),
    (
        &[NtStatus::QUOTA_EXCEEDED],
        "this handle has as many requests under way as it may; wait for one of them.",
    ),
    (
        &[NtStatus::TOO_MANY_OPENED_FILES],
        "as many handles are open as may be; close some, or end the programs that hold them.",
    ),
    (
        &[NtStatus::INVALID_HANDLE, NtStatus::FILE_CLOSED],
        "the handle is closed or was never open; open the device first.",
    ),
    (
        &[NtStatus::OBJECT_TYPE_MISMATCH],
        "the handle is to something else; open the device.",
    ),
    (
        &[
            NtStatus::INVALID_PARAMETER,
            NtStatus::INVALID_PARAMETER_1,
            NtStatus::INVALID_PARAMETER_2,
            NtStatus::INVALID_PARAMETER_3,
            NtStatus::INVALID_PARAMETER_4,
        ],
        "an argument has no meaning; check the request's fields against the protocol.",
    ),
    (
        &[
            NtStatus::NO_SUCH_DEVICE,
            NtStatus::OBJECT_NAME_NOT_FOUND,
            NtStatus::NOT_FOUND,
            NtStatus::DEVICE_DOES_NOT_EXIST,
            NtStatus::DEVICE_NOT_CONNECTED,
            NtStatus::DEVICE_REMOVED,
        ],
        "the device is not there; see `ringcopy status`, and load the driver with `ringcopy \
         start`.",
    ),
    (
        &[
            NtStatus::DEVICE_NOT_READY,
            NtStatus::INVALID_DEVICE_STATE,
            NtStatus::DELETE_PENDING,
        ],
        "the driver is being loaded or unloaded; see `ringcopy status`, and repeat the \
         request.",
    ),
    (
        &[NtStatus::INVALID_DEVICE_REQUEST],
        "this driver has no such request; install the driver of this client's release.",
    ),
    (
        &[NtStatus::REVISION_MISMATCH],
        "the driver speaks another version; install driver and client of the same release.",
    ),
    (
        &[NtStatus::INVALID_LEVEL],
        "another driver sent the request at a raised IRQL; send it at PASSIVE_LEVEL.",
    ),
    (
        &[NtStatus::CONFLICTING_ADDRESSES],
        "the addresses are taken already; name others, or free them first.",
    ),
    (
        &[NtStatus::INVALID_PAGE_PROTECTION],
        "the pages cannot have that protection; ask for another.",
    ),
    (
        &[NtStatus::ILLEGAL_INSTRUCTION],
        "the processor lacks an instruction that the driver uses; report this, with the \
         processor's name.",
    ),
    (
        &[
            NtStatus::INTEGER_DIVIDE_BY_ZERO,
            NtStatus::ASSERTION_FAILURE,
            NtStatus::DRIVER_INTERNAL_ERROR,
            NtStatus::WDF_NO_CALLBACK,
            NtStatus::WDF_OBJECT_ATTRIBUTES_INVALID,
            NtStatus::WDF_PARENT_ASSIGNMENT_NOT_ALLOWED,
            NtStatus::WDF_SYNCHRONIZATION_SCOPE_INVALID,
            NtStatus::WDF_EXECUTION_LEVEL_INVALID,
        ],
        "this is a defect of the driver's; report it, with the driver's trace.",
    ),
    (
        &[NtStatus::ACCESS_DENIED],
        "the caller may not do that; start this program as an administrator.",
    ),
    (
        &[NtStatus::PRIVILEGE_NOT_HELD],
        "a privilege is missing; enable SeDebugPrivilege and open the device again.",
    ),
    (
        &[
            NtStatus::INVALID_ACL,
            NtStatus::INVALID_SID,
            NtStatus::INVALID_SECURITY_DESCR,
        ],
        "the device's security descriptor was refused; install the driver again.",
    ),
    (
        &[
            NtStatus::OBJECT_NAME_INVALID,
            NtStatus::OBJECT_PATH_SYNTAX_BAD,
        ],
        "the name cannot be an object's; check how it is spelt.",
    ),
    (
        &[NtStatus::OBJECT_NAME_COLLISION],
        "the name is taken; see whether another build of the driver is loaded.",
    ),
    (
        &[NtStatus::SHARING_VIOLATION],
        "another program has it open for itself; close that program, and repeat the \
         request.",
    ),
    (
        &[
            NtStatus::PROCEDURE_NOT_FOUND,
            NtStatus::INVALID_IMAGE_FORMAT,
        ],
        "the driver's image does not fit this system; install the driver again.",
    ),
    (
        &[NtStatus::ALLOTTED_SPACE_EXCEEDED],
        "it does not fit into its place; ask for less.",
    ),
    (
        &[NtStatus::STACK_OVERFLOW],
        "the memory is the guard page of a stack, which is spent now; name a buffer that is \
         no part of a stack.",
    ),
    (
        &[NtStatus::PROCESS_IS_TERMINATING],
        "the calling process is about to end; repeat the request from one that is not.",
    ),
    (
        &[NtStatus::CANCELLED],
        "it was cancelled; repeat the request.",
    ),
];

/// Explains a status, with advice after a semicolon.
pub(super) fn advice(status: NtStatus) -> String {
    if let Some(known) = known(status) {
        return known.into();
    }
    if status.0 & 0xFFFF_0000 == WIN32 {
        return format!(
            "it carries Win32 error {}; look that up in Microsoft's \"System Error Codes\".",
            status.0 & 0xFFFF
        );
    }
    "this client knows no more about it; look the status up in [MS-ERREF], and in the driver's \
     trace."
        .into()
}

/// Returns the explanation of a status that has a name.
fn known(status: NtStatus) -> Option<&'static str> {
    KNOWN
        .iter()
        .find(|(statuses, _)| statuses.contains(&status))
        .map(|(_, advice)| *advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f16_every_status_with_a_name_has_advice() {
        for status in NtStatus::NAMED {
            let advice = known(*status).unwrap_or_else(|| panic!("{status}"));
            assert!(advice.contains("; ") && advice.ends_with('.'), "{advice}");
        }
        let explained: usize = KNOWN.iter().map(|(statuses, _)| statuses.len()).sum();
        assert_eq!(
            explained,
            NtStatus::NAMED.len(),
            "a status has two explanations"
        );
    }

    #[test]
    fn f16_a_status_without_a_name_refers_to_its_documentation() {
        let unknown = advice(NtStatus(0xC000_DEAD));
        assert!(unknown.contains("[MS-ERREF]"), "{unknown}");
        let carried = advice(NtStatus(0xC007_04C7));
        assert!(carried.contains("Win32 error 1223"), "{carried}");
    }
}
