//! Structured exception handling for x64, as drivers see it.
//!
//! Source: "x64 exception handling", Microsoft C++ documentation: unwind data, the unwind
//! procedure, and the order in which language handlers are called. Where the documentation is
//! silent, the code does what compilers rely on.
//!
//! It is the lab's own on purpose: the guarded routines under test are checked against a second
//! reading of the documentation.

mod context;
mod dispatch;
mod language_handler;
mod unwind;

pub(crate) use context::Context;
pub(crate) use dispatch::{Exception, count, raise};
pub(crate) use language_handler::c_specific_handler;
