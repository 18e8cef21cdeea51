//! The routines and variables that Wine lacks.
//!
//! Each takes, returns and fails as its page of the documentation says, as far as a process in user
//! mode can.

use super::{
    etw::{etw_register, etw_set_information, etw_unregister, etw_write_transfer},
    ram,
};
use crate::nt::{pool, routine};
use core::{
    ffi::{CStr, c_void},
    ptr::{NonNull, null_mut},
};
use nt_status::NtStatus;
use wdk_sys::{
    BOOLEAN, KIRQL, NTSTATUS, PHYSICAL_ADDRESS, SIZE_T, STATUS_SUCCESS, ULONG, ULONG64, USHORT,
};

const STATUS_INVALID_ADDRESS: NTSTATUS = NtStatus::INVALID_ADDRESS.as_raw();
const STATUS_INVALID_PARAMETER_4: NTSTATUS = NtStatus::INVALID_PARAMETER_4.as_raw();

macro_rules! routines {
    ($($name:literal = $function:ident;)+ $(static $variable_name:literal = $variable:ident;)+) => {
        /// The routines and variables, with the names that drivers import.
        pub(super) static ROUTINES: &[Routine] = &[
            $(Routine($name, $function as *const ()),)+
            $(Routine($variable_name, (&raw const $variable).cast()),)+
        ];
    };
}

routines! {
    c"EtwRegister" = etw_register;
    c"EtwSetInformation" = etw_set_information;
    c"EtwUnregister" = etw_unregister;
    c"EtwWriteTransfer" = etw_write_transfer;
    c"ExAllocatePool2" = ex_allocate_pool_2;
    c"ExFreePool" = ex_free_pool;
    c"ExFreePool2" = ex_free_pool_2;
    c"ExFreePoolWithTag" = ex_free_pool_with_tag;
    c"KeGetCurrentIrql" = ke_get_current_irql;
    c"KeGetCurrentProcessorNumberEx" = ke_get_current_processor_number_ex;
    c"KeIpiGenericCall" = ke_ipi_generic_call;
    c"KeLowerIrql" = ke_lower_irql;
    c"KeQueryMaximumProcessorCountEx" = ke_query_maximum_processor_count_ex;
    c"KeQueryUnbiasedInterruptTime" = ke_query_unbiased_interrupt_time;
    c"KfRaiseIrql" = kf_raise_irql;
    c"MmAllocateContiguousNodeMemory" = mm_allocate;
    c"MmAllocateMappingAddress" = mm_allocate;
    c"MmCopyMemory" = mm_copy_memory;
    c"MmFreeContiguousMemory" = mm_free;
    c"MmFreeMappingAddress" = mm_free;
    c"MmGetPhysicalAddress" = mm_get_physical_address;
    c"MmGetPhysicalMemoryRanges" = mm_get_physical_memory_ranges;
    c"MmGetPhysicalMemoryRangesEx" = mm_get_physical_memory_ranges;
    c"MmGetPhysicalMemoryRangesEx2" = mm_get_physical_memory_ranges;
    c"PsGetProcessStartKey" = ps_get_process_start_key;
    c"PsIsThreadTerminating" = ps_is_thread_terminating;
    static c"MmUserProbeAddress" = USER_PROBE_ADDRESS;
}

