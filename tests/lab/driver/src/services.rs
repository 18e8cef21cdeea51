//! Requests that use what the lab provides.

use crate::{
    nt::{self, Irp, Place, address_of, milliseconds},
    strings,
};
use core::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
};

/// Bytes that a write keeps for the next read.
const KEPT: u64 = 256;

/// What the driver has allocated, each one block of nonpaged pool.
static BUFFER: AtomicU64 = AtomicU64::new(0);
static LENGTH: AtomicU64 = AtomicU64::new(0);
static TIMER: AtomicU64 = AtomicU64::new(0);
/// How often the periodic timer has expired.
static TICKS: AtomicU64 = AtomicU64::new(0);

/// Where in the block of a timer its DPC is, the request that it completes, and the length of all.
const DPC: u64 = 0x40;
const REQUEST: u64 = 0x80;
const BLOCK: u64 = 0x90;

/// Allocates what the requests use.
pub fn start() {
    BUFFER.store(nt::allocate(KEPT), Ordering::Relaxed);
    let timer = nt::allocate(BLOCK);
    nt::KeInitializeTimer(timer);
    nt::KeInitializeDpc(timer + DPC, tick as *const () as u64, 0);
    TIMER.store(timer, Ordering::Relaxed);
}

/// Frees it. A periodic timer that runs is stopped, unless that is the mistake.
pub fn stop() {
    let timer = TIMER.load(Ordering::Relaxed);
    if !crate::mistakes::keeps_timer() {
        nt::KeCancelTimer(timer);
        nt::ExFreePool(timer);
    }
    nt::ExFreePool(BUFFER.load(Ordering::Relaxed));
}

/// Returns what the last write has kept.
pub fn read(irp: Irp) -> u32 {
    let length = irp.length().min(LENGTH.load(Ordering::Relaxed));
    nt::copy(BUFFER.load(Ordering::Relaxed), irp.system_buffer(), length);
    irp.complete(nt::SUCCESS, length)
}

/// Keeps what is written, up to [`KEPT`] bytes.
pub fn write(irp: Irp) -> u32 {
    let length = irp.length().min(KEPT);
    nt::copy(irp.system_buffer(), BUFFER.load(Ordering::Relaxed), length);
    LENGTH.store(length, Ordering::Relaxed);
    irp.complete(nt::SUCCESS, length)
}

/// Serves a device control request by its number.
pub fn control(number: u32, device: u64, irp: Irp) -> u32 {
    match number {
        0 => echo(irp),
        1 => after_timer(irp),
        2 => by_work_item(device, irp),
        3 => by_thread(irp),
        4 => {
            let timer = TIMER.load(Ordering::Relaxed);
            nt::KeSetTimerEx(timer, milliseconds(10), 10, timer + DPC);
            irp.complete(nt::SUCCESS, 0)
        }
        5 => output(irp, TICKS.load(Ordering::Relaxed)),
        6 => by_file(irp),
        7 => output(irp, wait_for_several()),
        8 => strings::control(irp),
        9 => output(irp, frame_of_pages(irp.length())),
        _ => irp.complete(nt::INVALID_DEVICE_REQUEST, 0),
    }
}

/// Returns a number, or an array of numbers.
pub fn output<T: Copy>(irp: Irp, value: T) -> u32 {
    let length = size_of::<T>() as u64;
    if irp.length() < length {
        return irp.complete(nt::BUFFER_TOO_SMALL, 0);
    }
    nt::write(irp.system_buffer(), value);
    irp.complete(nt::SUCCESS, length)
}

/// Returns the input, by any method but `METHOD_NEITHER`.
fn echo(irp: Irp) -> u32 {
    let length = irp.length().min(irp.input_length());
    match irp.code() & 3 {
        0 => irp.complete(nt::SUCCESS, length),
        // The other direction's buffer is input, too.
        1 => irp.complete(nt::SUCCESS, 0),
        2 if length == 0 => irp.complete(nt::SUCCESS, 0),
        2 => {
            nt::copy(irp.system_buffer(), irp.direct_buffer(), length);
            irp.complete(nt::SUCCESS, length)
        }
        _ => irp.complete(nt::INVALID_DEVICE_REQUEST, 0),
    }
}

