//! Values in the context space of the framework's objects.

use core::{
    cell::UnsafeCell,
    ffi::CStr,
    marker::PhantomData,
    mem::{MaybeUninit, align_of, size_of},
    ptr,
    sync::atomic::{AtomicBool, Ordering},
};

use ringcopy_protocol::NtStatus;
use wdk_sys::{
    WDF_OBJECT_ATTRIBUTES, WDF_OBJECT_CONTEXT_TYPE_INFO, WDFOBJECT,
    call_unsafe_wdf_function_binding,
};

use super::wdf::size_field;

/// A value that an object of the framework can hold.
pub trait Context: Send + Sync + Sized + 'static {
    /// Returns the type by which the framework finds the value. Its address identifies it, so it is a
    /// `static`.
    fn context_type() -> &'static ContextType<Self>;
}

/// A type of context.
#[repr(transparent)]
pub struct ContextType<T: 'static> {
    information: WDF_OBJECT_CONTEXT_TYPE_INFO,
    value: PhantomData<fn() -> T>,
}

// SAFETY: the structure is never written, and its pointers are to statics.
unsafe impl<T> Sync for ContextType<T> {}

/// The space that the framework allocates with the object, zeroed: empty until it is filled.
struct Space<T> {
    filled: AtomicBool,
    value: UnsafeCell<MaybeUninit<T>>,
}

impl<T: Context> ContextType<T> {
    /// Returns a context type. `unique` is the static that it initialises.
    pub const fn new(name: &'static CStr, unique: &'static Self) -> Self {
        const { assert!(align_of::<Space<T>>() <= 8, "pool is aligned to pointers") };
        Self {
            information: WDF_OBJECT_CONTEXT_TYPE_INFO {
                Size: size_field::<WDF_OBJECT_CONTEXT_TYPE_INFO>(),
                ContextName: name.as_ptr().cast_mut().cast(),
                ContextSize: size_of::<Space<T>>(),
                UniqueType: &raw const unique.information,
                EvtDriverGetUniqueContextType: None,
            },
            value: PhantomData,
        }
    }
}

/// Returns the attributes of an object that holds a `T`. The value is dropped with the object.
pub fn attributes<T: Context>() -> WDF_OBJECT_ATTRIBUTES {
    WDF_OBJECT_ATTRIBUTES {
        EvtDestroyCallback: Some(drop_value::<T>),
        ContextTypeInfo: &raw const T::context_type().information,
        ..super::wdf::plain_attributes()
    }
}

/// Returns the context space of an object, if it has one of this type.
///
/// # Safety
///
/// `object` is a live object for as long as `'a`.
#[inline]
unsafe fn space<'a, T: Context>(object: WDFOBJECT) -> Option<&'a Space<T>> {
    let information = &raw const T::context_type().information;
    // SAFETY: the caller guarantees the handle; the type is a static.
    let space = unsafe {
        call_unsafe_wdf_function_binding!(WdfObjectGetTypedContextWorker, object, information)
    };
    // SAFETY: the framework made the space for this very type, zeroed, with the object; all-zero
    // bytes are a valid empty space, and all access to it goes through shared references.
    unsafe { space.cast::<Space<T>>().as_ref() }
}

/// Returns the value of an object, if it was set.
///
/// # Safety
///
/// `object` is a live object for as long as `'a`.
#[inline]
pub unsafe fn get<'a, T: Context>(object: WDFOBJECT) -> Option<&'a T> {
    // SAFETY: the caller guarantees the handle.
    let space = unsafe { space::<T>(object) }?;
    if !space.filled.load(Ordering::Acquire) {
        return None;
    }
    // SAFETY: the cell is part of the space, and written no more once the flag is set.
    let value = unsafe { &*space.value.get() };
    // SAFETY: filled before the flag was set.
    Some(unsafe { value.assume_init_ref() })
}

/// Sets the value of an object, once.
///
/// # Safety
///
/// `object` is a live object, and no other thread is setting its value.
pub unsafe fn set<T: Context>(object: WDFOBJECT, value: T) -> Result<(), NtStatus> {
    // SAFETY: the caller guarantees the handle.
    let space = unsafe { space::<T>(object) }.ok_or(NtStatus::UNSUCCESSFUL)?;
    if space.filled.load(Ordering::Relaxed) {
        return Err(NtStatus::UNSUCCESSFUL);
    }
    // SAFETY: nothing refers to the value before the flag is set, and the caller is alone.
    unsafe { ptr::write(space.value.get(), MaybeUninit::new(value)) };
    space.filled.store(true, Ordering::Release);
    Ok(())
}

/// `EVT_WDF_OBJECT_CONTEXT_DESTROY`: there is no reference to the object any more; the context space
/// still exists.
extern "C" fn drop_value<T: Context>(object: WDFOBJECT) {
    // SAFETY: the object lives until this callback returns.
    let Some(space) = (unsafe { space::<T>(object) }) else {
        return;
    };
    if space.filled.swap(false, Ordering::Acquire) {
        // SAFETY: it was filled, and without a reference no other code can reach it.
        unsafe { ptr::drop_in_place(space.value.get().cast::<T>()) };
    }
}
