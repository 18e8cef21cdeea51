//! The interrupt request level. On x64 it is the processor's task priority, CR8.

use ringcopy_lab_mailbox::rules::Rule;

use crate::bugcheck::{Code, announce, bugcheck_here};
use crate::{cpu, pageable};

pub(crate) const PASSIVE_LEVEL: u8 = 0;
pub(crate) const APC_LEVEL: u8 = 1;
pub(crate) const DISPATCH_LEVEL: u8 = 2;
pub(crate) const HIGH_LEVEL: u8 = 15;

pub(crate) fn current() -> u8 {
    cpu::read_cr8() as u8
}

/// Sets the level. From `DISPATCH_LEVEL` on, pageable memory is out.
pub(crate) fn set(level: u8) {
    let before = current();
    cpu::write_cr8(u64::from(level));
    match (before >= DISPATCH_LEVEL, level >= DISPATCH_LEVEL) {
        (false, true) => pageable::trim(),
        (true, false) => pageable::return_user_half(),
        _ => {}
    }
}

/// The rules of Driver Verifier about functions' IRQL. The others' pages name it.
const RULES: [(&str, Rule); 35] = [
    ("ExAcquireFastMutex", Rule::IrqlExApcLte1),
    ("ExAllocatePool2", Rule::IrqlExAllocatePool),
    ("ExAllocatePoolWithTag", Rule::IrqlExAllocatePool),
    ("ExTryToAcquireFastMutex", Rule::IrqlExApcLte1),
    ("IoCallDriver", Rule::SentIrql),
    ("IoCompleteRequest", Rule::CompletedIrql),
    ("IoCreateDevice", Rule::IrqlIoPassive1),
    ("IoCreateSymbolicLink", Rule::IrqlIoPassive4),
    ("IoDeleteDevice", Rule::IrqlIoApcLte),
    ("IoDeleteSymbolicLink", Rule::IrqlIoPassive4),
    ("KeAcquireSpinLock", Rule::IrqlKeDispatchLte),
    ("KeClearEvent", Rule::IrqlKeDispatchLte),
    ("KeEnterCriticalRegion", Rule::IrqlKeApcLte2),
    ("KeLeaveCriticalRegion", Rule::IrqlKeApcLte2),
    ("KeResetEvent", Rule::IrqlKeDispatchLte),
    ("KeSetEvent", Rule::IrqlKeSetEvent),
    ("KeWaitForSingleObject", Rule::WaitIrql),
    ("MmFreeContiguousMemory", Rule::IrqlMmDispatch),
    ("ObReferenceObjectByHandle", Rule::IrqlObPassive),
    ("ProbeForRead", Rule::IrqlExApcLte2),
    ("ProbeForWrite", Rule::IrqlExApcLte2),
    ("KeWaitForMultipleObjects", Rule::WaitIrql),
    ("ZwClose", Rule::IrqlZwPassive),
    ("ZwCreateFile", Rule::IrqlZwPassive),
    ("ZwCreateKey", Rule::IrqlZwPassive),
    ("ZwOpenFile", Rule::IrqlZwPassive),
    ("ZwReadFile", Rule::IrqlZwPassive),
    ("ZwWriteFile", Rule::IrqlZwPassive),
    ("ZwQueryInformationFile", Rule::IrqlZwPassive),
    ("ZwSetInformationFile", Rule::IrqlZwPassive),
    ("ZwWaitForSingleObject", Rule::IrqlZwPassive),
    ("ZwOpenKey", Rule::IrqlZwPassive),
    ("ZwQueryValueKey", Rule::IrqlZwPassive),
    ("KeAcquireSpinLockAtDpcLevel", Rule::IrqlDispatch),
    ("KeReleaseSpinLockFromDpcLevel", Rule::IrqlDispatch),
];

/// Ends the run if a driver calls a function above the IRQL of its documentation.
pub(crate) fn require_at_most(level: u8, function: &str) {
    let now = current();
    if now > level {
        refuse(function, now, format_args!("{level} at most"));
    }
}

/// Ends the run if a driver calls a function below the IRQL of its documentation.
pub(crate) fn require_at_least(level: u8, function: &str) {
    let now = current();
    if now < level {
        refuse(function, now, format_args!("{level} at least"));
    }
}

fn refuse(function: &str, now: u8, allowed: core::fmt::Arguments<'_>) -> ! {
    let rule = RULES.iter().find(|(name, _)| *name == function);
    let rule = rule.map_or(Rule::DocumentedIrql, |&(_, rule)| rule);
    announce(
        rule,
        format_args!("{function} was called at IRQL {now}; it may be called at {allowed}"),
    );
    bugcheck_here(Code::DRIVER_VERIFIER_DETECTED_VIOLATION, [0; 4])
}
