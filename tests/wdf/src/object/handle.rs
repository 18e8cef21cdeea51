//! Handles, which a driver has instead of pointers.
//!
//! A handle has the number of a slot in a table and the generation of the slot. It is a
//! non-canonical address, so that a driver that uses it as a pointer faults. A stale handle is
//! recognised without an access to freed memory.

use super::{Any, Class, Header, Kind, Ref};
use crate::nt::{lock::SpinLock, pool};
use core::{
    ffi::c_void,
    ptr::{NonNull, null_mut},
    sync::atomic::{AtomicPtr, AtomicU8, AtomicUsize, Ordering},
};

/// Bits 63 to 48 of every handle: "WD".
const MARK: usize = 0x5744;
const MARK_SHIFT: u32 = 48;
const GENERATION_SHIFT: u32 = 24;
const GENERATION_MASK: usize = 0x00FF_FFFF;
/// The low bits stay zero, as in the handles of the object manager.
const SLOT_SHIFT: u32 = 4;
const SLOT_MASK: usize = 0x000F_FFFF;

const CHUNK: usize = 256;
const CHUNKS: usize = 64;

/// "No slot", in the list of free ones.
const NONE: usize = usize::MAX;

/// A place for one object.
struct Slot {
    object: AtomicPtr<Header>,
    /// The number of objects that have used the slot; a handle has that of its own object.
    generation: AtomicUsize,
    /// The kind of the object that uses the slot, or used it last.
    kind: AtomicU8,
    next_free: AtomicUsize,
}

type Chunk = [Slot; CHUNK];

/// The table grows by chunks, which do not move until [`free_all`].
static TABLE: [AtomicPtr<Chunk>; CHUNKS] = [const { AtomicPtr::new(null_mut()) }; CHUNKS];

/// The first free slot. The lock guards the list of free slots and the growth of the table.
static FREE: SpinLock<usize> = SpinLock::new(NONE);

/// The meaning of a value that was passed as a handle.
pub(crate) enum Lookup {
    /// The handle of this object.
    Live(Any),
    /// The handle of an object of this kind that no longer exists.
    Stale(Kind),
    /// The value was never a handle.
    Unknown,
}

fn slot(index: usize) -> Option<&'static Slot> {
    let chunk = TABLE.get(index / CHUNK)?.load(Ordering::Acquire);
    // SAFETY: a chunk in the table is initialised and stays until no driver is bound.
    let chunk = unsafe { chunk.as_ref() }?;
    chunk.get(index % CHUNK)
}

const fn encode(index: usize, generation: usize) -> *mut c_void {
    let value = MARK << MARK_SHIFT
        | (generation & GENERATION_MASK) << GENERATION_SHIFT
        | index << SLOT_SHIFT;
    core::ptr::without_provenance_mut(value)
}

/// Adds a chunk. `None` if memory runs out or the table is full.
fn grow(free: &mut usize) -> Option<()> {
    let (position, place) = TABLE
        .iter()
        .enumerate()
        .find(|(_, place)| place.load(Ordering::Acquire).is_null())?;
    let first = position * CHUNK;
    let chunk = pool::allocate_zeroed(size_of::<Chunk>())?.cast::<Chunk>();
    // SAFETY: just allocated for a chunk; zeroes are valid in it: no objects, no next slots.
    for (slot, index) in unsafe { chunk.as_ref() }.iter().zip(first..) {
        let next = if (index + 1).is_multiple_of(CHUNK) {
            NONE
        } else {
            index + 1
        };
        slot.next_free.store(next, Ordering::Relaxed);
    }
    place.store(chunk.as_ptr(), Ordering::Release);
    *free = first;
    Some(())
}

/// Makes a handle for an object. `None` if memory runs out.
pub(super) fn insert(object: Any, kind: Kind) -> Option<*mut c_void> {
    let mut free = FREE.lock();
    if *free == NONE {
        grow(&mut free)?;
    }
    let index = *free;
    let slot = slot(index)?;
    *free = slot.next_free.load(Ordering::Relaxed);
    drop(free);

    let generation = slot.generation.fetch_add(1, Ordering::Relaxed) + 1;
    slot.kind.store(kind as u8, Ordering::Relaxed);
    slot.object.store(object.as_ptr(), Ordering::Release);
    Some(encode(index, generation))
}

/// Makes a handle stale.
pub(super) fn remove(handle: *mut c_void) {
    let index = index_of(handle);
    let Some(slot) = slot(index) else { return };
    slot.object.store(null_mut(), Ordering::Release);
    let mut free = FREE.lock();
    slot.next_free.store(*free, Ordering::Relaxed);
    *free = index;
}

fn index_of(handle: *mut c_void) -> usize {
    (handle.addr() >> SLOT_SHIFT) & SLOT_MASK
}

/// Looks up a value that a driver passed.
pub(crate) fn look_up(handle: *mut c_void) -> Lookup {
    let generation = (handle.addr() >> GENERATION_SHIFT) & GENERATION_MASK;
    let index = index_of(handle);
    if handle != encode(index, generation) {
        return Lookup::Unknown;
    }
    let Some(slot) = slot(index) else {
        return Lookup::Unknown;
    };
    let latest = slot.generation.load(Ordering::Acquire) & GENERATION_MASK;
    if generation == 0 || generation > latest {
        return Lookup::Unknown;
    }
    let object = slot.object.load(Ordering::Acquire);
    match NonNull::new(object) {
        // SAFETY: a slot holds an object until the object is freed, which removes it first.
        Some(object) if generation == latest => Lookup::Live(unsafe { Any::new(object) }),
        _ => Lookup::Stale(Kind::from_number(slot.kind.load(Ordering::Relaxed))),
    }
}

/// Returns the object of a handle, if there is one and it is of the class.
pub(crate) fn find<T: Class>(handle: *mut c_void) -> Option<Ref<T>> {
    match look_up(handle) {
        Lookup::Live(object) => object.downcast(),
        Lookup::Stale(_) | Lookup::Unknown => None,
    }
}

/// Calls a function with every object.
pub(crate) fn for_each(mut function: impl FnMut(Any)) {
    for index in 0..CHUNKS * CHUNK {
        let Some(slot) = slot(index) else { return };
        if let Some(object) = NonNull::new(slot.object.load(Ordering::Acquire)) {
            // SAFETY: a slot holds an object until the object is freed, which removes it first.
            function(unsafe { Any::new(object) });
        }
    }
}

/// Frees the table, when no driver is bound and no object is left.
pub(crate) fn free_all() {
    let mut free = FREE.lock();
    *free = NONE;
    drop(free);
    for place in &TABLE {
        if let Some(chunk) = NonNull::new(place.swap(null_mut(), Ordering::AcqRel)) {
            // SAFETY: `grow` put the chunk here, and no driver is left to look anything up.
            unsafe { pool::free(chunk.cast(), pool::TAG) };
        }
    }
}
