//! Explains a status without its context.

use ringcopy_protocol::NtStatus;

/// Statuses that carry a Win32 error: [MS-ERREF] section 2.3.
const WIN32: u32 = 0xC007_0000;

macro_rules! known {
    ($($($name:ident)|+ => $advice:literal;)+) => {
        /// The explanations of statuses that have a name.
        const KNOWN: &[(&[NtStatus], &str)] = &[$((&[$(NtStatus::$name),+], $advice),)+];
    };
}

known! {
    SUCCESS => "nothing failed; see which other error came with it.";
    TIMEOUT | IO_TIMEOUT =>
        "it took too long; repeat the request, and see whether the machine is overloaded.";
    PENDING | MORE_PROCESSING_REQUIRED =>
        "the request is still under way, which no request ends with; install driver and client of \
         the same release.";
    GUARD_PAGE_VIOLATION =>
        "the memory is a guard page, and the guard is spent now; repeat the request.";
    DATATYPE_MISALIGNMENT => "an address lacks the alignment asked for; align the buffer.";
    BREAKPOINT | SINGLE_STEP =>
        "a debugger's breakpoint lies on the memory; remove it, and repeat the request.";
    INVALID_USER_BUFFER =>
        "a buffer is not valid memory of the caller's; pass one that is mapped and writable.";
    BUFFER_OVERFLOW | BUFFER_TOO_SMALL => "a buffer cannot hold the result; pass a larger one.";
    PARTIAL_COPY => "a part of the memory could not be copied; ask for less.";
    DEVICE_BUSY | WDF_BUSY | WDF_PAUSED =>
        "the driver takes no requests just now; repeat the request, and see `ringcopy status`.";
    UNSUCCESSFUL =>
        "whatever failed gave no reason; repeat the request, and look at the driver's trace if it \
         fails again.";
    OBJECT_NAME_EXISTS | NO_MORE_ENTRIES | INVALID_INFO_CLASS | END_OF_FILE
    | OBJECT_PATH_NOT_FOUND | DISK_FULL | DEVICE_POWER_FAILURE | FILE_IS_A_DIRECTORY
    | INTEGER_OVERFLOW | REQUEST_NOT_ACCEPTED
    | WDF_INTERNAL_ERROR | WDF_INCOMPATIBLE_EXECUTION_LEVEL | WDF_PARENT_NOT_SPECIFIED =>
        "no request of this driver ends with it; look for another driver in the device's stack.";
    HV_ACCESS_DENIED =>
        "a hypervisor may withhold memory on this machine, so the native engine is not in use; see \
         `ringcopy info`.";
    NOT_IMPLEMENTED | NOT_SUPPORTED =>
        "this machine, or the driver's configuration, does not offer it; see `ringcopy info`.";
    INFO_LENGTH_MISMATCH | INVALID_BUFFER_SIZE =>
        "a length is not one that can be asked for; check it against the protocol's limits.";
    ACCESS_VIOLATION | INVALID_ADDRESS =>
        "the memory is not there, or does not allow this access; name memory that does.";
    IN_PAGE_ERROR =>
        "a page could not be read from its file or disk; check the disk that holds it.";
    HARDWARE_MEMORY_ERROR =>
        "the machine reports a defect of its RAM there; leave that page out, and test the RAM.";
    PAGEFILE_QUOTA | WORKING_SET_QUOTA | NO_MEMORY | COMMITMENT_LIMIT =>
        "there is not enough memory for it; ask for fewer bytes, or end other programs.";
    INSUFFICIENT_RESOURCES =>
        "the system is short of memory; end other programs, and repeat the request.";
    QUOTA_EXCEEDED => "this handle has as many requests under way as it may; wait for one of them.";
    TOO_MANY_OPENED_FILES =>
        "as many handles are open as may be; close some, end the programs that hold them, or allow \
         more with `ringcopy policy set --maximum-handles`.";
    INVALID_HANDLE | FILE_CLOSED =>
        "the handle is closed or was never open; open the device first.";
    OBJECT_TYPE_MISMATCH => "the handle is to something else; open the device.";
    INVALID_PARAMETER | INVALID_PARAMETER_1 | INVALID_PARAMETER_2 | INVALID_PARAMETER_3 |
        INVALID_PARAMETER_4 =>
        "an argument has no meaning; check the request's fields against the protocol.";
    NO_SUCH_DEVICE | OBJECT_NAME_NOT_FOUND | NOT_FOUND | DEVICE_DOES_NOT_EXIST |
        DEVICE_NOT_CONNECTED | DEVICE_REMOVED =>
        "the device is not there; see `ringcopy status`, and load the driver with `ringcopy \
         start`.";
    DEVICE_NOT_READY | INVALID_DEVICE_STATE | DELETE_PENDING =>
        "the driver is being loaded or unloaded; see `ringcopy status`, and repeat the request.";
    INVALID_DEVICE_REQUEST =>
        "this driver has no such request; install the driver of this client's release.";
    REVISION_MISMATCH =>
        "the driver speaks another version; install driver and client of the same release.";
    INVALID_LEVEL => "another driver sent the request at a raised IRQL; send it at PASSIVE_LEVEL.";
    CONFLICTING_ADDRESSES => "the addresses are taken already; name others, or free them first.";
    INVALID_PAGE_PROTECTION => "the pages cannot have that protection; ask for another.";
    ILLEGAL_INSTRUCTION =>
        "the processor lacks an instruction that the driver uses; report this, with the \
         processor's name.";
    INTEGER_DIVIDE_BY_ZERO | ASSERTION_FAILURE | DRIVER_INTERNAL_ERROR | WDF_NO_CALLBACK |
        WDF_OBJECT_ATTRIBUTES_INVALID | WDF_PARENT_ASSIGNMENT_NOT_ALLOWED |
        WDF_SYNCHRONIZATION_SCOPE_INVALID | WDF_EXECUTION_LEVEL_INVALID |
        WDF_REQUEST_INVALID_STATE =>
        "this is a defect of the driver's; report it, with the driver's trace.";
    ACCESS_DENIED => "the caller may not do that; start this program as an administrator.";
    PRIVILEGE_NOT_HELD =>
        "a privilege is missing; enable SeDebugPrivilege and open the device again.";
    INVALID_ACL | INVALID_SID | INVALID_SECURITY_DESCR =>
        "the device's security descriptor was refused; install the driver again.";
    OBJECT_NAME_INVALID | OBJECT_PATH_SYNTAX_BAD =>
        "the name cannot be an object's; check how it is spelt.";
    OBJECT_NAME_COLLISION =>
        "the name is taken; see whether another build of the driver is loaded.";
    SHARING_VIOLATION =>
        "another program has it open for itself; close that program, and repeat the request.";
    PROCEDURE_NOT_FOUND | INVALID_IMAGE_FORMAT =>
        "the driver's image does not fit this system; install the driver again.";
    ALLOTTED_SPACE_EXCEEDED => "it does not fit into its place; ask for less.";
    STACK_OVERFLOW =>
        "the memory is the guard page of a stack, which is spent now; name a buffer that is no \
         part of a stack.";
    PROCESS_IS_TERMINATING =>
        "the calling process is about to end; repeat the request from one that is not.";
    CANCELLED => "it was cancelled; repeat the request.";
}

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
    fn every_status_with_a_name_has_advice() {
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
    fn a_status_without_a_name_refers_to_its_documentation() {
        let unknown = advice(NtStatus(0xC000_DEAD));
        assert!(unknown.contains("[MS-ERREF]"), "{unknown}");
        let carried = advice(NtStatus(0xC007_04C7));
        assert!(carried.contains("Win32 error 1223"), "{carried}");
    }
}
