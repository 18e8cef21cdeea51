//! Reads and writes of one value, each with exactly one instruction.
//!
//! The [table] defines six functions for each type.

mod table;

use core::ffi::c_void;

use crate::{
    Fault, Mode,
    guarded::{self, Order},
};

use table::scalar_table;

/// `Read…FromMode` and `Read…FromUser`.
macro_rules! reads {
    ($name:literal $c:ident ($type:ty): $from_mode:ident $from_user:ident) => {
        #[doc = concat!("`Read", $name, "FromMode`: reads a `", stringify!($c), "` at `source`, an address that a caller in `mode` passed.")]
        ///
        /// The read is exactly one instruction of the width of the type. Alignment is not required; if
        /// the address is aligned, the read is atomic. It is relaxed: it orders no other access.
        /// IRQL: at most `APC_LEVEL`.
        ///
        /// # Errors
        ///
        /// With [`Mode::User`]: [`NtStatus::ACCESS_VIOLATION`](crate::NtStatus::ACCESS_VIOLATION) if it is
        /// not user memory, and then nothing is accessed; or the exception that the memory raised.
        /// [`Fault::copied`] is 0. With [`Mode::Kernel`]: none.
        ///
        /// # Safety
        ///
        /// With [`Mode::Kernel`], `source` is valid kernel memory; it is neither checked nor guarded.
        ///
        #[doc = concat!("Source: `Read", $name, "FromMode` (`usermode_accessors.h`).")]
        #[inline]
        pub unsafe fn $from_mode(source: *const $type, mode: Mode) -> Result<$type, Fault> {
            // SAFETY: the caller's promise is the same.
            unsafe { guarded::read(source.expose_provenance(), mode, Order::Relaxed) }
        }

        #[doc = concat!("`Read", $name, "FromUser`: reads a `", stringify!($c), "` from user memory: [`", stringify!($from_mode), "`] with [`Mode::User`].")]
        ///
        /// # Errors
        ///
        #[doc = concat!("As for [`", stringify!($from_mode), "`].")]
        ///
        /// # Safety
        ///
        /// No condition: user memory is checked and guarded, and only read.
        ///
        #[doc = concat!("Source: `Read", $name, "FromUser` (`usermode_accessors.h`).")]
        #[inline]
        pub unsafe fn $from_user(source: *const $type) -> Result<$type, Fault> {
            // SAFETY: the mode is not that of the kernel.
            unsafe { $from_mode(source, Mode::User) }
        }
    };
}

/// `Write…ToMode` and `Write…ToUser`.
macro_rules! writes {
    ($name:literal $c:ident ($type:ty): $to_mode:ident $to_user:ident) => {
        #[doc = concat!("`Write", $name, "ToMode`: writes a `", stringify!($c), "` to `destination`, an address that a caller in `mode` passed.")]
        ///
        /// The write is exactly one instruction of the width of the type. Alignment is not required; if
        /// the address is aligned, the write is atomic. It is relaxed: it orders no other access.
        /// IRQL: at most `APC_LEVEL`.
        ///
        /// # Errors
        ///
        /// With [`Mode::User`]: [`NtStatus::ACCESS_VIOLATION`](crate::NtStatus::ACCESS_VIOLATION) if it is
        /// not user memory; or the exception that the memory raised. [`Fault::copied`] is 0, and no
        /// byte was written. With [`Mode::Kernel`]: none.
        ///
        /// # Safety
        ///
        /// With [`Mode::Kernel`], `destination` is valid kernel memory; it is neither checked nor
        /// guarded. In a process where user memory holds Rust objects, it must not be one in use.
        ///
        #[doc = concat!("Source: `Write", $name, "ToMode` (`usermode_accessors.h`).")]
        #[inline]
        pub unsafe fn $to_mode(
            destination: *mut $type,
            value: $type,
            mode: Mode,
        ) -> Result<(), Fault> {
            let destination = destination.expose_provenance();
            // SAFETY: the caller's promise is the same.
            unsafe { guarded::write(destination, value, mode, Order::Relaxed) }
        }

        #[doc = concat!("`Write", $name, "ToUser`: writes a `", stringify!($c), "` to user memory: [`", stringify!($to_mode), "`] with [`Mode::User`].")]
        ///
        /// # Errors
        ///
        #[doc = concat!("As for [`", stringify!($to_mode), "`].")]
        ///
        /// # Safety
        ///
        #[doc = concat!("As for [`", stringify!($to_mode), "`].")]
        ///
        #[doc = concat!("Source: `Write", $name, "ToUser` (`usermode_accessors.h`).")]
        #[inline]
        pub unsafe fn $to_user(destination: *mut $type, value: $type) -> Result<(), Fault> {
            // SAFETY: the caller's promise is the same.
            unsafe { $to_mode(destination, value, Mode::User) }
        }
    };
}

