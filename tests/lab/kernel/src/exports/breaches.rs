//! A breach of each rule of Driver Verifier, so that a test sees the rule notice it.
//!
//! The calls are those that a driver would make. None of them returns to the caller of [`commit`].

use nt_status::NtStatus;
use ringcopy_lab_mailbox::rules::Rule;

use super::{dispatcher, ex, io, ke, mm, ob, pool, zw};
use crate::call;
use crate::images::Location;
use crate::io::completion::Done;
use crate::io::{Completion, KERNEL_MODE, USER_MODE, irp, require_consistent};
use crate::irql::{APC_LEVEL, DISPATCH_LEVEL, HIGH_LEVEL, PASSIVE_LEVEL};
use crate::nt::layout::{
    DeviceObject, FileObject, Irp, ObjectAttributes, StackLocation, Structure, major,
};
use crate::nt::strings;
use crate::object::handle::{self, Table};
use crate::object::process;
use crate::{driver, locks, raw};

/// `POOL_FLAG_NON_PAGED` and `POOL_FLAG_PAGED`.
const NONPAGED: u64 = 0x40;
const PAGED: u64 = 0x100;
const TAG: u32 = u32::from_le_bytes(*b"Brch");

/// An address of user memory, whether or not any is there.
const OF_USER: u64 = 0x1_0000;

/// Breaks a rule. `STATUS_NOT_SUPPORTED` for rules that need a driver's routine.
pub(crate) fn commit(rule: Rule) -> Result<(), NtStatus> {
    match rule {
        Rule::CompletedStatus
        | Rule::CompletedCancelRoutine
        | Rule::CompletedIrql
        | Rule::CompletedTwice
        | Rule::InformationLength
        | Rule::PendingReturned => complete(rule),
        Rule::SentType
        | Rule::SentDevice
        | Rule::SentIrql
        | Rule::SentCancelRoutine
        | Rule::SentStackLocations
        | Rule::KernelIrp => send(rule),
        Rule::LockOrder
        | Rule::LockHeld
        | Rule::LockReleased
        | Rule::LockInitialized
        | Rule::SpinLock
        | Rule::PageableLock
        | Rule::IrqlDispatch
        | Rule::IrqlKeDispatchLte
        | Rule::IrqlKeReleaseSpinLock
        | Rule::IrqlExApcLte1 => lock(rule),
        Rule::ZwAddress
        | Rule::ZwString
        | Rule::ZwAttributes
        | Rule::IrqlZwPassive
        | Rule::CloseHandle
        | Rule::KernelHandle
        | Rule::NullHandle
        | Rule::UserHandle
        | Rule::IrqlObPassive
        | Rule::ObjectReference => use_object(rule)?,
        Rule::PoolSize
        | Rule::PoolOverrun
        | Rule::PoolFreed
        | Rule::PoolTag
        | Rule::PageableMemory
        | Rule::IrqlExAllocatePool
        | Rule::IrqlMmDispatch => use_memory(rule),
        Rule::DeviceDeletedTwice
        | Rule::IrqlIoApcLte
        | Rule::IrqlIoPassive1
        | Rule::IrqlIoPassive4 => use_device(rule),
        Rule::KeRaiseIrql
        | Rule::KeLowerIrql
        | Rule::WaitIrql
        | Rule::IrqlKeApcLte2
        | Rule::IrqlKeSetEvent
        | Rule::IrqlExApcLte2
        | Rule::CriticalRegions
        | Rule::IrqlReturn
        | Rule::DocumentedIrql => wait(rule),
        Rule::UserMemory
        | Rule::PoolLeak
        | Rule::DoubleCompletion
        | Rule::InvalidReqAccess
        | Rule::RequestCompleted
        | Rule::KmdfIrql => return Err(NtStatus::NOT_SUPPORTED),
    }
    Ok(())
}

fn raise(level: u8) {
    ke::KfRaiseIrql(level);
}

fn allocate(kind: u64) -> u64 {
    pool::ExAllocatePool2(kind, 64, TAG)
}

fn device() -> DeviceObject {
    driver::device().expect("a driver with a device")
}

/// Returns a request that the driver has been sent.
fn request() -> Irp {
    let request = irp::allocate(device(), FileObject(0), major::DEVICE_CONTROL, USER_MODE);
    request.set(Irp::STATUS, NtStatus::SUCCESS);
    request
}

