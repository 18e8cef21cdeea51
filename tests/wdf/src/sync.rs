//! The framework's synchronization of a driver's callbacks, and their execution level.
//!
//! A callback whose object has a synchronization scope runs while the framework holds the lock of the
//! device or of the queue. The lock is a spin lock, unless the execution level is passive: so a
//! callback at the other level runs at `DISPATCH_LEVEL`.
//!
//! Source: "Using Automatic Synchronization", "Specifying Synchronization Scope",
//! "Specifying an Execution Level".

use crate::{
    device::Device,
    nt::irql,
    object::{Any, Ref, attributes::Attributes},
    queue::Queue,
    status::STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL,
};
use core::{
    cell::{Cell, UnsafeCell},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};
use wdk_sys::{
    _EVENT_TYPE as EventType, _WDF_EXECUTION_LEVEL as ExecutionLevel,
    _WDF_SYNCHRONIZATION_SCOPE as SynchronizationScope, KEVENT, KIRQL, KSPIN_LOCK, NTSTATUS,
    STATUS_INVALID_DEVICE_REQUEST, ntddk,
};

/// The objects whose callbacks run one at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    None,
    /// All queues of a device together.
    Device,
    /// Each queue for itself.
    Queue,
}

/// How the callbacks of an object run.
#[derive(Clone, Copy)]
pub(crate) struct Constraints {
    pub(crate) is_passive: bool,
    pub(crate) scope: Scope,
}

impl Constraints {
    /// Those of a driver that sets none.
    pub(crate) const DEFAULT: Self = Self {
        is_passive: false,
        scope: Scope::None,
    };

    /// Reads those of an object, which inherits what its attributes do not say.
    pub(crate) const fn read(attributes: &Attributes, parent: Self) -> Self {
        Self {
            is_passive: match attributes.execution_level {
                ExecutionLevel::WdfExecutionLevelPassive => true,
                ExecutionLevel::WdfExecutionLevelDispatch => false,
                _ => parent.is_passive,
            },
            scope: match attributes.synchronization_scope {
                SynchronizationScope::WdfSynchronizationScopeNone => Scope::None,
                SynchronizationScope::WdfSynchronizationScopeDevice => Scope::Device,
                SynchronizationScope::WdfSynchronizationScopeQueue => Scope::Queue,
                _ => parent.scope,
            },
        }
    }
}

/// No thread.
const NO_THREAD: usize = 0;

/// The lock of a scope.
pub(crate) struct CallbackLock {
    is_passive: bool,
    spin_lock: UnsafeCell<KSPIN_LOCK>,
    /// For a passive lock: set while it is free.
    free: UnsafeCell<KEVENT>,
    holder: AtomicUsize,
    /// The IRQL to return to, which only the holder uses.
    irql: Cell<KIRQL>,
    /// Whether a queue of the scope had no way to present its requests, because the holder itself
    /// would have.
    is_due: AtomicBool,
}

impl CallbackLock {
    pub(crate) fn new(is_passive: bool) -> Self {
        Self {
            is_passive,
            spin_lock: UnsafeCell::new(0),
            free: UnsafeCell::new(KEVENT::default()),
            holder: AtomicUsize::new(NO_THREAD),
            irql: Cell::new(irql::PASSIVE_LEVEL),
            is_due: AtomicBool::new(false),
        }
    }

    /// Makes the lock usable, where it will stay.
    pub(crate) fn initialize(&self) {
        // SAFETY: nonpaged memory for an event, in an object that does not move.
        unsafe {
            ntddk::KeInitializeEvent(self.free.get(), EventType::SynchronizationEvent, 1);
        };
    }

    /// Whether this thread holds the lock.
    pub(crate) fn is_held(&self) -> bool {
        self.holder.load(Ordering::Relaxed) == irql::thread()
    }

    /// Notes that the queues of the scope have to present requests when the lock is released.
    pub(crate) fn postpone(&self) {
        self.is_due.store(true, Ordering::Release);
    }

