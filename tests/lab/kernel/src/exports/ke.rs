//! Kernel support: levels, locks, processors.

use crate::broadcast::{self, IPI_LEVEL};
use crate::bugcheck::{self, rule_broken, stack_here, violation};
use crate::irql::{self, APC_LEVEL, DISPATCH_LEVEL, HIGH_LEVEL, require_at_least, require_at_most};
use crate::{clock, cpu, dpc, images, kernel_state, locks, parallel, processor};
use crate::{raw, smp};

/// `KeBugCheck` function (ntddk.h).
pub(super) extern "win64" fn KeBugCheck(code: u32) -> ! {
    bugcheck::by_number(code, [0; 4], None, stack_here())
}

/// `KeBugCheckEx` function (wdm.h).
pub(super) extern "win64" fn KeBugCheckEx(
    code: u32,
    one: u64,
    two: u64,
    three: u64,
    four: u64,
) -> ! {
    bugcheck::by_number(code, [one, two, three, four], None, stack_here())
}

/// `KeInitializeSpinLock` function (wdm.h): any IRQL.
pub(super) extern "win64" fn KeInitializeSpinLock(lock: u64) {
    locks::initialized(lock);
    raw::write(lock, 0_u64);
}

/// The value of a spin lock that this processor holds.
fn owner() -> u64 {
    processor::number() as u64 + 1
}

fn acquire(lock: u64, level: u8) {
    locks::require_nonpaged(lock, "a spin lock");
    locks::before_wait(lock);
    while let Err(holder) = raw::compare_exchange(lock, 0, owner()) {
        if holder == owner() || !parallel::is_running() {
            violation!(
                "the spin lock at {lock:#x} was acquired by its owner, or never initialised"
            );
        }
        core::hint::spin_loop();
    }
    locks::acquired(lock, level);
}

/// Releases a lock and returns the IRQL from before.
fn release(lock: u64) -> u8 {
    let level = locks::released(lock);
    if raw::compare_exchange(lock, owner(), 0).is_err() {
        violation!("the spin lock at {lock:#x} was released and is not held");
    }
    level
}

/// `KeAcquireSpinLockRaiseToDpc` function (wdm.h): returns the previous IRQL. IRQL <=
/// `DISPATCH_LEVEL`.
pub(super) extern "win64" fn KeAcquireSpinLockRaiseToDpc(lock: u64) -> u8 {
    require_at_most(DISPATCH_LEVEL, "KeAcquireSpinLock");
    let level = irql::current();
    irql::set(DISPATCH_LEVEL);
    acquire(lock, level);
    level
}

/// `KeReleaseSpinLock` function (wdm.h). IRQL = `DISPATCH_LEVEL`.
pub(super) extern "win64" fn KeReleaseSpinLock(lock: u64, level: u8) {
    let now = irql::current();
    let before = release(lock);
    if now != DISPATCH_LEVEL || level != before {
        rule_broken!(
            IrqlKeReleaseSpinLock,
            "KeReleaseSpinLock was called at IRQL {now} to go to {level}; it was {before} before"
        );
    }
    KeLowerIrql(level);
}

/// `KeAcquireSpinLockAtDpcLevel` function (wdm.h). IRQL >= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn KeAcquireSpinLockAtDpcLevel(lock: u64) {
    require_at_least(DISPATCH_LEVEL, "KeAcquireSpinLockAtDpcLevel");
    acquire(lock, irql::current());
}

/// `KeReleaseSpinLockFromDpcLevel` function (wdm.h). IRQL >= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn KeReleaseSpinLockFromDpcLevel(lock: u64) {
    require_at_least(DISPATCH_LEVEL, "KeReleaseSpinLockFromDpcLevel");
    release(lock);
}

/// `KfRaiseIrql`, which `KeRaiseIrql` (wdm.h) is: never lowers.
pub(super) extern "win64" fn KfRaiseIrql(level: u8) -> u8 {
    let now = irql::current();
    if level < now || level > HIGH_LEVEL {
        rule_broken!(
            KeRaiseIrql,
            "KeRaiseIrql was asked to go from {now} to {level}"
        );
    }
    irql::set(level);
    now
}

