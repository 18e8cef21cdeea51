//! The requests of the driver.

use crate::{
    arena::UserArena,
    nt::{Buffer, PoolMemory},
    wdk_types,
    wdm::member,
};
use accessor_matrix::{Arena, Family, RACE, RUN, Race, Request, WDK_TYPES, run, run_race};
use core::mem::offset_of;
use usermode_accessors::NtStatus;
use wdk_sys::{
    IO_STACK_LOCATION, IRP, NTSTATUS, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_INVALID_PARAMETER, ULONG,
};
use zerocopy::IntoBytes;

pub const DEVICE: &str = r"\Device\AccessorMatrix";
#[cfg(not(feature = "umaccess"))]
pub use accessor_matrix::DEVICE as LINK;
#[cfg(feature = "umaccess")]
pub use accessor_matrix::UMACCESS_DEVICE as LINK;

/// Serves a control request. Returns the length of the response.
pub fn serve(irp: *mut IRP, stack: *mut IO_STACK_LOCATION) -> Result<usize, NTSTATUS> {
    let code: ULONG = member(
        stack,
        offset_of!(IO_STACK_LOCATION, Parameters.DeviceIoControl.IoControlCode),
    );
    let mut buffer = Buffer::of(irp, stack);
    let request: Request = buffer.request().ok_or(STATUS_INVALID_PARAMETER)?;
    let arena = UserArena::of(&request).ok_or(STATUS_INVALID_PARAMETER)?;
    let mut kernel = PoolMemory::allocate().ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
    let responded = match code {
        RUN => {
            let family = Family::from_number(request.number).ok_or(STATUS_INVALID_PARAMETER)?;
            buffer.respond(run(family, &arena, kernel.get()).as_bytes())
        }
        RACE => {
            let race = Race::from_number(request.number).ok_or(STATUS_INVALID_PARAMETER)?;
            buffer.respond(run_race(race, &arena, kernel.get()).as_bytes())
        }
        WDK_TYPES => {
            let members = wdk_types::convert(arena.base())
                .map_err(|fault| NTSTATUS::from(NtStatus::from(fault)))?;
            buffer.respond(members.as_bytes())
        }
        _ => return Err(STATUS_INVALID_DEVICE_REQUEST),
    };
    responded.ok_or(STATUS_INVALID_PARAMETER)
}
