//! Changes a page while a driver uses it, as another thread of the same process can.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ringcopy_lab_mailbox::{Interference, RamState};

use crate::io::cancel;
use crate::memory::paging::bits;
use crate::memory::ranges::{self, Range};
use crate::memory::{PAGE, phys};
use crate::{cpu, irql, parallel, raw, smp};

/// The longest pause between two changes, in ticks of the timer: nanoseconds on QEMU.
const LONGEST_PAUSE: u32 = 100_000;

/// The processor that does it.
pub(crate) const PROCESSOR: usize = 1;

/// The page that changes; 0: none.
static PAGE_ADDRESS: AtomicU64 = AtomicU64::new(0);
static ENTRY: AtomicU64 = AtomicU64::new(0);
static KIND: AtomicU64 = AtomicU64::new(0);
static FLIPPED: AtomicU64 = AtomicU64::new(0);
/// The frames whose bytes are written in turn.
static SOURCES: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
static CHANGES: AtomicU64 = AtomicU64::new(0);
/// Set while the second processor changes the page.
static BUSY: AtomicBool = AtomicBool::new(false);
static ACKNOWLEDGED: AtomicU64 = AtomicU64::new(0);

/// Starts to change a page on the second processor. Its entry is at the physical address `entry`.
/// `flipped` has the bits of the entry to flip, and `frames` the frames whose bytes are written in
/// turn. For cancellation, `address` is any value except 0. For RAM, it is
/// physical, and `entry` is the length.
pub(crate) fn start(address: u64, entry: u64, kind: Interference, flipped: u64, frames: [u64; 2]) {
    parallel::set_running(kind == Interference::Cancel);
    for (source, frame) in SOURCES.iter().zip(frames) {
        source.store(frame, Ordering::Relaxed);
    }
    ENTRY.store(entry, Ordering::Relaxed);
    FLIPPED.store(flipped, Ordering::Relaxed);
    KIND.store(kind as u64, Ordering::Relaxed);
    CHANGES.store(0, Ordering::Relaxed);
    PAGE_ADDRESS.store(address, Ordering::Release);
    smp::wake_others();
}

/// Stops the changes and returns their number. The entry may be left changed.
pub(crate) fn stop() -> u64 {
    // Each side writes its own variable before it reads the other's.
    PAGE_ADDRESS.store(0, Ordering::SeqCst);
    while BUSY.load(Ordering::SeqCst) {
        core::hint::spin_loop();
    }
    parallel::set_running(false);
    CHANGES.load(Ordering::Relaxed)
}

/// The part of the other processors: drops the translation. Interrupts are off.
pub(crate) fn shootdown() {
    cpu::invalidate_page(PAGE_ADDRESS.load(Ordering::Acquire));
    ACKNOWLEDGED.fetch_add(1, Ordering::AcqRel);
    smp::end_of_interrupt();
}

/// The loop of [`PROCESSOR`].
pub(crate) fn run() -> ! {
    // A linear congruential generator is random enough for the length of a pause.
    let mut pause = 1_u64;
    loop {
        BUSY.store(true, Ordering::SeqCst);
        let address = PAGE_ADDRESS.load(Ordering::SeqCst);
        if address == 0 {
            BUSY.store(false, Ordering::Release);
            parallel::stand_by();
            cpu::sleep();
            continue;
        }
        change(address);
        CHANGES.fetch_add(1, Ordering::Relaxed);
        BUSY.store(false, Ordering::Release);
        if KIND.load(Ordering::Relaxed) == Interference::Alternate as u64 {
            continue;
        }
        pause = pause
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // Sleep, so that both states of the page last equally long on a busy host. Otherwise the
        // wait for a shootdown, with the page unmapped, would take most of the time.
        smp::sleep_for(1 + (pause >> 33) as u32 % LONGEST_PAUSE);
    }
}

fn change(address: u64) {
    let kind = Interference::from_wire(KIND.load(Ordering::Relaxed));
    if kind == Some(Interference::Cancel) {
        cancel();
        return;
    }
    let place = ENTRY.load(Ordering::Relaxed);
    let entry = if kind == Some(Interference::Ram) {
        0
    } else {
        phys::read_entry(place)
    };
    match kind {
        Some(Interference::Unmap) => {
            phys::write_entry(place, entry ^ bits::PRESENT);
            if entry & bits::PRESENT != 0 {
                wait_for_shootdown(address);
            }
        }
        Some(Interference::WriteProtect) => {
            phys::write_entry(place, entry ^ bits::WRITE);
            if entry & bits::WRITE != 0 {
                wait_for_shootdown(address);
            }
        }
        Some(Interference::Rewrite) => {
            let page = phys::linear(entry & bits::ADDRESS);
            let byte = raw::read_volatile::<u8>(page).wrapping_add(1);
            for offset in 0..PAGE {
                raw::write_volatile(page + offset, byte);
            }
        }
        Some(Interference::Alternate) => {
            let page = phys::linear(entry & bits::ADDRESS);
            for source in &SOURCES {
                let source = phys::linear(source.load(Ordering::Relaxed));
                for offset in (0..PAGE).step_by(8) {
                    raw::write_volatile(page + offset, raw::read::<u64>(source + offset));
                }
            }
        }
        Some(Interference::Flip) => {
            phys::write_entry(place, entry ^ FLIPPED.load(Ordering::Relaxed));
            wait_for_shootdown(address);
        }
        Some(Interference::Ram) => {
            let end = address + ENTRY.load(Ordering::Relaxed);
            let range = Range {
                start: address,
                end,
            };
            let state = if ranges::is_ram(address) {
                RamState::Absent
            } else {
                RamState::Listed
            };
            ranges::change(range, state);
        }
        Some(Interference::Cancel) | None => {}
    }
}

/// Cancels a request of the first processor on this one. Driver code runs here meanwhile.
fn cancel() {
    parallel::set_at_work(true);
    irql::set(irql::PASSIVE_LEVEL);
    cpu::enable_interrupts();
    cancel::cancel_any();
    cpu::disable_interrupts();
    parallel::set_at_work(false);
}

/// Waits until the other processors have dropped the translation, or the changes are stopped.
fn wait_for_shootdown(address: u64) {
    let before = ACKNOWLEDGED.load(Ordering::Acquire);
    smp::send_shootdown();
    while ACKNOWLEDGED.load(Ordering::Acquire) < before + smp::running() - 1
        && PAGE_ADDRESS.load(Ordering::Acquire) == address
    {
        core::hint::spin_loop();
    }
}
