//! The exports of ntoskrnl.exe, by name.
//!
//! Every function cites the documented contract that it follows. An argument that a contract
//! forbids ends the run at once; on Windows it would do so later, or corrupt memory.
//!
//! They are the lab's own on purpose: no emulator or library may stand between a driver and the
//! documentation.

#![expect(non_snake_case, reason = "an export has the name that drivers import")]

mod breaches;
mod c_library;
mod dbg;
mod dispatcher;
mod dpc;
pub(crate) mod etw;
mod ex;
mod guarded;
mod io;
mod ke;
mod mdl;
mod memory_operations;
mod mm;
mod mm_copy;
mod ob;
mod pnp;
mod pool;
mod probe;
mod ps;
mod rtl;
mod rtl_security;
mod se;
mod stack_probe;
mod stubs;
mod work;
mod zw;
mod zw_file;

pub(crate) use breaches::commit;
pub(crate) use mm_copy::MmCopyMemory as mm_copy_memory;
pub(crate) use stubs::stub;

use crate::nt::strings::same_name;
use crate::pe;
use crate::{images, seh};

/// The libraries whose exports are the lab's own. On Windows, HAL.dll forwards to the kernel.
const LIBRARIES: [&str; 2] = ["ntoskrnl.exe", "HAL.dll"];