/// A name and an address.
pub(super) struct Routine(pub(super) &'static CStr, pub(super) *const ());

// SAFETY: addresses of functions and variables, which are never written to.
unsafe impl Sync for Routine {}

/// `MmUserProbeAddress`, with four levels of page tables: Wine gives a process no memory above it.
static USER_PROBE_ADDRESS: u64 = 0x7FFF_FFFF_0000;

/// The tag of ranges, which drivers free with `ExFreePool`.
const RANGES_TAG: ULONG = u32::from_le_bytes(*b"LdWr");

const POOL_FLAG_UNINITIALIZED: ULONG64 = 0x2;

/// `ExAllocatePool2`: zeroed, unless the flags say otherwise. Every pool is the same here, but whole
/// pages are of the simulated RAM, as long as there are any: a page of pool has a physical address.
unsafe extern "C" fn ex_allocate_pool_2(flags: ULONG64, bytes: SIZE_T, tag: ULONG) -> *mut c_void {
    let Ok(length) = usize::try_from(bytes) else {
        return null_mut();
    };
    let pages = if length < ram::PAGE {
        None
    } else {
        NonNull::new(ram::lend(length))
    };
    let block = pages.or_else(|| pool::allocate_raw(pool::NONPAGED_POOL_NX, length.max(1), tag));
    let Some(block) = block else {
        return null_mut();
    };
    if flags & POOL_FLAG_UNINITIALIZED == 0 {
        // SAFETY: the block was just allocated with this length.
        unsafe { block.as_ptr().cast::<u8>().write_bytes(0, length) };
    }
    block.as_ptr()
}

/// `ExFreePoolWithTag`.
unsafe extern "C" fn ex_free_pool_with_tag(block: *mut c_void, tag: ULONG) {
    if ram::physical(block).is_some() {
        ram::take_back(block);
    } else if let Some(block) = NonNull::new(block) {
        // SAFETY: the driver's promise: a block that it allocated with this tag.
        unsafe { pool::free(block, tag) };
    }
}

/// `ExFreePool`: whatever the tag.
unsafe extern "C" fn ex_free_pool(block: *mut c_void) {
    // SAFETY: the driver's promise: a block that it allocated.
    unsafe { ex_free_pool_with_tag(block, 0) };
}

/// `ExFreePool2`; no extended parameter is known.
unsafe extern "C" fn ex_free_pool_2(
    block: *mut c_void,
    tag: ULONG,
    _parameters: *const c_void,
    _count: ULONG,
) {
    // SAFETY: the driver's promise, as above.
    unsafe { ex_free_pool_with_tag(block, tag) };
}

/// `KeGetCurrentIrql`: a process in user mode has no other level.
const extern "C" fn ke_get_current_irql() -> KIRQL {
    0
}

/// `KfRaiseIrql`, which `KeRaiseIrql` is.
const extern "C" fn kf_raise_irql(_level: KIRQL) -> KIRQL {
    0
}

/// `KeLowerIrql`.
const extern "C" fn ke_lower_irql(_level: KIRQL) {}

/// `KeQueryMaximumProcessorCountEx`: one, in any group.
const extern "C" fn ke_query_maximum_processor_count_ex(_group: USHORT) -> ULONG {
    1
}

/// `KeGetCurrentProcessorNumberEx`: the only one. Drivers here do not ask for group and number.
const extern "C" fn ke_get_current_processor_number_ex(_number: *mut c_void) -> ULONG {
    0
}

/// `KeQueryUnbiasedInterruptTime`: time stands still, as does the list of RAM.
const extern "C" fn ke_query_unbiased_interrupt_time() -> u64 {
    0
}

/// `KeIpiGenericCall`: does not call the routine, which needs ring 0.
const extern "C" fn ke_ipi_generic_call(_routine: *const c_void, _context: u64) -> u64 {
    0
}

/// `MmAllocateContiguousNodeMemory`, whose further arguments are ignored: all of the simulated RAM
/// lies within every range that a driver asks for. `MmAllocateMappingAddress`, whose tag is ignored:
/// an address at which nothing can be mapped, since there are no page tables to be reached.
extern "C" fn mm_allocate(bytes: SIZE_T) -> *mut c_void {
    usize::try_from(bytes).map_or(null_mut(), ram::lend)
}

/// `MmFreeContiguousMemory`, and `MmFreeMappingAddress`, whose tag is ignored.
extern "C" fn mm_free(address: *mut c_void) {
    ram::take_back(address);
}

/// `MmGetPhysicalAddress`: 0 for what is not of the simulated RAM.
extern "C" fn mm_get_physical_address(address: *mut c_void) -> PHYSICAL_ADDRESS {
    let physical = ram::physical(address).unwrap_or_default();
    PHYSICAL_ADDRESS {
        QuadPart: i64::try_from(physical).unwrap_or_default(),
    }
}

/// `MmGetPhysicalMemoryRanges`, and its successors: pairs of base and length, ended by a pair of
/// zeros, for the driver to free.
extern "C" fn mm_get_physical_memory_ranges() -> *mut c_void {
    const PAIRS: usize = ram::RANGES.len() + 1;
    let bytes = size_of::<[[u64; 2]; PAIRS]>();
    let Some(block) = pool::allocate_raw(pool::NONPAGED_POOL_NX, bytes, RANGES_TAG) else {
        return null_mut();
    };
    let mut pairs = [[0_u64; 2]; PAIRS];
    for (pair, (base, length)) in pairs.iter_mut().zip(ram::RANGES) {
        *pair = [base as u64, length as u64];
    }
    // SAFETY: the block was just allocated for these.
    unsafe { block.cast().write(pairs) };
    block.as_ptr()
}

const MM_COPY_MEMORY_PHYSICAL: ULONG = 1;
const MM_COPY_MEMORY_VIRTUAL: ULONG = 2;

/// `MmCopyMemory`, of the simulated RAM: by physical address, or by the virtual addresses that
/// contiguous memory has. No other virtual address is known.
unsafe extern "C" fn mm_copy_memory(
    target: *mut c_void,
    source: u64,
    bytes: SIZE_T,
    flags: ULONG,
    transferred: *mut SIZE_T,
) -> NTSTATUS {
    let length = usize::try_from(bytes).unwrap_or_default();
    let physical = match flags {
        MM_COPY_MEMORY_PHYSICAL => Some(source),
        MM_COPY_MEMORY_VIRTUAL => usize::try_from(source)
            .ok()
            .and_then(|source| ram::physical(core::ptr::without_provenance(source)))
            .map(|physical| physical as u64),
        _ => return STATUS_INVALID_PARAMETER_4,
    };
    let copied = physical.map_or(0, |physical| {
        // SAFETY: the driver's promise: its target holds `length` bytes.
        unsafe { ram::read(physical, target.cast(), length) }
    });
    // SAFETY: the driver's variable.
    unsafe { transferred.write(copied as SIZE_T) };
    if copied == length {
        STATUS_SUCCESS
    } else {
        STATUS_INVALID_ADDRESS
    }
}

type PsGetProcessId = unsafe extern "C" fn(*mut c_void) -> usize;

/// `PsGetProcessStartKey`: the process's number, which Wine rarely uses again.
unsafe extern "C" fn ps_get_process_start_key(process: *mut c_void) -> u64 {
    // SAFETY: the type of the routine of that name (ntddk.h).
    let routine = unsafe { routine::find::<PsGetProcessId>("PsGetProcessId") };
    // SAFETY: the driver's promise: a process.
    routine.map_or(0, |routine| unsafe { routine(process) } as u64)
}

/// `PsIsThreadTerminating`: Wine ends no thread that waits for a driver.
const extern "C" fn ps_is_thread_terminating(_thread: *mut c_void) -> BOOLEAN {
    0
}
