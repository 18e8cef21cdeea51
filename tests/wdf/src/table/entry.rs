//! Entries of the table made from functions of this crate.
//!
//! A driver calls an entry with its globals before the arguments. The entry looks up who calls
//! ([`Call::enter`]) and passes the call on, so that implementations are ordinary safe functions.

use super::NAMES;
use crate::call::Call;
use core::ptr::NonNull;
use wdk_sys::PWDF_DRIVER_GLOBALS;

/// A function that implements the entry with an index and a signature.
pub(super) trait Implementation<const INDEX: usize, Signature> {
    /// What the table holds.
    const ENTRY: Signature;
}

macro_rules! implementations {
    ($(($($argument:ident: $type:ident),*))*) => {$(
        impl<const INDEX: usize, F, R, $($type),*>
            Implementation<INDEX, unsafe extern "C" fn(PWDF_DRIVER_GLOBALS, $($type),*) -> R> for F
        where
            F: Fn(&Call, $($type),*) -> R + Copy,
        {
            const ENTRY: unsafe extern "C" fn(PWDF_DRIVER_GLOBALS, $($type),*) -> R = {
                unsafe extern "C" fn entry<const INDEX: usize, F, R, $($type),*>(
                    globals: PWDF_DRIVER_GLOBALS,
                    $($argument: $type),*
                ) -> R
                where
                    F: Fn(&Call, $($type),*) -> R + Copy,
                {
                    const { assert!(size_of::<F>() == 0) };
                    // SAFETY: F is the type of one function, whose only value has no bytes.
                    let function = unsafe { NonNull::<F>::dangling().read() };
                    // SAFETY: the driver's call, with the arguments it passed.
                    let call = unsafe { Call::enter(globals, NAMES[INDEX]) };
                    function(&call, $($argument),*)
                }
                entry::<INDEX, F, R, $($type),*>
            };
        }
    )*};
}

implementations! {
    ()
    (a: A)
    (a: A, b: B)
    (a: A, b: B, c: C)
    (a: A, b: B, c: C, d: D)
    (a: A, b: B, c: C, d: D, e: E)
    (a: A, b: B, c: C, d: D, e: E, f: G)
    (a: A, b: B, c: C, d: D, e: E, f: G, g: H)
}

/// The entry for a function.
pub(super) const fn entry<const INDEX: usize, Signature, F>(_function: F) -> Signature
where
    F: Implementation<INDEX, Signature> + Copy,
{
    F::ENTRY
}