fn complete(rule: Rule) {
    let request = request();
    match rule {
        Rule::CompletedStatus => request.set(Irp::STATUS, NtStatus::PENDING),
        Rule::CompletedCancelRoutine => request.set(Irp::CANCEL_ROUTINE, device().0),
        Rule::CompletedIrql => raise(HIGH_LEVEL),
        Rule::CompletedTwice => io::IofCompleteRequest(request.0, 0),
        Rule::InformationLength => {
            let location = irp::next_location(request);
            location.set(StackLocation::OUTPUT_LENGTH, 8);
            request.set(Irp::INFORMATION, 9_u64);
        }
        _ => {
            let done = Done {
                completed: Completion {
                    status: NtStatus::SUCCESS,
                    information: 0,
                    ticks: 0,
                },
                driver_status: NtStatus::SUCCESS,
                marked_pending: true,
            };
            let routine = Location(device().0);
            require_consistent("a breach", &routine, NtStatus::SUCCESS, &done);
        }
    }
    io::IofCompleteRequest(request.0, 0);
}

fn send(rule: Rule) {
    let (request, mut device) = (request(), device());
    match rule {
        Rule::SentType => request.set(Irp::TYPE, 0),
        Rule::SentDevice => device = DeviceObject(request.0),
        Rule::SentIrql => raise(HIGH_LEVEL),
        Rule::SentCancelRoutine => request.set(Irp::CANCEL_ROUTINE, device.0),
        Rule::SentStackLocations => request.set(Irp::CURRENT_LOCATION, 1),
        _ => {
            request.set(Irp::REQUESTOR_MODE, KERNEL_MODE);
            request.set(Irp::USER_BUFFER, OF_USER);
        }
    }
    io::IofCallDriver(device.0, request.0);
}

fn lock(rule: Rule) {
    let [one, other] = [allocate(NONPAGED), allocate(NONPAGED)];
    ke::KeInitializeSpinLock(one);
    ke::KeInitializeSpinLock(other);
    match rule {
        Rule::IrqlDispatch => ke::KeAcquireSpinLockAtDpcLevel(one),
        Rule::IrqlKeDispatchLte => raise(HIGH_LEVEL),
        Rule::IrqlExApcLte1 => {
            raise(DISPATCH_LEVEL);
            ex::ExAcquireFastMutex(one);
        }
        Rule::PageableLock => ke::KeInitializeSpinLock(allocate(PAGED)),
        _ => {}
    }
    let level = ke::KeAcquireSpinLockRaiseToDpc(one);
    match rule {
        Rule::LockHeld => ke::KeAcquireSpinLockAtDpcLevel(one),
        Rule::LockReleased => ke::KeReleaseSpinLock(other, level),
        Rule::LockInitialized => ke::KeInitializeSpinLock(one),
        Rule::SpinLock => locks::require_released(0, "a breach"),
        Rule::IrqlKeReleaseSpinLock => ke::KeReleaseSpinLock(one, APC_LEVEL),
        _ => {
            ke::KeAcquireSpinLockAtDpcLevel(other);
            ke::KeReleaseSpinLockFromDpcLevel(other);
            ke::KeReleaseSpinLock(one, level);
            ke::KeAcquireSpinLockRaiseToDpc(other);
            ke::KeAcquireSpinLockAtDpcLevel(one);
        }
    }
}

fn use_object(rule: Rule) -> Result<(), NtStatus> {
    let result = allocate(NONPAGED);
    let attributes = ObjectAttributes(pool::ExAllocatePool2(NONPAGED, ObjectAttributes::SIZE, TAG));
    let name = allocate(NONPAGED);
    strings::place(name, name + strings::SIZE, "Any");
    attributes.set(ObjectAttributes::OBJECT_NAME, name);
    match rule {
        Rule::ZwAddress => drop(zw::ZwOpenKey(OF_USER, 0, attributes.0)),
        Rule::ZwString => {
            strings::write(name, name + strings::SIZE, 3, 4);
            zw::ZwOpenKey(result, 0, attributes.0);
        }
        Rule::ZwAttributes => {
            attributes.set(ObjectAttributes::OBJECT_NAME, OF_USER);
            zw::ZwOpenKey(result, 0, attributes.0);
        }
        Rule::IrqlZwPassive => {
            raise(APC_LEVEL);
            zw::ZwClose(0);
        }
        Rule::CloseHandle => drop(zw::ZwClose(0x4321)),
        Rule::NullHandle => drop(reference(0, KERNEL_MODE, result)),
        Rule::IrqlObPassive => {
            raise(APC_LEVEL);
            reference(0x4321, USER_MODE, result);
        }
        Rule::ObjectReference => drop(ob::ObfReferenceObject(result)),
        _ => {
            let user = process::start(0)?;
            process::attached(user, || {
                if rule == Rule::KernelHandle {
                    ob::ObOpenObjectByPointer(device().0, 0, 0, 0, 0, KERNEL_MODE, result);
                }
                crate::object::reference(device().0);
                let value = handle::open(Table::Process(user), device().0, 0);
                reference(value, KERNEL_MODE, result);
            })?;
        }
    }
    Ok(())
}

