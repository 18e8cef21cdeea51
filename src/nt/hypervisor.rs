//! What a hypervisor says of the partition that the system runs in.
//!
//! Source: Hypervisor Top-Level Functional Specification, "Feature and Interface Discovery",
//! "`HV_PARTITION_PRIVILEGE_MASK`", "Virtual Secure Mode".

use core::arch::x86_64::__cpuid;

/// `CPUID.1:ECX`: there is a hypervisor.
const PRESENT: u32 = 1 << 31;

/// The highest leaf of the hypervisor.
const HIGHEST: u32 = 0x4000_0000;

/// The interface, by which the leaves that follow have their meaning.
const INTERFACE: u32 = 0x4000_0001;

/// `Hv#1`: the interface of Microsoft's hypervisor, and of those that behave like it.
const HV_1: u32 = u32::from_le_bytes(*b"Hv#1");

/// The features. EAX and EBX are the partition's privileges.
const FEATURES: u32 = 0x4000_0003;

/// `AccessVsm`, bit 48 of the privileges.
const ACCESS_VSM: u32 = 1 << (48 - 32);

/// The partition may read [`ISOLATION`]: bit 54 of the privileges.
const ISOLATION_KNOWN: u32 = 1 << (54 - 32);

/// The isolation: its type is in EBX, bits 3 to 0, where 0 is none.
const ISOLATION: u32 = 0x4000_000C;

/// Whether RAM may be withheld from this system: it may use virtual secure mode, or its partition is
/// isolated from the host. Whether it does use that mode, no leaf says.
pub fn may_withhold_memory() -> bool {
    if __cpuid(1).ecx & PRESENT == 0 || __cpuid(INTERFACE).eax != HV_1 {
        return false;
    }
    let highest = __cpuid(HIGHEST).eax;
    if highest < FEATURES {
        return false;
    }
    let privileges = __cpuid(FEATURES).ebx;
    let isolated = privileges & ISOLATION_KNOWN != 0
        && highest >= ISOLATION
        && __cpuid(ISOLATION).ebx & 0xF != 0;
    privileges & ACCESS_VSM != 0 || isolated
}
