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
        self, Any, Class, Kind, Ref,
        attributes::{Allowed, Attributes},
        handle::{self, Lookup},
    },
    report::{refuse, report, violation},
};
use core::ffi::c_void;
use wdk_sys::{
    KIRQL, NTSTATUS, PCUNICODE_STRING, PWDF_DRIVER_GLOBALS, PWDF_OBJECT_ATTRIBUTES,
    STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_PARAMETER, STATUS_SUCCESS, ULONG,
};

/// Functions with one argument, a handle: `name(find: handle => object) -> result = value;`, where
/// `find` looks the handle up.
macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident($find:path: $handle:ty => $object:pat) -> $result:ty
        = $value:expr;)+) => {$(
        $(#[$doc])*
        pub(crate) fn $name(call: &$crate::call::Call, handle: $handle) -> $result {
            let $object = $find(call, handle);
            $value
        }
    )+};
}
pub(crate) use getters;

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

    /// Refuses a null pointer, if the documentation does not call it optional.
    pub(crate) fn require<T>(&self, pointer: *const T) {
        if pointer.is_null() {
            refuse!(self, NullParameter, "a required pointer is null");
        }
    }

    /// Returns a callback that the documentation does not call optional; refuses none.
    pub(crate) fn require_callback<F>(&self, callback: Option<F>) -> Option<F> {
        if callback.is_none() {
            refuse!(self, NullParameter, "no callback");
        }
        callback
    }

    /// Refuses a structure whose `Size` member is not the size of its type.
    pub(crate) fn require_size<T>(&self, size: impl Into<u32>) {
        let (size, expected) = (size.into() as usize, size_of::<T>());
        if size != expected {
            refuse!(
                self,
                StructureSize,
                [size, expected],
                "a structure of {size} bytes"
            );
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
                "called at IRQL {current}, and the highest allowed is {highest} (KmdfIrql)"
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

    /// Reads a structure whose first member is its size, of this version or an older one: what an older
    /// one lacks is zero.
    ///
    /// `STATUS_INFO_LENGTH_MISMATCH` for another size.
    pub(crate) fn read_versioned<T: Copy + Default>(
        &self,
        pointer: *const T,
        older_sizes: &[usize],
    ) -> Result<T, NTSTATUS> {
        let size = self.read(pointer.cast::<ULONG>()) as usize;
        if size != size_of::<T>() && !older_sizes.contains(&size) {
            return Err(STATUS_INFO_LENGTH_MISMATCH);
        }
        let mut value = T::default();
        // SAFETY: the driver's structure has as many bytes as it says (the promise made to `enter`),
        // and no more than the local.
        unsafe {
            (&raw mut value)
                .cast::<u8>()
                .copy_from_nonoverlapping(pointer.cast(), size);
        };
        Ok(value)
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
    pub(crate) fn object<T: Class>(&self, handle: *mut impl Sized) -> Ref<T> {
        let handle = handle.cast();
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

    /// Reads the attributes of an object that may have a parent, and nothing else that is special.
    ///
    /// As [`Attributes::read`].
    pub(crate) fn attributes(
        &self,
        attributes: PWDF_OBJECT_ATTRIBUTES,
    ) -> Result<Attributes, NTSTATUS> {
        Attributes::read(self, attributes, Allowed::PARENT)
    }

    /// Makes an object of the driver, whose default parent is its WDFDRIVER.
    ///
    /// As [`object::create`].
    pub(crate) fn create<T: Class>(
        &self,
        attributes: &Attributes,
        body: T,
    ) -> Result<Ref<T>, NTSTATUS> {
        let parent = self.client.driver().map(Ref::any);
        object::create(self.client, attributes, parent, body)
    }

    /// Returns the status for the driver, and prints one that is an error.
    pub(crate) fn report(&self, result: Result<(), NTSTATUS>) -> NTSTATUS {
        let status = result.err().unwrap_or(STATUS_SUCCESS);
        if status != STATUS_SUCCESS {
            report!("{}: {status:#010x}", self.name);
        }
        status
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
