//! The I/O manager: sends requests to drivers and completes them.
//!
//! Source: "Handling IRPs", Windows driver documentation, and the rules that Driver Verifier's I/O
//! verification checks.

pub(crate) mod cancel;
pub(crate) mod completion;
pub(crate) mod control;
pub(crate) mod irp;
pub(crate) mod mdl;
pub(crate) mod read_write;

use crate::bugcheck::rule_broken;
use crate::nt::layout::{
    DeviceObject, DriverObject, Irp, StackLocation, Structure, location_control,
};
use crate::object::handle::{self, Handle, Table};
use crate::object::{self, Kind, process};
use crate::serial::say;
use crate::{call, cpu, images, irql, options, parallel, pnp, raw, steps};
use nt_status::NtStatus;

/// `KernelMode`.
pub(crate) const KERNEL_MODE: u8 = 0;
/// `UserMode`.
pub(crate) const USER_MODE: u8 = 1;

/// The result of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completion {
    pub(crate) status: NtStatus,
    pub(crate) information: u64,
    /// From the call of the driver to its return: ticks of the time-stamp counter or, in a lab that
    /// counts them, the instructions of the driver's own image.
    pub(crate) ticks: u64,
}

/// Finds the handle of the current process to a device's file, with a reference to the file object, which
/// the caller releases.
fn referenced_file(value: u64) -> Result<Handle, NtStatus> {
    let table = Table::Process(process::current_id());
    let handle = handle::find_referenced(table, value).ok_or(NtStatus::INVALID_HANDLE)?;
    if object::kind_of(handle.object) != Some(Kind::File) {
        object::dereference(handle.object);
        return Err(NtStatus::OBJECT_TYPE_MISMATCH);
    }
    Ok(handle)
}

/// Returns the dispatch routine of a driver for a major function.
fn dispatch_routine(device: DeviceObject, function: u8) -> u64 {
    let driver = DriverObject(device.get(DeviceObject::DRIVER_OBJECT));
    raw::read(driver.place(DriverObject::MAJOR_FUNCTION) + u64::from(function) * 8)
}

/// Makes the next stack location the current one and calls the driver: `IoCallDriver`.
pub(crate) fn call_driver(device: DeviceObject, request: Irp) -> NtStatus {
    let location = irp::advance(request, device);
    let function = location.get(StackLocation::MAJOR_FUNCTION);
    let routine = dispatch_routine(device, function);
    if routine == invalid_device_request as *const () as u64 {
        return invalid_device_request(device.0, request.0);
    }
    if pnp::is_bus_dispatch(routine) {
        return pnp::bus_dispatch(device.0, request.0);
    }
    let what = irp::function_name(function);
    call::driver_status(what, routine, [device.0, request.0, 0, 0])
}

/// The dispatch routine for functions that a driver does not serve.
pub(crate) extern "win64" fn invalid_device_request(_device: u64, request: u64) -> NtStatus {
    let request = Irp(request);
    request.set(Irp::STATUS, NtStatus::INVALID_DEVICE_REQUEST);
    request.set(Irp::INFORMATION, 0);
    completion::complete(request);
    NtStatus::INVALID_DEVICE_REQUEST
}

/// Sends a request to a driver at `PASSIVE_LEVEL`, the level of all requests of programs.
pub(crate) fn send(request: Irp, device: DeviceObject) -> Completion {
    send_at(irql::PASSIVE_LEVEL, request, device)
}

/// Sends a request to a driver at an IRQL, for a program.
pub(crate) fn send_at(level: u8, request: Irp, device: DeviceObject) -> Completion {
    call::set_system_thread(false);
    let completed = send_and_wait(level, request, device);
    call::set_system_thread(true);
    completed
}

/// Sends a request to a driver at `PASSIVE_LEVEL`, in a thread of the system.
pub(crate) fn send_from_system(request: Irp, device: DeviceObject) -> Completion {
    send_and_wait(irql::PASSIVE_LEVEL, request, device)
}

/// Sends a request to a driver at an IRQL and waits for its end. A request that is pending when the
/// driver returns is completed by another thread, a deferred procedure call, or another processor.
fn send_and_wait(level: u8, request: Irp, device: DeviceObject) -> Completion {
    let sent = Sent::begin(level, request, device);
    let Some(done) = parallel::wait_for(|| completion::take(request)) else {
        rule_broken!(
            RequestCompleted,
            "{} ({}) returned {}, and the request is never completed",
            sent.name,
            sent.routine,
            sent.returned
        );
    };
    sent.end(&done)
}

/// A request whose driver has returned.
pub(crate) struct Sent {
    request: Irp,
    name: &'static str,
    routine: images::Location,
    returned: NtStatus,
    ticks: u64,
}

impl Sent {
    /// Sends a request to a driver at an IRQL.
    pub(crate) fn begin(level: u8, request: Irp, device: DeviceObject) -> Self {
        let function = irp::next_location(request).get(StackLocation::MAJOR_FUNCTION);
        let name = irp::function_name(function);
        if options::get().debug {
            say!("{name} at {:#x}", request.0);
        }
        // A device that is removed is gone afterwards.
        let routine = images::Location(dispatch_routine(device, function));
        irql::set(level);
        let (returned, ticks) = if options::get().steps {
            let driver = DriverObject(device.get(DeviceObject::DRIVER_OBJECT));
            let base = driver.get(DriverObject::DRIVER_START);
            let size = driver.get(DriverObject::DRIVER_SIZE);
            steps::count(base, size.into(), || call_driver(device, request))
        } else {
            let start = cpu::time_stamp();
            let returned = call_driver(device, request);
            (returned, cpu::time_stamp().wrapping_sub(start))
        };
        irql::set(irql::PASSIVE_LEVEL);
        Self {
            request,
            name,
            routine,
            returned,
            ticks,
        }
    }

    /// Returns the results of the request, if it has ended.
    pub(crate) fn take(&self) -> Option<Completion> {
        completion::take(self.request).map(|done| self.end(&done))
    }

    fn end(&self, done: &completion::Done) -> Completion {
        require_consistent(self.name, &self.routine, self.returned, done);
        if options::get().debug {
            let Completion {
                status,
                information,
                ..
            } = done.completed;
            say!("{} ended: {status}, {information} bytes", self.name);
        }
        Completion {
            ticks: self.ticks,
            ..done.completed
        }
    }
}

/// Ends the run if a dispatch routine's status does not go with what became of its request.
pub(crate) fn require_consistent(
    name: &str,
    routine: &images::Location,
    returned: NtStatus,
    done: &completion::Done,
) {
    let what = match (done.marked_pending, returned) {
        (true, NtStatus::PENDING) => return,
        (true, _) => "was marked pending",
        (false, NtStatus::PENDING) => "was not marked pending",
        (false, status) if status == done.driver_status => return,
        (false, _) => "ended in another way",
    };
    rule_broken!(
        PendingReturned,
        "{name} ({routine}) returned {returned} for a request that {what}, with {}",
        done.driver_status
    );
}

/// Whether a stack location asks for a call of its completion routine.
pub(crate) const fn wants_completion(bits: u8, status: NtStatus, cancelled: bool) -> bool {
    let success = status.is_success();
    (success && bits & location_control::INVOKE_ON_SUCCESS != 0)
        || (!success && bits & location_control::INVOKE_ON_ERROR != 0)
        || (cancelled && bits & location_control::INVOKE_ON_CANCEL != 0)
}
