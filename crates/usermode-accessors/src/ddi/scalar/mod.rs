//! Reads and writes of one value, by exactly one instruction each.
//!
//! The functions are made from the [table]: six for each type.

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
        #[doc = concat!("`Read", $name, "FromMode`: reads a `", stringify!($c), "` at `source`, an address that a caller in `mode` named.")]
        ///
        /// Exactly one instruction of the type's width. Alignment is not enforced; where the
        /// address is aligned the value is not torn. Relaxed: orders no other access. IRQL: at
        /// most `APC_LEVEL`.
        ///
        /// # Errors
        ///
        /// With [`Mode::User`]: [`NtStatus::ACCESS_VIOLATION`](crate::NtStatus::ACCESS_VIOLATION) if
        /// it is not user memory, with nothing touched; else the exception that the memory raised.
        /// [`Fault::copied`] is 0. With [`Mode::Kernel`]: none.
        ///
        /// # Safety
        ///
        /// With [`Mode::Kernel`], `source` is valid kernel memory: it is neither checked nor
        /// guarded.
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
        #[doc = concat!("`Write", $name, "ToMode`: writes a `", stringify!($c), "` to `destination`, an address that a caller in `mode` named.")]
        ///
        /// Exactly one instruction of the type's width. Alignment is not enforced; where the
        /// address is aligned nobody sees a part of the value. Relaxed: orders no other access.
        /// IRQL: at most `APC_LEVEL`.
        ///
        /// # Errors
        ///
        /// With [`Mode::User`]: [`NtStatus::ACCESS_VIOLATION`](crate::NtStatus::ACCESS_VIOLATION) if
        /// it is not user memory; else the exception that the memory raised. [`Fault::copied`] is
        /// 0, and no byte was written. With [`Mode::Kernel`]: none.
        ///
        /// # Safety
        ///
        /// With [`Mode::Kernel`], `destination` is valid kernel memory: it is neither checked nor
        /// guarded. In a process where user memory holds Rust objects, it must be none that is in
        /// use.
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
        #[doc = concat!("`Read", $name, "FromUserAcquire`: reads a `", stringify!($c), "` from user memory, and no later access of this thread is made before it.")]
        ///
        #[doc = concat!("Otherwise as [`", stringify!($from_mode), "`] with [`Mode::User`].")]
        /// On x86-64 a plain load does it, with the compiler held back.
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

        #[doc = concat!("`Write", $name, "ToUserRelease`: writes a `", stringify!($c), "` to user memory, and every earlier access of this thread is made before it.")]
        ///
        #[doc = concat!("Otherwise as [`", stringify!($to_mode), "`] with [`Mode::User`].")]
        /// On x86-64 a plain store does it, with the compiler held back.
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

// Microsoft's overview claims acquire and release for these, but there are no such functions.
reads!("LargeInteger" LARGE_INTEGER (i64): read_large_integer_from_mode read_large_integer_from_user);
writes!("LargeInteger" LARGE_INTEGER (i64): write_large_integer_to_mode write_large_integer_to_user);
reads!("ULargeInteger" ULARGE_INTEGER (u64): read_ularge_integer_from_mode read_ularge_integer_from_user);
writes!("ULargeInteger" ULARGE_INTEGER (u64): write_ularge_integer_to_mode write_ularge_integer_to_user);

#[cfg(test)]
mod tests;
