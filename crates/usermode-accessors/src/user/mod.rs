//! The safe types for user memory.

mod caller_mode;
mod cursor;
mod field;
mod pointer;
mod slice;
mod unicode_string;
#[cfg(feature = "zerocopy")]
mod values;

pub use caller_mode::CallerMode;
pub use cursor::{UserReader, UserWriter};
pub use pointer::UserPtr;
pub use slice::UserSlice;
pub use unicode_string::{UnicodeString, UnicodeString32};

/// The first implementation applies to every type. The others apply if the type is `Send` or `Sync`.
/// Then the implementation is ambiguous, and the constant below does not compile.
trait BoundToThread<Reason> {
    fn item() {}
}

impl<T: ?Sized> BoundToThread<()> for T {}
impl<T: ?Sized + Send> BoundToThread<[(); 1]> for T {}
impl<T: ?Sized + Sync> BoundToThread<[(); 2]> for T {}

const _: [fn(); 5] = [
    <CallerMode as BoundToThread<_>>::item,
    <UserSlice as BoundToThread<_>>::item,
    <UserReader as BoundToThread<_>>::item,
    <UserWriter as BoundToThread<_>>::item,
    <UserPtr<u8> as BoundToThread<_>>::item,
];
