//! The mistakes.

use crate::{
    nt::{self, Irp},
    services,
};
use core::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
};

/// The first number of a control code that asks for one.
pub const FIRST: u32 = 0x20;

/// The mistakes of loading and unloading.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Well,
    /// The entry point fails.
    Fails,
    /// There is no unload routine.
    NoUnload,
    /// The entry point does not return.
    Hangs,
    /// The entry point fails, and leaves an allocation.
    FailsAndLeaks,
}

impl Mode {
    pub const fn of(value: u32) -> Self {
        match value {
            1 => Self::Fails,
            2 => Self::NoUnload,
            3 => Self::Hangs,
            4 => Self::FailsAndLeaks,
            _ => Self::Well,
        }
    }
}

static KEEPS_TIMER: AtomicBool = AtomicBool::new(false);

/// Whether the driver leaves its periodic timer set when it is unloaded.
pub fn keeps_timer() -> bool {
    KEEPS_TIMER.load(Ordering::Relaxed)
}

/// Makes the mistakes of loading; the status of an entry point that fails.
pub fn on_load(mode: Mode) -> Option<u32> {
    match mode {
        Mode::Fails => Some(nt::UNSUCCESSFUL),
        Mode::FailsAndLeaks => {
            nt::allocate(24);
            Some(nt::UNSUCCESSFUL)
        }
        Mode::Hangs => hang(),
        Mode::Well | Mode::NoUnload => None,
    }
}

/// Makes a mistake by its number, counted from [`FIRST`].
pub fn control(number: u32, device: u64, irp: Irp) -> u32 {
    match number {
        0 => leak(),
        1 => free_twice(),
        2 => touch_paged_memory(),
        3 => {
            irp.complete(nt::SUCCESS, 0);
            nt::IofCompleteRequest(irp.0, 0);
        }
        4 => {
            irp.mark_pending();
            return nt::PENDING;
        }
        5 => hang(),
        6 => dereference_null(),
        7 => drop(black_box(recurse(black_box(1)))),
        8 => wait_for_ever(),
        9 => free_set_timer(),
        10 => drop(nt::KfRaiseIrql(2)),
        11 => nt::KeBugCheckEx(0xDEAD, 1, 2, 3, 4),
        12 => drop(nt::IoAllocateWorkItem(device)),
        13 => leave_thread(),
        14 => KEEPS_TIMER.store(true, Ordering::Relaxed),
        15 => drop(irp.complete(nt::SUCCESS, 0)),
        16 => drop(black_box(frame_larger_than_the_stack(black_box(1)))),
        17 => touch_user_memory(irp.user_buffer()),
        _ => return irp.complete(nt::INVALID_DEVICE_REQUEST, 0),
    }
    irp.complete(nt::SUCCESS, 0)
}

#[inline(never)]
fn leak() {
    nt::ExAllocatePool2(nt::NONPAGED, 100, u32::from_le_bytes(*b"Leak"));
}

#[inline(never)]
fn free_twice() {
    let block = nt::allocate(32);
    nt::ExFreePool(block);
    nt::ExFreePool(block);
}

#[inline(never)]
fn touch_paged_memory() {
    let block = nt::ExAllocatePool2(nt::PAGED, 64, nt::TAG);
    nt::KfRaiseIrql(2);
    nt::write(block, 1_u32);
}

/// With the IRQL raised, though the page is in.
#[inline(never)]
fn touch_user_memory(address: u64) {
    black_box(nt::read_user::<u8>(address));
    nt::KfRaiseIrql(2);
    black_box(nt::read_user::<u8>(address));
}

#[inline(never)]
fn hang() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

#[inline(never)]
fn dereference_null() {
    nt::write(black_box(0), 1_u32);
}

#[inline(never)]
#[expect(unconditional_recursion, reason = "the stack is to end")]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    frame[(depth % 64) as usize] + recurse(depth + 1)
}

#[inline(never)]
#[expect(clippy::large_stack_arrays, reason = "the mistake itself")]
fn frame_larger_than_the_stack(value: u8) -> u8 {
    let frame = black_box([value; 0x8000]);
    frame[usize::from(value)]
}

#[inline(never)]
fn wait_for_ever() {
    let event = nt::allocate(0x18);
    nt::KeInitializeEvent(event, 0, 0);
    nt::KeWaitForSingleObject(event, 0, 0, 0, 0);
}

#[inline(never)]
fn free_set_timer() {
    let timer = nt::allocate(0x40);
    nt::KeInitializeTimer(timer);
    nt::KeSetTimerEx(timer, nt::milliseconds(1), 0, 0);
    nt::ExFreePool(timer);
}

/// Starts a thread that waits for what never comes.
#[inline(never)]
fn leave_thread() {
    if let Some(thread) = services::start_thread(wait as *const () as u64, 0) {
        nt::ObfDereferenceObject(thread);
    }
}

extern "C" fn wait(_context: u64) {
    wait_for_ever();
}