extern "C" fn tick(_dpc: u64, _context: u64, _one: u64, _two: u64) {
    TICKS.fetch_add(1, Ordering::Relaxed);
}

/// Completes the request a second later, in a deferred procedure call.
fn after_timer(irp: Irp) -> u32 {
    let block = nt::allocate(BLOCK);
    if block == 0 {
        return irp.complete(nt::INSUFFICIENT_RESOURCES, 0);
    }
    irp.mark_pending();
    nt::write(block + REQUEST, irp.0);
    nt::KeInitializeTimer(block);
    nt::KeInitializeDpc(block + DPC, complete_later as *const () as u64, block);
    nt::KeSetTimerEx(block, milliseconds(1000), 0, block + DPC);
    nt::PENDING
}

extern "C" fn complete_later(_dpc: u64, block: u64, _one: u64, _two: u64) {
    Irp(nt::read(block + REQUEST)).complete(nt::SUCCESS, 0);
    nt::ExFreePool(block);
}

/// Completes the request in a work item.
fn by_work_item(device: u64, irp: Irp) -> u32 {
    let item = nt::IoAllocateWorkItem(device);
    irp.mark_pending();
    let context = nt::allocate(16);
    nt::write(context, [item, irp.0]);
    nt::IoQueueWorkItem(item, work as *const () as u64, 1, context);
    nt::PENDING
}

extern "C" fn work(_device: u64, context: u64) {
    let [item, irp] = nt::read::<[u64; 2]>(context);
    nt::IoFreeWorkItem(item);
    nt::ExFreePool(context);
    Irp(irp).complete(nt::SUCCESS, 0);
}

/// The event that a thread waits for, what it counts, its object.
const EVENT: u64 = 0x00;
const COUNT: u64 = 0x20;

/// Starts a thread that waits, tells it to end, waits for it, and returns what it has counted.
fn by_thread(irp: Irp) -> u32 {
    let shared = nt::allocate(0x40);
    nt::KeInitializeEvent(shared + EVENT, 1, 0);
    let Some(thread) = start_thread(run as *const () as u64, shared) else {
        nt::ExFreePool(shared);
        return irp.complete(nt::INSUFFICIENT_RESOURCES, 0);
    };
    let interval = milliseconds(35);
    nt::KeDelayExecutionThread(0, 0, address_of(&interval));
    nt::KeSetEvent(shared + EVENT, 0, 0);
    nt::KeWaitForSingleObject(thread, 0, 0, 0, 0);
    nt::ObfDereferenceObject(thread);
    let count: u64 = nt::read(shared + COUNT);
    nt::ExFreePool(shared);
    output(irp, count)
}

/// `THREAD_ALL_ACCESS`.
const ALL: u32 = 0x1F_FFFF;

/// Starts a thread and returns its object, with a reference.
pub fn start_thread(routine: u64, context: u64) -> Option<u64> {
    let (handle, object) = (Place::of(0_u64), Place::of(0_u64));
    let attributes = nt::Attributes::of(0, 0);
    let started = nt::PsCreateSystemThread(
        handle.address(),
        ALL,
        address_of(&attributes),
        0,
        0,
        routine,
        context,
    );
    if started != nt::SUCCESS {
        return None;
    }
    nt::ObReferenceObjectByHandle(handle.get(), ALL, 0, 0, object.address(), 0);
    nt::ZwClose(handle.get());
    Some(object.get())
}

/// Waits for any and for all of two events that one wait resets. Returns the statuses.
fn wait_for_several() -> [u32; 6] {
    const ALL: u32 = 0;
    const ANY: u32 = 1;
    let block = nt::allocate(0x40);
    let events = [block, block + 0x20];
    for event in events {
        nt::KeInitializeEvent(event, 1, 0);
    }
    let set = |event| {
        nt::KeSetEvent(event, 0, 0);
    };
    let wait = |kind| {
        let timeout = milliseconds(10);
        let (objects, timeout) = (address_of(&events), address_of(&timeout));
        nt::KeWaitForMultipleObjects(2, objects, kind, 0, 0, 0, timeout, 0)
    };
    let none = wait(ANY);
    set(events[1]);
    let second = wait(ANY);
    set(events[0]);
    let [not_all, first] = [wait(ALL), wait(ANY)];
    events.into_iter().for_each(set);
    let [both, nothing_left] = [wait(ALL), wait(ANY)];
    nt::ExFreePool(block);
    [none, second, not_all, first, both, nothing_left]
}

