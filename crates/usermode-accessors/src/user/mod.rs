//! User memory, as types that keep the rules.

mod cursor;
mod pointer;
mod slice;
mod unicode_string;

pub use cursor::{UserReader, UserWriter};
pub use pointer::UserPtr;
pub use slice::UserSlice;
pub use unicode_string::UnicodeString;
