//! The exports of ntoskrnl.exe, by name.
//!
//! Every function cites the documented contract that it follows. An argument that a contract
//! forbids ends the run at once; on Windows it would do so later, or corrupt memory.
//!
//! They are the lab's own on purpose: no emulator or library may stand between a driver and the
//! documentation.

mod dbg;
mod ex;
mod io;
mod ke;
mod mdl;
mod memory_operations;
mod mm;
mod mm_copy;
mod ob;
mod pool;
mod probe;
mod ps;
mod rtl;
mod rtl_security;
mod se;
mod stubs;
mod zw;

pub(crate) use mm_copy::mm_copy_memory;
pub(crate) use stubs::stub;

use crate::nt::strings::same_name;
use crate::pe;
use crate::{images, seh};

/// The libraries whose exports are the lab's own. On Windows, HAL.dll forwards to the kernel.
const LIBRARIES: [&str; 2] = ["ntoskrnl.exe", "HAL.dll"];

macro_rules! table {
    ($($name:literal => $function:expr,)+) => {
        /// Returns the address of a function that the lab exports.
        pub(crate) fn own(name: &str) -> Option<u64> {
            match name {
                $($name => Some($function as *const () as u64),)+
                _ => data(name),
            }
        }
    };
}

/// Returns the address of a variable that the lab exports.
fn data(name: &str) -> Option<u64> {
    match name {
        "SeExports" => Some(se::exports()),
        "MmUserProbeAddress" => Some((&raw const mm::USER_PROBE_ADDRESS) as u64),
        "MmHighestUserAddress" => Some((&raw const mm::HIGHEST_USER_ADDRESS) as u64),
        "IoFileObjectType" => Some((&raw const ob::FILE_TYPE) as u64),
        "IoDeviceObjectType" => Some((&raw const ob::DEVICE_TYPE) as u64),
        "PsProcessType" => Some((&raw const ob::PROCESS_TYPE) as u64),
        _ => None,
    }
}

/// Returns the address that an import of a library is bound to.
pub(crate) fn resolve(library: &str, name: &str) -> Option<u64> {
    if LIBRARIES.iter().any(|known| same_name(known, library)) {
        return own(name);
    }
    let image = images::by_file_name(library)?;
    pe::export_of(&image, name)
}

