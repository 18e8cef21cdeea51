//! Context spaces: the driver's own data in an object, one space for each of its types.
//!
//! Source: "Framework Object Context Space", `WdfObjectAllocateContext`.

use super::{Any, attributes::Attributes, life::TREE};
use crate::{callback, nt::pool};
use core::{cell::Cell, ffi::c_void, ptr::NonNull};
use wdk_sys::{
    PFN_WDF_OBJECT_CONTEXT_CLEANUP, PFN_WDF_OBJECT_CONTEXT_DESTROY, WDF_OBJECT_CONTEXT_TYPE_INFO,
};

/// The header before the driver's data.
#[repr(C, align(16))]
pub(crate) struct Context {
    mark: usize,
    object: Any,
    next: Cell<Option<NonNull<Self>>>,
    /// `None` for callbacks that came without a type.
    unique_type: Option<NonNull<WDF_OBJECT_CONTEXT_TYPE_INFO>>,
    cleanup: PFN_WDF_OBJECT_CONTEXT_CLEANUP,
    destroy: PFN_WDF_OBJECT_CONTEXT_DESTROY,
}

/// Identifies a context.
const MARK: usize = usize::from_le_bytes(*b"WDFctxt\0");

const _: () = assert!(align_of::<Context>() <= pool::ALIGNMENT);

/// The contexts of an object, the latest first.
struct Contexts(Option<NonNull<Context>>);

impl Iterator for Contexts {
    type Item = NonNull<Context>;

    fn next(&mut self) -> Option<NonNull<Context>> {
        let current = self.0?;
        self.0 = get(current).next.get();
        Some(current)
    }
}

const fn get<'a>(context: NonNull<Context>) -> &'a Context {
    // SAFETY: contexts are freed with their object alone, whose users hold a reference.
    unsafe { context.as_ref() }
}

/// Returns the address of the driver's data.
const fn data(context: NonNull<Context>) -> *mut c_void {
    context.as_ptr().wrapping_add(1).cast()
}

impl Context {
    /// A zeroed context space with the callbacks of the attributes. `None` if there is no memory.
    pub(super) fn allocate(object: Any, attributes: &Attributes) -> Option<NonNull<Self>> {
        let size = attributes.context.map_or(0, |context| context.size);
        let block = pool::allocate_zeroed(size_of::<Self>().checked_add(size)?)?.cast::<Self>();
        // SAFETY: the block was just allocated for this and the data after it.
        unsafe {
            block.write(Self {
                mark: MARK,
                object,
                next: Cell::new(None),
                unique_type: attributes.context.map(|context| context.unique_type),
                cleanup: attributes.cleanup,
                destroy: attributes.destroy,
            });
        };
        Some(block)
    }

    /// Frees a list of contexts.
    pub(super) fn free_all(contexts: Option<NonNull<Self>>) {
        for context in Contexts(contexts) {
            // SAFETY: `allocate` allocated the block, and its object is gone or was never made.
            // The iterator has already read what it needs of it.
            unsafe { pool::free(context.cast(), pool::TAG) };
        }
    }

    pub(super) fn call_cleanup(contexts: Option<NonNull<Self>>, handle: *mut c_void) {
        for context in Contexts(contexts) {
            callback::call!(get(context).cleanup, "EvtCleanupCallback", handle);
        }
    }

    pub(super) fn call_destroy(contexts: Option<NonNull<Self>>, handle: *mut c_void) {
        for context in Contexts(contexts) {
            callback::call!(get(context).destroy, "EvtDestroyCallback", handle);
        }
    }
}

/// The result of adding a context space.
pub(super) enum Attached {
    Added(*mut c_void),
    /// The object already has a context space of that type.
    Existing(*mut c_void),
}

/// Adds a context space to an object. `None` if there is no memory.
pub(super) fn attach(object: Any, attributes: &Attributes) -> Option<Attached> {
    let context = Context::allocate(object, attributes)?;
    let guard = TREE.lock();
    let existing = find_type(object, get(context).unique_type);
    if existing.is_none() {
        let contexts = object.header().contexts.replace(Some(context));
        get(context).next.set(contexts);
    }
    drop(guard);
    let Some(existing) = existing else {
        return Some(Attached::Added(data(context)));
    };
    Context::free_all(Some(context));
    Some(Attached::Existing(data(existing)))
}

fn find_type(
    object: Any,
    unique_type: Option<NonNull<WDF_OBJECT_CONTEXT_TYPE_INFO>>,
) -> Option<NonNull<Context>> {
    unique_type?;
    Contexts(object.header().contexts.get())
        .find(|context| get(*context).unique_type == unique_type)
}

/// Returns the object's context space of a type.
pub(super) fn find(
    object: Any,
    unique_type: NonNull<WDF_OBJECT_CONTEXT_TYPE_INFO>,
) -> Option<*mut c_void> {
    let guard = TREE.lock();
    let context = find_type(object, Some(unique_type));
    drop(guard);
    context.map(data)
}

/// Returns the object of a context space; `None` if the pointer is not to a context space.
///
/// # Safety
///
/// The memory before `data` can be read, as it can before every pointer to a context space.
pub(super) unsafe fn owner(data: NonNull<c_void>) -> Option<Any> {
    let context = data.as_ptr().cast::<Context>().wrapping_sub(1);
    if !context.is_aligned() {
        return None;
    }
    // SAFETY: readable, says the caller; any bits make a number.
    let mark = unsafe { context.cast::<usize>().read() };
    // SAFETY: the mark says that a context is there.
    (mark == MARK).then(|| unsafe { &*context }.object)
}