/// Sums up a frame of several pages, whose pages `__chkstk` touches in turn.
#[inline(never)]
fn frame_of_pages(value: u64) -> u64 {
    let frame = [value; 3 * 512];
    black_box(&frame).iter().sum()
}

/// The members of `FILE_INFORMATION_CLASS` with the length, with the position, and with the deletion.
const STANDARD: u32 = 5;
const POSITION: u32 = 14;
const DISPOSITION: u32 = 13;

/// Writes the input to a file, reads it from its second byte on, deletes the file, and returns what was
/// read; or the first status that is no success.
fn by_file(irp: Irp) -> u32 {
    match through_file(irp) {
        Ok(length) => irp.complete(nt::SUCCESS, length),
        Err(status) => irp.complete(status, 0),
    }
}

/// The status of a call as a result.
pub const fn checked(status: u32) -> Result<(), u32> {
    match status {
        nt::SUCCESS => Ok(()),
        status => Err(status),
    }
}

fn through_file(irp: Irp) -> Result<u64, u32> {
    let name = nt::Text::of(nt::units!(br"\??\C:\Temp\lab-test.txt"));
    let attributes = nt::Attributes::of(0, address_of(&name));
    let (handle, block) = (Place::of(0_u64), Place::of([0_u64; 2]));
    // GENERIC_READ, GENERIC_WRITE, DELETE and SYNCHRONIZE; FILE_CREATE;
    // FILE_SYNCHRONOUS_IO_NONALERT and FILE_NON_DIRECTORY_FILE.
    checked(nt::ZwCreateFile(
        handle.address(),
        0xC011_0000,
        address_of(&attributes),
        block.address(),
        0,
        0x80,
        0,
        2,
        0x60,
        0,
        0,
    ))?;
    let read = through_handle(irp, handle.get(), &block);
    checked(nt::ZwClose(handle.get()))?;
    read
}

fn through_handle(irp: Irp, handle: u64, block: &Place<[u64; 2]>) -> Result<u64, u32> {
    let (buffer, block) = (irp.system_buffer(), block.address());
    let length = irp.input_length() as u32;
    checked(nt::ZwWriteFile(
        handle, 0, 0, 0, block, buffer, length, 0, 0,
    ))?;
    let (standard, position, deletes) = (Place::of([0_u64; 3]), Place::of(1_u64), Place::of(1_u8));
    let information = standard.address();
    checked(nt::ZwQueryInformationFile(
        handle,
        block,
        information,
        24,
        STANDARD,
    ))?;
    let [_, size, _] = standard.get();
    if size != u64::from(length) {
        return Err(nt::UNSUCCESSFUL);
    }
    let information = position.address();
    checked(nt::ZwSetInformationFile(
        handle,
        block,
        information,
        8,
        POSITION,
    ))?;
    let length = irp.length() as u32;
    checked(nt::ZwReadFile(handle, 0, 0, 0, block, buffer, length, 0, 0))?;
    let [_, read] = nt::read::<[u64; 2]>(block);
    let information = deletes.address();
    checked(nt::ZwSetInformationFile(
        handle,
        block,
        information,
        1,
        DISPOSITION,
    ))?;
    Ok(read)
}

/// Counts waits of ten milliseconds, until the event is set.
extern "C" fn run(shared: u64) {
    let interval = milliseconds(10);
    while nt::KeWaitForSingleObject(shared + EVENT, 0, 0, 0, address_of(&interval)) != nt::SUCCESS {
        nt::write(shared + COUNT, nt::read::<u64>(shared + COUNT) + 1);
    }
    nt::PsTerminateSystemThread(nt::SUCCESS);
}