/// The exports: of each module, functions with the name of their export; then the others.
macro_rules! table {
    ($($module:ident: $($same:ident)+;)+ $($name:literal => $function:path;)+) => {
        /// Returns the address of a function that the lab exports.
        pub(crate) fn own(name: &str) -> Option<u64> {
            match name {
                $($(stringify!($same) => Some($module::$same as *const () as u64),)+)+
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
        "MmUserProbeAddress" => Some(mm::user_probe_address()),
        "MmHighestUserAddress" => Some(mm::highest_user_address()),
        "IoFileObjectType" => Some((&raw const ob::FILE_TYPE) as u64),
        "IoDeviceObjectType" => Some((&raw const ob::DEVICE_TYPE) as u64),
        "PsProcessType" => Some((&raw const ob::PROCESS_TYPE) as u64),
        "PsThreadType" => Some((&raw const ob::THREAD_TYPE) as u64),
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
    dbg: vDbgPrintEx vDbgPrintExWithPrefix;
    c_library: strlen strnlen strcmp strncmp wcslen wcsnlen wcscmp;
    dispatcher: KeInitializeEvent KeSetEvent KeResetEvent KeClearEvent KeReadStateEvent
        KeInitializeSemaphore KeReleaseSemaphore KeInitializeMutex KeReleaseMutex
        KeWaitForSingleObject KeWaitForMultipleObjects KeDelayExecutionThread
        KeStallExecutionProcessor ZwWaitForSingleObject;
    dpc: KeInitializeDpc KeInsertQueueDpc KeRemoveQueueDpc KeFlushQueuedDpcs KeSetImportanceDpc
        KeInitializeTimer KeInitializeTimerEx KeSetTimer KeSetTimerEx KeCancelTimer KeReadStateTimer
        KeQuerySystemTimePrecise KeQueryPerformanceCounter ExSystemTimeToLocalTime;
    etw: EtwRegister EtwUnregister EtwSetInformation EtwWriteTransfer;
    ex: ExGetPreviousMode ExAcquireFastMutex ExReleaseFastMutex ExTryToAcquireFastMutex;
    guarded: KeInitializeGuardedMutex KeAcquireGuardedMutex KeTryToAcquireGuardedMutex
        KeReleaseGuardedMutex KeAcquireInStackQueuedSpinLock KeReleaseInStackQueuedSpinLock;
    io: IoCreateDevice IoDeleteDevice IoCreateSymbolicLink IoDeleteSymbolicLink
        IoAcquireCancelSpinLock IoReleaseCancelSpinLock IoCancelIrp IofCompleteRequest IofCallDriver
        IoIs32bitProcess IoGetRequestorProcess IoGetRequestorProcessId IoAllocateIrp IoFreeIrp
        IoGetRelatedDeviceObject;
    ke: KeIpiGenericCall KeQueryUnbiasedInterruptTime KeBugCheck KeBugCheckEx
        KeAcquireSpinLockRaiseToDpc KeReleaseSpinLock KeInitializeSpinLock
        KeAcquireSpinLockAtDpcLevel KeReleaseSpinLockFromDpcLevel KfRaiseIrql KeRaiseIrqlToDpcLevel
        KeLowerIrql KeGetCurrentIrql KeQueryActiveProcessorCount KeQueryActiveProcessorCountEx
        KeGetCurrentProcessorNumberEx KeEnterCriticalRegion KeLeaveCriticalRegion KeAreApcsDisabled;
    mdl: IoAllocateMdl IoFreeMdl MmBuildMdlForNonPagedPool MmUnlockPages
        MmMapLockedPagesSpecifyCache MmUnmapLockedPages;
    mm: MmAllocateContiguousMemory MmAllocateContiguousMemorySpecifyCache
        MmAllocateContiguousNodeMemory MmFreeContiguousMemory MmFreeContiguousMemorySpecifyCache
        MmAllocateMappingAddress MmAllocateMappingAddressEx MmFreeMappingAddress
        MmGetPhysicalAddress MmGetPhysicalMemoryRanges MmGetPhysicalMemoryRangesEx
        MmGetPhysicalMemoryRangesEx2 MmGetSystemRoutineAddress;
    mm_copy: MmCopyMemory;
    ob: ObfReferenceObject ObfDereferenceObject ObOpenObjectByPointer ObReferenceObjectByHandle;
    pnp: IoAttachDeviceToDeviceStack IoDetachDevice IoGetAttachedDevice IoGetAttachedDeviceReference
        IoRegisterDeviceInterface IoSetDeviceInterfaceState IoGetDeviceProperty PoCallDriver
        PoStartNextPowerIrp IoRegisterShutdownNotification IoUnregisterShutdownNotification
        IoRegisterPlugPlayNotification IoUnregisterPlugPlayNotificationEx;
    pool: ExAllocatePool2 ExAllocatePoolWithTag ExAllocatePool ExFreePool ExFreePool2
        ExFreePoolWithTag;
    ps: PsGetCurrentProcess PsGetCurrentProcessId PsGetProcessId PsGetProcessStartKey
        PsGetCurrentThread PsGetCurrentThreadId PsIsThreadTerminating;
    rtl: RtlInitUnicodeString RtlCopyUnicodeString RtlCompareUnicodeString RtlEqualUnicodeString
        RtlGetVersion RtlAppendUnicodeStringToString RtlAppendUnicodeToString RtlPrefixUnicodeString
        RtlUpcaseUnicodeChar RtlInitAnsiString RtlAnsiStringToUnicodeString
        RtlUnicodeStringToAnsiString RtlFreeUnicodeString RtlIntegerToUnicodeString
        RtlStringFromGUID;
    rtl_security: RtlCreateSecurityDescriptor RtlSetDaclSecurityDescriptor RtlCreateAcl
        RtlAddAccessAllowedAce RtlLengthSid RtlLengthRequiredSid RtlInitializeSid RtlSubAuthoritySid
        RtlValidSid;
    se: SePrivilegeCheck SeSinglePrivilegeCheck;
    work: PsCreateSystemThread PsTerminateSystemThread KeSetPriorityThread IoAllocateWorkItem
        IoFreeWorkItem IoSizeofWorkItem IoInitializeWorkItem IoUninitializeWorkItem IoQueueWorkItem
        IoQueueWorkItemEx ExQueueWorkItem;
    zw: ZwClose ZwOpenKey ZwCreateKey ZwQueryValueKey ZwSetSecurityObject;
    zw_file: ZwCreateFile ZwOpenFile ZwReadFile ZwWriteFile ZwQueryInformationFile
        ZwSetInformationFile;

    "__chkstk" => stack_probe::nt_chkstk;
    "__C_specific_handler" => seh::c_specific_handler;
    "DbgPrint" => dbg::nt_dbg_print;
    "DbgPrintEx" => dbg::nt_dbg_print_ex;
    "_vsnprintf" => dbg::vsnprintf;
    "_vsnwprintf" => dbg::vsnwprintf;
    "ExRaiseStatus" => probe::nt_raise_status;
    "RtlRaiseStatus" => probe::nt_raise_status;
    "ExRaiseAccessViolation" => probe::nt_raise_access_violation;
    "ExRaiseDatatypeMisalignment" => probe::nt_raise_datatype_misalignment;
    "ProbeForRead" => probe::nt_probe_for_read;
    "ProbeForWrite" => probe::nt_probe_for_write;
    "IoUnregisterPlugPlayNotification" => pnp::IoUnregisterPlugPlayNotificationEx;
    "IoRegisterLastChanceShutdownNotification" => pnp::IoRegisterShutdownNotification;
    "IoGetCurrentProcess" => ps::PsGetCurrentProcess;
    "MmProbeAndLockPages" => mdl::nt_probe_and_lock_pages;
    "KeQueryMaximumProcessorCountEx" => ke::KeQueryActiveProcessorCountEx;
    "KeGetCurrentThread" => ps::PsGetCurrentThread;
    "RtlCopyMemory" => memory_operations::nt_memmove;
    "memcpy" => memory_operations::nt_memmove;
    "memmove" => memory_operations::nt_memmove;
    "memset" => memory_operations::nt_memset;
    "memcmp" => memory_operations::nt_memcmp;
    "RtlInitString" => rtl::RtlInitAnsiString;
    "RtlFreeAnsiString" => rtl::RtlFreeUnicodeString;
    "RtlCompareMemory" => memory_operations::nt_compare_memory;
}