    /// Runs a callback with the lock. Returns whether queues of the scope are due then.
    fn hold(&self, callback: impl FnOnce()) -> bool {
        if self.is_passive {
            // SAFETY: left below.
            unsafe { ntddk::KeEnterCriticalRegion() };
            // SAFETY: an initialised event; kernel mode, not alertable, no timeout; callbacks of a
            // passive scope run at PASSIVE_LEVEL.
            let _ = unsafe {
                ntddk::KeWaitForSingleObject(self.free.get().cast(), 0, 0, 0, core::ptr::null_mut())
            };
        } else {
            // SAFETY: a spin lock that this thread does not hold, at or below DISPATCH_LEVEL.
            let level = unsafe { ntddk::KeAcquireSpinLockRaiseToDpc(self.spin_lock.get()) };
            self.irql.set(level);
        }
        self.holder.store(irql::thread(), Ordering::Relaxed);
        callback();
        self.holder.store(NO_THREAD, Ordering::Relaxed);
        if self.is_passive {
            // SAFETY: an initialised event; nothing is waited for after this.
            unsafe { ntddk::KeSetEvent(self.free.get(), 0, 0) };
            // SAFETY: entered above.
            unsafe { ntddk::KeLeaveCriticalRegion() };
        } else {
            let level = self.irql.get();
            // SAFETY: acquired above, at this level.
            unsafe { ntddk::KeReleaseSpinLock(self.spin_lock.get(), level) };
        }
        self.is_due.swap(false, Ordering::AcqRel)
    }
}

/// The lock that a callback runs with, and the device whose queues may be due after it.
#[derive(Clone, Copy)]
pub(crate) enum Serial {
    /// None.
    Free,
    Device(Ref<Device>),
    Queue(Ref<Queue>),
}

impl Serial {
    /// That of a queue's callbacks.
    pub(crate) fn of_queue(queue: Ref<Queue>) -> Self {
        match queue.constraints.scope {
            Scope::None => Self::Free,
            Scope::Device => Self::Device(queue.device),
            Scope::Queue => Self::Queue(queue),
        }
    }

    /// That of the callbacks for a device's files.
    pub(crate) fn of_files(device: Ref<Device>) -> Self {
        match device.constraints.scope {
            Scope::Device => Self::Device(device),
            _ => Self::Free,
        }
    }

    pub(crate) fn lock(&self) -> Option<&CallbackLock> {
        match self {
            Self::Free => None,
            Self::Device(device) => Some(&device.callback_lock),
            Self::Queue(queue) => Some(&queue.callback_lock),
        }
    }

    /// Runs a callback. One that the holder of the lock causes runs within its own.
    pub(crate) fn run(self, callback: impl FnOnce()) {
        let is_due = match self.lock() {
            Some(lock) if !lock.is_held() => lock.hold(callback),
            _ => {
                callback();
                false
            }
        };
        if is_due {
            match self {
                Self::Free => {}
                Self::Device(device) => device.present_all(),
                Self::Queue(queue) => queue.present_waiting(),
            }
        }
    }
}

/// An object whose callbacks run with the lock of a device or queue, if the driver asks for it:
/// `AutomaticSerialization`.
///
/// `STATUS_INVALID_DEVICE_REQUEST` for a parent that is no device or queue and no descendant of one;
/// `STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL` if the scope's execution level is not that of the object.
pub(crate) fn serial_of(
    parent: Any,
    automatic: bool,
    is_passive: bool,
) -> Result<Serial, NTSTATUS> {
    let mut current = Some(parent);
    let (serial, level) = loop {
        let any = current.ok_or(STATUS_INVALID_DEVICE_REQUEST)?;
        if let Some(queue) = any.downcast::<Queue>() {
            break (Serial::of_queue(queue), queue.constraints);
        }
        if let Some(device) = any.downcast::<Device>() {
            break (Serial::of_files(device), device.constraints);
        }
        current = any.parent();
    };
    match serial {
        _ if !automatic => Ok(Serial::Free),
        Serial::Free => Ok(Serial::Free),
        _ if level.is_passive != is_passive => Err(STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL),
        serial => Ok(serial),
    }
}

/// Returns the device that an object belongs to.
///
/// `STATUS_INVALID_DEVICE_REQUEST` if it belongs to none.
pub(crate) fn device_of(object: Any) -> Result<Ref<Device>, NTSTATUS> {
    let mut current = Some(object);
    while let Some(any) = current {
        if let Some(device) = any.downcast() {
            return Ok(device);
        }
        current = any.parent();
    }
    Err(STATUS_INVALID_DEVICE_REQUEST)
}