/// `Read…FromUserAcquire` and `Write…ToUserRelease`.
macro_rules! ordered {
    ($name:literal $c:ident ($type:ty): $acquire:ident $release:ident, $from_mode:ident $to_mode:ident) => {
        #[doc = concat!("`Read", $name, "FromUserAcquire`: reads a `", stringify!($c), "` from user memory. No later access of this thread is made before the read.")]
        ///
        #[doc = concat!("The rest is as for [`", stringify!($from_mode), "`] with [`Mode::User`].")]
        /// On x86-64 it is a plain load that the compiler does not reorder.
        ///
        /// # Errors
        ///
        #[doc = concat!("As for [`", stringify!($from_mode), "`].")]
        ///
        /// # Safety
        ///
        /// No condition: user memory is checked and guarded, and only read.
        ///
        #[doc = concat!("Source: `Read", $name, "FromUserAcquire` (`usermode_accessors.h`).")]
        #[inline]
        pub unsafe fn $acquire(source: *const $type) -> Result<$type, Fault> {
            let source = source.expose_provenance();
            // SAFETY: the mode is not that of the kernel.
            unsafe { guarded::read(source, Mode::User, Order::AcquireRelease) }
        }

        #[doc = concat!("`Write", $name, "ToUserRelease`: writes a `", stringify!($c), "` to user memory. Every earlier access of this thread is made before the write.")]
        ///
        #[doc = concat!("The rest is as for [`", stringify!($to_mode), "`] with [`Mode::User`].")]
        /// On x86-64 it is a plain store that the compiler does not reorder.
        ///
        /// # Errors
        ///
        #[doc = concat!("As for [`", stringify!($to_mode), "`].")]
        ///
        /// # Safety
        ///
        #[doc = concat!("As for [`", stringify!($to_mode), "`].")]
        ///
        #[doc = concat!("Source: `Write", $name, "ToUserRelease` (`usermode_accessors.h`).")]
        #[inline]
        pub unsafe fn $release(destination: *mut $type, value: $type) -> Result<(), Fault> {
            let destination = destination.expose_provenance();
            // SAFETY: the mode is not that of the kernel.
            unsafe { guarded::write(destination, value, Mode::User, Order::AcquireRelease) }
        }
    };
}

/// The functions of a table.
macro_rules! functions {
    ($(
        $name:literal $c:ident ($type:ty):
        $from_mode:ident $from_user:ident $acquire:ident
        $to_mode:ident $to_user:ident $release:ident;
    )+) => {$(
        reads!($name $c ($type): $from_mode $from_user);
        writes!($name $c ($type): $to_mode $to_user);
        ordered!($name $c ($type): $acquire $release, $from_mode $to_mode);
    )+};
}

scalar_table!(functions);

// Microsoft's overview names acquire and release forms of these, but documents no such functions.
reads!("LargeInteger" LARGE_INTEGER (i64): read_large_integer_from_mode read_large_integer_from_user);
writes!("LargeInteger" LARGE_INTEGER (i64): write_large_integer_to_mode write_large_integer_to_user);
reads!("ULargeInteger" ULARGE_INTEGER (u64): read_ularge_integer_from_mode read_ularge_integer_from_user);
writes!("ULargeInteger" ULARGE_INTEGER (u64): write_ularge_integer_to_mode write_ularge_integer_to_user);

#[cfg(test)]
mod tests;
