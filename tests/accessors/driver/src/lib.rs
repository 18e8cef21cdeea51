//! A driver that runs the matrix of accessors in ring 0.
//!
//! One device, two requests: run this family in the arena at this address of yours, or this race,
//! and tell what it came to. The host that sends it has made the caller's pages what they have to
//! be.

#![no_std]
#![allow(
    clippy::redundant_pub_crate,
    reason = "unreachable_pub asks for what it forbids"
)]

mod arena;
mod nt;

use accessor_matrix::{Family, RACE, RUN, Race, Request, run, run_race};
use arena::UserArena;
use core::panic::PanicInfo;
use nt::{Buffer, RoomOfPool};
use wdk_sys::{
    NTSTATUS, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_INVALID_PARAMETER,
};
use zerocopy::IntoBytes;

/// Carries a request out. Returns the bytes of the answer.
fn serve(code: u32, buffer: &mut Buffer) -> Result<usize, NTSTATUS> {
    let request: Request = buffer.request().ok_or(STATUS_INVALID_PARAMETER)?;
    let arena = UserArena::of(&request).ok_or(STATUS_INVALID_PARAMETER)?;
    let mut room = RoomOfPool::allocate().ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
    let answered = match code {
        RUN => {
            let family = Family::from_number(request.number).ok_or(STATUS_INVALID_PARAMETER)?;
            buffer.answer(run(family, &arena, room.get()).as_bytes())
        }
        RACE => {
            let race = Race::from_number(request.number).ok_or(STATUS_INVALID_PARAMETER)?;
            buffer.answer(run_race(race, &arena, room.get()).as_bytes())
        }
        _ => return Err(STATUS_INVALID_DEVICE_REQUEST),
    };
    answered.ok_or(STATUS_INVALID_PARAMETER)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    nt::stop(info)
}