table! {
    "__C_specific_handler" => seh::c_specific_handler,

    "DbgPrint" => dbg::nt_dbg_print,
    "DbgPrintEx" => dbg::nt_dbg_print_ex,
    "vDbgPrintEx" => dbg::v_dbg_print_ex,
    "vDbgPrintExWithPrefix" => dbg::v_dbg_print_ex_with_prefix,
    "_vsnprintf" => dbg::vsnprintf,
    "_vsnwprintf" => dbg::vsnwprintf,
    "KeBugCheck" => ke::ke_bug_check,
    "KeBugCheckEx" => ke::ke_bug_check_ex,

    "ExAllocatePool2" => pool::ex_allocate_pool2,
    "ExAllocatePoolWithTag" => pool::ex_allocate_pool_with_tag,
    "ExAllocatePool" => pool::ex_allocate_pool,
    "ExFreePool" => pool::ex_free_pool,
    "ExFreePool2" => pool::ex_free_pool2,
    "ExFreePoolWithTag" => pool::ex_free_pool_with_tag,

    "ExRaiseStatus" => probe::nt_raise_status,
    "RtlRaiseStatus" => probe::nt_raise_status,
    "ExRaiseAccessViolation" => probe::nt_raise_access_violation,
    "ExRaiseDatatypeMisalignment" => probe::nt_raise_datatype_misalignment,
    "ProbeForRead" => probe::nt_probe_for_read,
    "ProbeForWrite" => probe::nt_probe_for_write,
    "ExGetPreviousMode" => ex::ex_get_previous_mode,
    "ExAcquireFastMutex" => ex::ex_acquire_fast_mutex,
    "ExReleaseFastMutex" => ex::ex_release_fast_mutex,
    "ExTryToAcquireFastMutex" => ex::ex_try_to_acquire_fast_mutex,

    "IoCreateDevice" => io::io_create_device,
    "IoDeleteDevice" => io::io_delete_device,
    "IoCreateSymbolicLink" => io::io_create_symbolic_link,
    "IoDeleteSymbolicLink" => io::io_delete_symbolic_link,
    "IoAcquireCancelSpinLock" => io::io_acquire_cancel_spin_lock,
    "IoReleaseCancelSpinLock" => io::io_release_cancel_spin_lock,
    "IoCancelIrp" => io::io_cancel_irp,
    "IofCompleteRequest" => io::iof_complete_request,
    "IofCallDriver" => io::iof_call_driver,
    "IoGetCurrentProcess" => ps::ps_get_current_process,
    "IoIs32bitProcess" => io::io_is_32bit_process,
    "IoGetRequestorProcess" => io::io_get_requestor_process,
    "IoGetRequestorProcessId" => io::io_get_requestor_process_id,

    "ObfReferenceObject" => ob::obf_reference_object,
    "ObfDereferenceObject" => ob::obf_dereference_object,
    "ObOpenObjectByPointer" => ob::ob_open_object_by_pointer,
    "ObReferenceObjectByHandle" => ob::ob_reference_object_by_handle,

    "IoAllocateMdl" => mdl::io_allocate_mdl,
    "IoFreeMdl" => mdl::io_free_mdl,
    "MmBuildMdlForNonPagedPool" => mdl::mm_build_mdl_for_nonpaged_pool,
    "MmProbeAndLockPages" => mdl::nt_probe_and_lock_pages,
    "MmUnlockPages" => mdl::mm_unlock_pages,
    "MmMapLockedPagesSpecifyCache" => mdl::mm_map_locked_pages_specify_cache,
    "MmUnmapLockedPages" => mdl::mm_unmap_locked_pages,

    "MmAllocateContiguousMemory" => mm::mm_allocate_contiguous_memory,
    "MmAllocateContiguousMemorySpecifyCache" => mm::mm_allocate_contiguous_memory_specify_cache,
    "MmAllocateContiguousNodeMemory" => mm::mm_allocate_contiguous_node_memory,
    "MmFreeContiguousMemory" => mm::mm_free_contiguous_memory,
    "MmFreeContiguousMemorySpecifyCache" => mm::mm_free_contiguous_memory_specify_cache,
    "MmAllocateMappingAddress" => mm::mm_allocate_mapping_address,
    "MmAllocateMappingAddressEx" => mm::mm_allocate_mapping_address_ex,
    "MmFreeMappingAddress" => mm::mm_free_mapping_address,
    "MmGetPhysicalAddress" => mm::mm_get_physical_address,
    "MmGetPhysicalMemoryRanges" => mm::mm_get_physical_memory_ranges,
    "MmGetPhysicalMemoryRangesEx" => mm::mm_get_physical_memory_ranges_ex,
    "MmGetPhysicalMemoryRangesEx2" => mm::mm_get_physical_memory_ranges_ex2,
    "MmGetSystemRoutineAddress" => mm::mm_get_system_routine_address,
    "MmCopyMemory" => mm_copy::mm_copy_memory,

    "KeAcquireSpinLockRaiseToDpc" => ke::ke_acquire_spin_lock_raise_to_dpc,
    "KeReleaseSpinLock" => ke::ke_release_spin_lock,
    "KeInitializeSpinLock" => ke::ke_initialize_spin_lock,
    "KeAcquireSpinLockAtDpcLevel" => ke::ke_acquire_spin_lock_at_dpc_level,
    "KeReleaseSpinLockFromDpcLevel" => ke::ke_release_spin_lock_from_dpc_level,
    "KfRaiseIrql" => ke::kf_raise_irql,
    "KeRaiseIrqlToDpcLevel" => ke::ke_raise_irql_to_dpc_level,
    "KeLowerIrql" => ke::ke_lower_irql,
    "KeGetCurrentIrql" => ke::ke_get_current_irql,
    "KeQueryActiveProcessorCount" => ke::ke_query_active_processor_count,
    "KeQueryActiveProcessorCountEx" => ke::ke_query_active_processor_count_ex,
    "KeQueryMaximumProcessorCountEx" => ke::ke_query_active_processor_count_ex,
    "KeGetCurrentProcessorNumberEx" => ke::ke_get_current_processor_number_ex,
    "KeQueryUnbiasedInterruptTime" => ke::ke_query_unbiased_interrupt_time,
    "KeIpiGenericCall" => ke::ke_ipi_generic_call,
    "KeEnterCriticalRegion" => ke::ke_enter_critical_region,
    "KeLeaveCriticalRegion" => ke::ke_leave_critical_region,
    "KeAreApcsDisabled" => ke::ke_are_apcs_disabled,
    "KeInitializeEvent" => ke::ke_initialize_event,
    "KeSetEvent" => ke::ke_set_event,
    "KeResetEvent" => ke::ke_reset_event,
    "KeClearEvent" => ke::ke_clear_event,
    "KeWaitForSingleObject" => ke::ke_wait_for_single_object,

    "PsGetCurrentProcess" => ps::ps_get_current_process,
    "PsGetCurrentProcessId" => ps::ps_get_current_process_id,
    "PsGetProcessId" => ps::ps_get_process_id,
    "PsGetCurrentThread" => ps::ps_get_current_thread,
    "KeGetCurrentThread" => ps::ps_get_current_thread,
    "PsGetCurrentThreadId" => ps::ps_get_current_thread_id,

    "RtlInitUnicodeString" => rtl::rtl_init_unicode_string,
    "RtlCopyUnicodeString" => rtl::rtl_copy_unicode_string,
    "RtlCompareUnicodeString" => rtl::rtl_compare_unicode_string,
    "RtlEqualUnicodeString" => rtl::rtl_equal_unicode_string,
    "RtlGetVersion" => rtl::rtl_get_version,
    "RtlCopyMemory" => memory_operations::nt_memmove,
    "memcpy" => memory_operations::nt_memmove,
    "memmove" => memory_operations::nt_memmove,
    "memset" => memory_operations::nt_memset,
    "memcmp" => memory_operations::nt_memcmp,
    "RtlCompareMemory" => memory_operations::nt_compare_memory,

    "RtlCreateSecurityDescriptor" => rtl_security::rtl_create_security_descriptor,
    "RtlSetDaclSecurityDescriptor" => rtl_security::rtl_set_dacl_security_descriptor,
    "RtlCreateAcl" => rtl_security::rtl_create_acl,
    "RtlAddAccessAllowedAce" => rtl_security::rtl_add_access_allowed_ace,
    "RtlLengthSid" => rtl_security::rtl_length_sid,
    "RtlLengthRequiredSid" => rtl_security::rtl_length_required_sid,
    "RtlInitializeSid" => rtl_security::rtl_initialize_sid,
    "RtlSubAuthoritySid" => rtl_security::rtl_sub_authority_sid,
    "RtlValidSid" => rtl_security::rtl_valid_sid,

    "SePrivilegeCheck" => se::se_privilege_check,
    "SeSinglePrivilegeCheck" => se::se_single_privilege_check,

    "ZwClose" => zw::zw_close,
    "ZwOpenKey" => zw::zw_open_key,
    "ZwCreateKey" => zw::zw_create_key,
    "ZwQueryValueKey" => zw::zw_query_value_key,
    "ZwSetSecurityObject" => zw::zw_set_security_object,
}
