//! The addresses of a structure's fields.

use core::mem::size_of;

use super::UserPtr;

/// Returns the [`UserPtr`] of a field: `&pointer->field` in C.
///
/// The arguments are the `UserPtr` of the structure, the structure, and the field, which may be nested.
/// The structure may be packed. Nothing is accessed, and the `UserPtr` of the structure is not consumed.
///
/// ```no_run
/// use usermode_accessors::{NtStatus, UserPtr, user_field};
///
/// #[repr(C)]
/// struct Header {
///     size: u32,
///     version: u16,
/// }
///
/// #[repr(C)]
/// struct Request {
///     header: Header,
///     buffer: u64,
/// }
///
/// fn version(request: &UserPtr<Request>) -> Result<u16, NtStatus> {
///     Ok(user_field!(request, Request, header.version).read()?)
/// }
/// ```
///
/// A field that is named twice is read twice, as in C. Read each field once, or the whole structure with
/// [`UserPtr::read_value`](crate::UserPtr#method.read_value).
#[macro_export]
macro_rules! user_field {
    ($pointer:expr, $structure:ty, $($field:tt).+ $(,)?) => {
        $crate::UserPtr::<$structure>::field(
            &$pointer,
            ::core::mem::offset_of!($structure, $($field).+),
            |structure: &$structure| &raw const structure.$($field).+,
        )
    };
}

impl<T> UserPtr<T> {
    /// For [`user_field!`]: the second argument gives the type of the field, and is not called.
    ///
    /// A field that is not in the structure has an address that every access refuses.
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub const fn field<F>(&self, offset: usize, _: fn(&T) -> *const F) -> UserPtr<F> {
        match size_of::<T>().checked_sub(size_of::<F>()) {
            Some(last) if offset <= last => {
                UserPtr::from_parts(self.address().saturating_add(offset), self.mode())
            }
            _ => UserPtr::new(usize::MAX),
        }
    }
}

impl<T, const COUNT: usize> UserPtr<[T; COUNT]> {
    /// Returns the address of an element: `&pointer[index]` in C. Returns `None` if the array has fewer
    /// elements.
    #[must_use]
    #[inline]
    pub const fn element(&self, index: usize) -> Option<UserPtr<T>> {
        if index >= COUNT {
            return None;
        }
        let offset = size_of::<T>().saturating_mul(index);
        let address = self.address().saturating_add(offset);
        Some(UserPtr::from_parts(address, self.mode()))
    }
}
