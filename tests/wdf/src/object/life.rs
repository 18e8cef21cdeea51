//! Birth, references and death of objects.

use super::{Any, Phase, attributes::Attributes, context::Context, handle};
use crate::{call::Call, nt::lock::SpinLock, report::refuse};
use core::{ffi::c_void, ptr::null_mut, sync::atomic::Ordering};
use wdk_sys::{NTSTATUS, STATUS_DELETE_PENDING, STATUS_INSUFFICIENT_RESOURCES};

/// Guards the cells of every header.
pub(super) static TREE: SpinLock<()> = SpinLock::new(());

/// Gives a new object its context, its handle and its parent, or none of them.
///
/// `STATUS_INSUFFICIENT_RESOURCES`, `STATUS_DELETE_PENDING`.
pub(super) fn admit(
    object: Any,
    attributes: &Attributes,
    parent: Option<Any>,
) -> Result<(), NTSTATUS> {
    let context = if attributes.wants_context() {
        Some(Context::allocate(object, attributes).ok_or(STATUS_INSUFFICIENT_RESOURCES)?)
    } else {
        None
    };
    let result = handle::insert(object, object.kind())
        .ok_or(STATUS_INSUFFICIENT_RESOURCES)
        .and_then(|handle| {
            object.header().handle.set(handle);
            join(object, parent).inspect_err(|_| handle::remove(handle))
        });
    match (result, context) {
        (Ok(()), context) => {
            object.header().contexts.set(context);
            Ok(())
        }
        (Err(status), context) => {
            Context::free_all(context);
            Err(status)
        }
    }
}

/// Makes the object a child of the parent.
fn join(object: Any, parent: Option<Any>) -> Result<(), NTSTATUS> {
    let Some(parent) = parent else { return Ok(()) };
    let guard = TREE.lock();
    if parent.header().phase.get() != Phase::Live {
        return Err(STATUS_DELETE_PENDING);
    }
    let siblings = parent.header().first_child.replace(Some(object));
    object.header().next.set(siblings);
    object.header().parent.set(Some(parent));
    drop(guard);
    Ok(())
}

/// Takes the object out of its parent's list. The lock of the tree is held.
fn unlink(object: Any) {
    let Some(parent) = object.header().parent.get() else {
        return;
    };
    let next = object.header().next.take();
    let mut child = parent.header().first_child.get();
    if child == Some(object) {
        parent.header().first_child.set(next);
        return;
    }
    while let Some(sibling) = child {
        child = sibling.header().next.get();
        if child == Some(object) {
            sibling.header().next.set(next);
        }
    }
}

/// An object whose clean-up has run, before the release of its first reference.
#[must_use]
pub(crate) struct Condemned(Any);

impl Any {
    /// Whether the deletion of the object has begun.
    pub(crate) fn is_being_deleted(self) -> bool {
        let guard = TREE.lock();
        let phase = self.header().phase.get();
        drop(guard);
        phase != Phase::Live
    }

    /// Returns the parent, which a driver cannot change.
    pub(crate) fn parent(self) -> Option<Self> {
        let guard = TREE.lock();
        let parent = self.header().parent.get();
        drop(guard);
        parent
    }

    /// Returns the handle of the parent; null if there is none.
    pub(crate) fn parent_handle(self) -> *mut c_void {
        self.parent().map_or(null_mut(), Self::handle)
    }

    pub(crate) fn reference(self) {
        self.header().references.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of references, with the first one.
    pub(crate) fn references(self) -> u32 {
        self.header().references.load(Ordering::Acquire)
    }

    /// Releases a reference, and frees the object after the last one.
    pub(crate) fn release(self) {
        if self.header().references.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        // "EVT_WDF_OBJECT_CONTEXT_DESTROY callback function": the callback may still reach the
        // object's context space.
        Context::call_destroy(self.header().contexts.get(), self.handle());
        Context::free_all(self.header().contexts.take());
        handle::remove(self.handle());
        (self.header().operations.free)(self);
    }

    /// As [`Any::release`], for a reference that the driver says it holds.
    pub(crate) fn release_for_driver(self, call: &Call) {
        if self.references() == 1 && !self.is_being_deleted() {
            refuse!(
                call,
                Dereference,
                [self.handle().addr(), 0],
                "{} {:p} was dereferenced more often than referenced",
                self.kind().name(),
                self.handle()
            );
        }
        self.release();
    }

    /// The first half of a deletion: the clean-up of the children and of the object. `None` if the
    /// deletion has begun already.
    pub(crate) fn condemn(self) -> Option<Condemned> {
        let guard = TREE.lock();
        if self.header().phase.replace(Phase::Deleting) != Phase::Live {
            return None;
        }
        unlink(self);
        drop(guard);
        self.dispose();
        Some(Condemned(self))
    }

    /// Deletes the object and its children; each is freed with its last reference. Returns whether
    /// this call began the deletion.
    pub(crate) fn delete(self) -> bool {
        self.condemn().map(Condemned::release).is_some()
    }

    /// Takes a child out of the list and begins its deletion.
    fn claim_child(self) -> Option<Self> {
        let guard = TREE.lock();
        let child = self.header().first_child.get()?;
        unlink(child);
        child.header().phase.set(Phase::Deleting);
        drop(guard);
        Some(child)
    }

    /// Cleans up from the farthest descendants to the object itself, as "Framework Object Life
    /// Cycle" says. The caller has begun the object's deletion.
    fn dispose(self) {
        while let Some(child) = self.claim_child() {
            child.dispose();
            let rest = self.header().condemned.replace(Some(child));
            child.header().next.set(rest);
        }
        Context::call_cleanup(self.header().contexts.get(), self.handle());
        (self.header().operations.dispose)(self);
    }
}

impl Condemned {
    /// The second half of a deletion: releases the first references of the children, then the
    /// object's.
    pub(crate) fn release(self) {
        let mut child = self.0.header().condemned.take();
        while let Some(condemned) = child {
            child = condemned.header().next.take();
            Self(condemned).release();
        }
        self.0.release();
    }
}