/// `KeRaiseIrqlToDpcLevel` function (wdm.h).
pub(super) extern "win64" fn KeRaiseIrqlToDpcLevel() -> u8 {
    KfRaiseIrql(DISPATCH_LEVEL)
}

/// `KeLowerIrql` function (wdm.h): never raises.
pub(super) extern "win64" fn KeLowerIrql(level: u8) {
    let now = irql::current();
    if level > now {
        rule_broken!(
            KeLowerIrql,
            "KeLowerIrql was asked to go from {now} to {level}"
        );
    }
    irql::set(level);
    dpc::deliver();
}

/// `KeGetCurrentIrql` function (wdm.h).
pub(super) extern "win64" fn KeGetCurrentIrql() -> u8 {
    irql::current()
}

/// `KeQueryActiveProcessorCount` function (wdm.h): the mask is optional.
pub(super) extern "win64" fn KeQueryActiveProcessorCount(mask: u64) -> u32 {
    let count = smp::running();
    if mask != 0 {
        raw::write(mask, (1_u64 << count) - 1);
    }
    count as u32
}

/// `KeQueryActiveProcessorCountEx` function (wdm.h): group 0, or `ALL_PROCESSOR_GROUPS`; 0 for
/// other groups.
pub(super) extern "win64" fn KeQueryActiveProcessorCountEx(group: u16) -> u32 {
    if matches!(group, 0 | 0xFFFF) {
        smp::running() as u32
    } else {
        0
    }
}

/// `KeGetCurrentProcessorNumberEx` function (wdm.h): group, number within it.
pub(super) extern "win64" fn KeGetCurrentProcessorNumberEx(number: u64) -> u32 {
    let own = processor::number() as u32;
    if number != 0 {
        // Group 0, the number within it, and a reserved byte.
        raw::write(number, own << 16);
    }
    own
}

/// `KeQueryUnbiasedInterruptTime` function (wdm.h): in units of 100 ns. In the lab, four ticks of the
/// time-stamp counter are 100 ns, so that what a driver does once a second happens often. While
/// instructions are counted one by one, time stands still: they take a hundred times as long. Any
/// IRQL.
pub(super) extern "win64" fn KeQueryUnbiasedInterruptTime() -> u64 {
    let passed = if crate::options::get().steps {
        0
    } else {
        cpu::time_stamp() / 4
    };
    passed + clock::now()
}

/// `KeIpiGenericCall` function (wdm.h): the routine runs on every processor at `IPI_LEVEL`, from a
/// barrier on; all have returned before this does, with what the routine returned here. IRQL <
/// `IPI_LEVEL`.
pub(super) extern "win64" fn KeIpiGenericCall(routine: u64, context: u64) -> u64 {
    require_at_most(IPI_LEVEL - 1, "KeIpiGenericCall");
    if !images::is_driver_code(routine) {
        violation!("KeIpiGenericCall was given {routine:#x}, which is in no image");
    }
    broadcast::run(routine, context).expect("no memory is left for the lab's own")
}

/// `KeEnterCriticalRegion` function (wdm.h). IRQL <= `APC_LEVEL`.
pub(super) extern "win64" fn KeEnterCriticalRegion() {
    require_at_most(APC_LEVEL, "KeEnterCriticalRegion");
    kernel_state::enter_critical_region();
}

/// `KeLeaveCriticalRegion` function (wdm.h). IRQL <= `APC_LEVEL`.
pub(super) extern "win64" fn KeLeaveCriticalRegion() {
    require_at_most(APC_LEVEL, "KeLeaveCriticalRegion");
    if !kernel_state::leave_critical_region() {
        rule_broken!(
            CriticalRegions,
            "KeLeaveCriticalRegion was called outside of a critical region"
        );
    }
}

/// `KeAreApcsDisabled` function (wdm.h).
pub(super) extern "win64" fn KeAreApcsDisabled() -> u8 {
    u8::from(kernel_state::critical_regions() > 0 || irql::current() >= APC_LEVEL)
}
