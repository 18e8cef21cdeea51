//! User memory, as types that keep the rules.

mod cursor;
mod pointer;
mod slice;
mod unicode_string;

pub use cursor::{UserReader, UserWriter};
pub use pointer::UserPtr;
pub use slice::UserSlice;
pub use unicode_string::UnicodeString;

/// One implementation fits every type. Another fits if the type is `Send`, or `Sync`; which is meant
/// is then ambiguous, and the constant below does not compile.
trait BoundToThread<Reason> {
    fn item() {}
}

impl<T: ?Sized> BoundToThread<()> for T {}
impl<T: ?Sized + Send> BoundToThread<[(); 1]> for T {}
impl<T: ?Sized + Sync> BoundToThread<[(); 2]> for T {}

const _: [fn(); 4] = [
    <UserSlice as BoundToThread<_>>::item,
    <UserReader as BoundToThread<_>>::item,
    <UserWriter as BoundToThread<_>>::item,
    <UserPtr<u8> as BoundToThread<_>>::item,
];
