//! A call from a driver through the function table.
//!
//! A kernel-mode framework has to trust a driver's pointers: the documentation of each function
//! says what they point to, and nothing can prove it. [`Call::enter`] takes that promise once for
//! each call. The methods read and write through the driver's pointers. Handles are not trusted:
//! they are looked up.

use crate::{
    client::ClientRef,
    nt::irql,
    object::{
        Any, Class, Kind, Ref,
        handle::{self, Lookup},
    },
    report::{refuse, violation},
};
use core::ffi::c_void;
use wdk_sys::{
    KIRQL, NTSTATUS, PCUNICODE_STRING, PWDF_DRIVER_GLOBALS, STATUS_INVALID_PARAMETER,
    STATUS_SUCCESS,
};

/// A call in progress.
pub(crate) struct Call {
    client: ClientRef,
    name: &'static str,
}

impl Call {
    /// # Safety
    ///
    /// The driver called the function `name` and passed `globals`; what it passes to the methods
    /// of the result comes from the same call, and points to what the function's documentation
    /// says, or is null.
    pub(crate) unsafe fn enter(globals: PWDF_DRIVER_GLOBALS, name: &'static str) -> Self {
        // SAFETY: the caller's promise.
        let Some(client) = (unsafe { ClientRef::from_globals(globals) }) else {
            violation!(
                Parameter,
                [globals.addr(), 0],
                "{name}: {globals:p} is not what WdfVersionBind returned"
            )
        };
        Self { client, name }
    }

    /// Returns the function's name.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the driver that called.
    pub(crate) const fn client(&self) -> ClientRef {
        self.client
    }

    /// Returns the driver's WDFDRIVER, the default parent of objects.
    pub(crate) fn driver_object(&self) -> Option<Any> {
        self.client.driver().map(Ref::any)
    }

    /// Refuses a null pointer, if the documentation does not call it optional.
    pub(crate) fn require<T>(&self, pointer: *const T) {
        if pointer.is_null() {
            refuse!(self, NullParameter, [0, 0], "a required pointer is null");
        }
    }

    /// Refuses a call above an IRQL.
    pub(crate) fn require_irql(&self, highest: KIRQL) {
        let current = irql::current();
        if current > highest {
            refuse!(
                self,
                Irql,
                [usize::from(current), usize::from(highest)],
                "called at IRQL {current}, and the highest allowed is {highest}"
            );
        }
    }

    /// Refuses a call above `PASSIVE_LEVEL`.
    pub(crate) fn require_passive(&self) {
        self.require_irql(irql::PASSIVE_LEVEL);
    }

    /// Reads through a required pointer.
    pub(crate) fn read<T: Copy>(&self, pointer: *const T) -> T {
        self.require(pointer);
        // SAFETY: the driver's argument, not null (the promise made to `enter`).
        unsafe { pointer.read() }
    }

    /// Reads through an optional pointer.
    pub(crate) fn read_optional<T: Copy>(&self, pointer: *const T) -> Option<T> {
        (!pointer.is_null()).then(|| self.read(pointer))
    }

    /// Writes through a required pointer.
    pub(crate) fn write<T: Copy>(&self, pointer: *mut T, value: T) {
        self.require(pointer);
        // SAFETY: the driver's argument, not null (the promise made to `enter`).
        unsafe { pointer.write(value) };
    }

    /// Writes through an optional pointer.
    pub(crate) fn write_optional<T: Copy>(&self, pointer: *mut T, value: T) {
        if !pointer.is_null() {
            self.write(pointer, value);
        }
    }

    /// Returns the characters of a required string.
    ///
    /// # Errors
    ///
    /// `STATUS_INVALID_PARAMETER` if the length is odd or a buffer is missing.
    pub(crate) fn text(&self, string: PCUNICODE_STRING) -> Result<&[u16], NTSTATUS> {
        let string = self.read(string);
        let length = usize::from(string.Length);
        if length == 0 {
            return Ok(&[]);
        }
        if length % size_of::<u16>() != 0 || string.Buffer.is_null() {
            return Err(STATUS_INVALID_PARAMETER);
        }
        // SAFETY: the driver's argument describes this many bytes, which it leaves alone during
        // the call (the promise made to `enter`).
        Ok(unsafe { core::slice::from_raw_parts(string.Buffer, length / size_of::<u16>()) })
    }

    /// Returns the object of a handle of any kind.
    pub(crate) fn any_object(&self, handle: *mut c_void) -> Any {
        match handle::look_up(handle) {
            Lookup::Live(object) if object.client() == self.client => object,
            Lookup::Live(object) => self.refuse_handle(
                handle,
                format_args!("is another driver's {}", object.kind().name()),
            ),
            Lookup::Stale(kind) => {
                self.refuse_handle(handle, format_args!("is a {} no more", kind.name()))
            }
            Lookup::Unknown => self.refuse_handle(handle, format_args!("is not a handle")),
        }
    }

    /// Returns the object of a handle of one kind.
    pub(crate) fn object<T: Class>(&self, handle: *mut c_void) -> Ref<T> {
        let object = self.any_object(handle);
        object.downcast().unwrap_or_else(|| {
            let (is, expected): (Kind, Kind) = (object.kind(), T::KIND);
            self.refuse_handle(
                handle,
                format_args!("is a {}, not a {}", is.name(), expected.name()),
            )
        })
    }

    fn refuse_handle(&self, handle: *mut c_void, what: core::fmt::Arguments<'_>) -> ! {
        refuse!(self, Handle, [handle.addr(), 0], "{handle:p} {what}")
    }

    /// Makes an object and writes its handle through a required pointer of the driver, or null on
    /// failure. Returns the status for the driver.
    pub(crate) fn deliver<T, H>(
        &self,
        handle: *mut *mut H,
        make: impl FnOnce() -> Result<Ref<T>, NTSTATUS>,
    ) -> NTSTATUS {
        self.require(handle);
        let object = make();
        let value = object.map_or(core::ptr::null_mut(), |object| object.handle().cast());
        self.write(handle, value);
        object.err().unwrap_or(STATUS_SUCCESS)
    }
}
