//! The other processors, and the interrupts between them.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::global::Global;
use crate::memory::paging::bits;
use crate::memory::{PAGE, kernel_space, phys, system};
use crate::processor::MOST;
use crate::{cpu, descriptors, interference, options, parallel, raw};

/// The interrupt by which one processor asks the others to drop a translation.
pub(crate) const SHOOTDOWN_VECTOR: u32 = 0xE1;
/// The interrupt that ends the other processors' sleep.
pub(crate) const WAKE_VECTOR: u32 = 0xE2;
/// The interrupt of each processor's timer.
pub(crate) const TIMER_VECTOR: u32 = 0xE3;
/// The interrupt that has the other processors take part in a call on all of them.
pub(crate) const BROADCAST_VECTOR: u32 = 0xE4;
/// The vector of spurious interrupts of the local APIC.
pub(crate) const SPURIOUS_VECTOR: u32 = 0xFF;

/// The local APIC's registers in physical memory: I/O space of every PC.
pub(crate) const APIC: u64 = 0xFEE0_0000;
const END_OF_INTERRUPT: u64 = 0xB0;
const SPURIOUS: u64 = 0xF0;
const COMMAND: u64 = 0x300;
const DESTINATION: u64 = 0x310;
const TIMER: u64 = 0x320;
const TIMER_COUNT: u64 = 0x380;
const TIMER_DIVISOR: u64 = 0x3E0;

const DIVIDE_BY_ONE: u32 = 0b1011;
/// Ticks of the timer, nanoseconds on QEMU.
const REST: u32 = 200_000;
const ENABLE: u32 = 1 << 8;
const ALL_BUT_SELF: u32 = 0b11 << 18;
const ASSERT: u32 = 1 << 14;
const INIT: u32 = 0b101 << 8;
const START_UP: u32 = 0b110 << 8;
const BUSY: u32 = 1 << 12;

/// The address of the copy of `boot.s`.
const TRAMPOLINE: u64 = 0x8000;

static APIC_ADDRESS: AtomicU64 = AtomicU64::new(0);
static RUNNING: AtomicU64 = AtomicU64::new(1);
/// The processor that is being started.
static STARTING: AtomicUsize = AtomicUsize::new(0);
static STACKS: Global<[[u64; STACK_WORDS]; MOST]> = Global::new([[0; STACK_WORDS]; MOST]);

const STACK_WORDS: usize = 4096;

unsafe extern "C" {
    static ap_begin: u8;
    static ap_end: u8;
    static mut boot_stack: u64;
    static mut boot_target: u64;
}

/// Returns the system address of the local APIC.
pub(crate) fn apic_address() -> u64 {
    APIC_ADDRESS.load(Ordering::Relaxed)
}

fn read(register: u64) -> u32 {
    raw::read_volatile(apic_address() + register)
}

fn write(register: u64, value: u32) {
    raw::write_volatile(apic_address() + register, value);
}

/// Returns the number of running processors.
pub(crate) fn running() -> u64 {
    RUNNING.load(Ordering::Acquire)
}

fn send(command: u32) {
    write(COMMAND, ASSERT | command);
    while read(COMMAND) & BUSY != 0 {
        core::hint::spin_loop();
    }
}

/// Asks the other processors to drop the translation that [`interference`] has changed.
pub(crate) fn send_shootdown() {
    send(ALL_BUT_SELF | SHOOTDOWN_VECTOR);
}

/// Has the other processors take part in a call on all of them.
pub(crate) fn send_broadcast() {
    send(ALL_BUT_SELF | BROADCAST_VECTOR);
}

/// Wakes the other processors.
pub(crate) fn wake_others() {
    send(ALL_BUT_SELF | WAKE_VECTOR);
}

/// Sleeps for a number of ticks of the timer (0: for ever), or until another interrupt. Interrupts
/// are off before and after.
pub(crate) fn sleep_for(ticks: u32) {
    write(TIMER_DIVISOR, DIVIDE_BY_ONE);
    write(TIMER, TIMER_VECTOR);
    write(TIMER_COUNT, ticks);
    cpu::sleep();
}

/// Sleeps for a fraction of a millisecond, which leaves the processor to the host. Interrupts are
/// on before and after.
pub(crate) fn rest() {
    cpu::disable_interrupts();
    sleep_for(REST);
    cpu::enable_interrupts();
}

pub(crate) fn end_of_interrupt() {
    write(END_OF_INTERRUPT, 0);
}

fn pause(rounds: u32) {
    for _ in 0..rounds {
        core::hint::spin_loop();
    }
}

/// Starts the other processors, one after the other. QEMU numbers the local APICs of the cores of one
/// socket in order, from the first processor's 0. Source: Intel SDM volume 3, "MP Initialization".
pub(crate) fn start() {
    // Mask the old interrupt controllers.
    cpu::out8(0x21, 0xFF);
    cpu::out8(0xA1, 0xFF);
    let flags = bits::KERNEL_DATA | bits::UNCACHED;
    let Some(address) = system::map(1, flags, |_| APIC) else {
        panic!("memory ran out at start")
    };
    APIC_ADDRESS.store(address, Ordering::Relaxed);
    write(SPURIOUS, ENABLE | SPURIOUS_VECTOR);

    let begin = &raw const ap_begin as u64;
    let length = &raw const ap_end as u64 - begin;
    assert!(length <= PAGE);
    raw::copy(phys::linear(begin), phys::linear(TRAMPOLINE), length);
    raw::write(
        phys::linear(&raw const boot_target as u64),
        ap_main as *const () as u64,
    );
    for number in 1..options::get().processors {
        let top = STACKS.address() + (number + 1) * size_of::<[u64; STACK_WORDS]>() as u64;
        raw::write(phys::linear(&raw const boot_stack as u64), top);
        STARTING.store(number as usize, Ordering::Release);
        write(DESTINATION, (number as u32) << 24);
        send(INIT);
        pause(10_000);
        send(START_UP | (TRAMPOLINE / PAGE) as u32);
        // A busy host may take long. It has a time limit of its own.
        while running() <= number {
            core::hint::spin_loop();
        }
    }
}

extern "C" fn ap_main() -> ! {
    kernel_space::system().activate();
    kernel_space::protect_supervisor();
    let number = STARTING.load(Ordering::Acquire);
    descriptors::load(number);
    write(SPURIOUS, ENABLE | SPURIOUS_VECTOR);
    RUNNING.store(number as u64 + 1, Ordering::Release);
    if number == interference::PROCESSOR {
        interference::run()
    }
    loop {
        parallel::stand_by();
        cpu::sleep();
    }
}
