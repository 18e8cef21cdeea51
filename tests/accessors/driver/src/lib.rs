//! A driver that runs the matrix of accessors in ring 0.
//!
//! It has one device and two requests: run a family, or a race, in the arena at an address of the
//! caller, and return the result. The host that sends the request has arranged the pages.

#![no_std]
#![allow(
    clippy::redundant_pub_crate,
    reason = "unreachable_pub requires what it forbids"
)]

mod arena;
mod nt;

use accessor_matrix::{Family, RACE, RUN, Race, Request, run, run_race};
use arena::UserArena;
use core::panic::PanicInfo;
use nt::{Buffer, PoolMemory};
use wdk_sys::{
    NTSTATUS, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_INVALID_PARAMETER,
};
use zerocopy::IntoBytes;

/// Serves a request. Returns the length of the response.
fn serve(code: u32, buffer: &mut Buffer) -> Result<usize, NTSTATUS> {
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
        _ => return Err(STATUS_INVALID_DEVICE_REQUEST),
    };
    responded.ok_or(STATUS_INVALID_PARAMETER)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    nt::stop(info)
}