fn reference(value: u64, mode: u8, result: u64) -> NtStatus {
    ob::ObReferenceObjectByHandle(value, 0, 0, mode, result, 0)
}

fn use_memory(rule: Rule) {
    let address = allocate(NONPAGED);
    match rule {
        Rule::PoolSize => drop(pool::ExAllocatePool2(NONPAGED, 0, TAG)),
        Rule::PoolOverrun => {
            let short = pool::ExAllocatePool2(NONPAGED, 60, TAG);
            raw::write(short + 60, 0_u8);
            pool::ExFreePool(short);
        }
        Rule::PoolFreed => {
            pool::ExFreePool(address);
            pool::ExFreePool(address);
        }
        Rule::PoolTag => pool::ExFreePoolWithTag(address, TAG + 1),
        Rule::PageableMemory => {
            let paged = allocate(PAGED);
            // Below DISPATCH_LEVEL, it is brought in.
            raise(DISPATCH_LEVEL);
            ke::KeLowerIrql(PASSIVE_LEVEL);
            raw::write(paged, 1_u64);
            raise(DISPATCH_LEVEL);
            raw::read_volatile::<u64>(paged);
        }
        Rule::IrqlExAllocatePool => {
            raise(DISPATCH_LEVEL);
            allocate(PAGED);
        }
        _ => {
            raise(HIGH_LEVEL);
            mm::MmFreeContiguousMemory(address);
        }
    }
}

fn use_device(rule: Rule) {
    match rule {
        Rule::DeviceDeletedTwice => {
            // A reference keeps the device.
            ob::ObfReferenceObject(device().0);
            let address = device().0;
            io::IoDeleteDevice(address);
            io::IoDeleteDevice(address);
        }
        Rule::IrqlIoApcLte => {
            raise(DISPATCH_LEVEL);
            io::IoDeleteDevice(device().0);
        }
        Rule::IrqlIoPassive1 => {
            raise(APC_LEVEL);
            io::IoCreateDevice(0, 0, 0, 0, 0, 0, 0);
        }
        _ => {
            raise(APC_LEVEL);
            io::IoDeleteSymbolicLink(0);
        }
    }
}

fn wait(rule: Rule) {
    let event = allocate(NONPAGED);
    dispatcher::KeInitializeEvent(event, 0, 1);
    match rule {
        Rule::KeRaiseIrql => {
            raise(DISPATCH_LEVEL);
            raise(APC_LEVEL);
        }
        Rule::KeLowerIrql => ke::KeLowerIrql(APC_LEVEL),
        Rule::WaitIrql => {
            raise(DISPATCH_LEVEL);
            dispatcher::KeWaitForSingleObject(event, 0, KERNEL_MODE, 0, 0);
        }
        Rule::IrqlKeApcLte2 => {
            raise(DISPATCH_LEVEL);
            ke::KeEnterCriticalRegion();
        }
        Rule::IrqlKeSetEvent => {
            raise(DISPATCH_LEVEL);
            dispatcher::KeSetEvent(event, 0, 1);
        }
        Rule::IrqlExApcLte2 => {
            raise(DISPATCH_LEVEL);
            let probe = super::own("ProbeForRead").expect("it is exported");
            call::plain(probe, [OF_USER, 1, 1, 0]);
        }
        Rule::IrqlReturn => {
            raise(DISPATCH_LEVEL);
            call::require_level(PASSIVE_LEVEL, "a breach", &Location(event));
        }
        Rule::CriticalRegions => ke::KeLeaveCriticalRegion(),
        _ => {
            raise(DISPATCH_LEVEL);
            mm::MmGetPhysicalMemoryRanges();
        }
    }
}
