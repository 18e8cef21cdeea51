//! A routine of a driver's on every processor at once, and which translations it drops.
//!
//! A processor may remember a translation that is no longer in the tables, and so may one that never
//! used it: it may have walked there by speculation. Before the routine runs, the lab has each
//! processor remember a translation of every page of mapping addresses that is not in use; after
//! it, the lab looks whether the processor still does. Pages may be given back once every processor
//! has forgotten them. That a driver maps into a page again after that is not seen.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::global::Global;
use crate::memory::paging::{Tables, bits};
use crate::memory::{frames, phys};
use crate::{call, cpu, irql, processor, raw, reserved, smp};

/// `IPI_LEVEL` of x64.
pub(crate) const IPI_LEVEL: u8 = 14;

/// A page of mapping addresses.
struct Page {
    address: u64,
    /// Where its entry is in physical memory.
    entry: u64,
    /// Processors that remembered it and no longer do, a bit each.
    forgotten: u64,
    /// Whether this processor was made to remember it.
    planted: bool,
}

/// The pages under test, and two frames to tell apart what a processor remembers.
struct Trial {
    pages: Vec<Page>,
    remembered: u64,
    current: u64,
}

static TRIAL: Global<Option<Trial>> = Global::new(None);
/// Held by the processor that calls: its number plus one.
static CALLER: AtomicU64 = AtomicU64::new(0);
static ROUTINE: AtomicU64 = AtomicU64::new(0);
static CONTEXT: AtomicU64 = AtomicU64::new(0);
/// Processors that have come to a barrier, over all barriers of one call.
static ARRIVED: AtomicU64 = AtomicU64::new(0);

/// Runs a routine on every processor; returns what it returns on this one. `None` if there is no
/// memory for the trial.
pub(crate) fn run(routine: u64, context: u64) -> Option<u64> {
    let own = processor::number() as u64 + 1;
    while CALLER
        .compare_exchange(0, own, Ordering::AcqRel, Ordering::Relaxed)
        .is_err()
    {
        core::hint::spin_loop();
    }
    let frames = frames::allocate_many(2)?;
    for &frame in &frames {
        raw::write(phys::linear(frame), frame);
    }
    let pages = reserved::mapping_pages()
        .into_iter()
        .filter_map(|address| {
            Some(Page {
                address,
                entry: Tables::current().entry_of(address)?,
                forgotten: 0,
                planted: false,
            })
        })
        .collect();
    TRIAL.with(|trial| {
        *trial = Some(Trial {
            pages,
            remembered: frames[0],
            current: frames[1],
        });
    });
    ROUTINE.store(routine, Ordering::Relaxed);
    CONTEXT.store(context, Ordering::Relaxed);
    ARRIVED.store(0, Ordering::Release);
    if smp::running() > 1 {
        smp::send_broadcast();
    }
    let result = take_part();
    let trial = TRIAL.with(Option::take);
    for page in trial.into_iter().flat_map(|trial| trial.pages) {
        reserved::set_forgotten(page.address, page.forgotten);
    }
    frames.into_iter().for_each(frames::free);
    CALLER.store(0, Ordering::Release);
    Some(result)
}

/// Comes to the `number`th barrier, and waits for all others. Interrupts stay as they are: a
/// processor that waits with interrupts off for this one is served first.
fn barrier(number: u64) {
    ARRIVED.fetch_add(1, Ordering::AcqRel);
    while ARRIVED.load(Ordering::Acquire) < number * smp::running() {
        core::hint::spin_loop();
    }
}

/// The part of one processor.
fn take_part() -> u64 {
    barrier(1);
    let level = irql::current();
    irql::set(IPI_LEVEL);
    with_trial(Trial::remember);
    barrier(2);
    let result = call::plain(
        ROUTINE.load(Ordering::Relaxed),
        [CONTEXT.load(Ordering::Relaxed), 0, 0, 0],
    );
    with_trial(Trial::look);
    barrier(3);
    irql::set(level);
    result
}

/// The interrupt on the other processors. Interrupts are off.
pub(crate) fn interrupted() {
    take_part();
    smp::end_of_interrupt();
}

fn with_trial(body: fn(&mut Trial)) {
    TRIAL.with(|trial| trial.iter_mut().for_each(body));
}

impl Trial {
    /// Has this processor remember a translation of each page that is not in use. All processors
    /// stand still.
    fn remember(&mut self) {
        for page in &mut self.pages {
            page.planted = phys::read_entry(page.entry) == 0;
            if page.planted {
                cpu::invalidate_page(page.address);
                phys::write_entry(page.entry, self.remembered | bits::KERNEL_DATA);
                let _: u64 = raw::read_volatile(page.address);
                phys::write_entry(page.entry, 0);
            }
        }
    }

    /// Looks which of them it still has, and makes it forget those.
    fn look(&mut self) {
        for page in self.pages.iter_mut().filter(|page| page.planted) {
            phys::write_entry(page.entry, self.current | bits::KERNEL_DATA);
            let seen: u64 = raw::read_volatile(page.address);
            page.forgotten |= u64::from(seen == self.current) << processor::number();
            phys::write_entry(page.entry, 0);
            cpu::invalidate_page(page.address);
        }
    }
}

/// Processors, a bit each.
pub(crate) fn everyone() -> u64 {
    (1 << smp::running()) - 1
}

const _: () = assert!(processor::MOST < 64);
