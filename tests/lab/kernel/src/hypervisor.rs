//! What drivers are told of a hypervisor, if the command line asks for one.
//!
//! QEMU's own translator has no leaves of Microsoft's hypervisor, and a CPUID in ring 0 does not trap.
//! So the lab replaces each CPUID of a driver's code by UD2, which has as many bytes, and carries it
//! out in the trap. It finds them by the bytes of CPUID and of the exchange of RBX that follows:
//! `__cpuid_count` of Rust's library, which is how the driver asks. This changes the driver's code,
//! which no other part of the lab does; without the option, nothing is replaced.

use alloc::vec::Vec;
use core::arch::x86_64::__cpuid_count;

use ringcopy_lab_mailbox::HypervisorKind;

use crate::global::Global;
use crate::{options, raw};

const CPUID: [u8; 2] = [0x0F, 0xA2];
const UD2: [u8; 2] = [0x0F, 0x0B];

/// Where instructions were replaced.
static REPLACED: Global<Vec<u64>> = Global::new(Vec::new());

/// Replaces each CPUID of code that is still writable.
pub(crate) fn replace(start: u64, length: u64) {
    if options::get().hypervisor == HypervisorKind::None {
        return;
    }
    for at in start..start + length.saturating_sub(4) {
        let [first, second, prefix, exchange]: [u8; 4] = raw::read(at);
        if [first, second] == CPUID && prefix & 0xF8 == 0x48 && exchange == 0x87 {
            raw::write(at, UD2);
            REPLACED.with(|replaced| replaced.push(at));
        }
    }
}

/// What CPUID gives in EAX, EBX, ECX and EDX, if the instruction at an address was one.
pub(crate) fn cpuid(at: u64, leaf: u32, part: u32) -> Option<[u32; 4]> {
    if !REPLACED.with(|replaced| replaced.contains(&at)) {
        return None;
    }
    let word = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes);
    let kind = options::get().hypervisor;
    let on = |hypervisor, bit: u32| u32::from(kind == hypervisor) << bit;
    Some(match leaf {
        0x4000_0000 => [0x4000_000C, word(b"Micr"), word(b"osof"), word(b"t Hv")],
        0x4000_0001 => [word(b"Hv#1"), 0, 0, 0],
        // The partition's privileges: AccessVsm is bit 48, and bit 54 that the isolation is known.
        0x4000_0003 => {
            let privileges = on(HypervisorKind::Vsm, 16) | on(HypervisorKind::Isolated, 22);
            [0, privileges, 0, 0]
        }
        0x4000_000C => [0, on(HypervisorKind::Isolated, 0), 0, 0],
        0x4000_0002..=0x4000_00FF => [0; 4],
        _ => {
            let result = __cpuid_count(leaf, part);
            let present = u32::from(leaf == 1) << 31;
            [result.eax, result.ebx, result.ecx | present, result.edx]
        }
    })
}
