//! Structured exception handling for x64, as drivers see it.
//!
//! Source: "x64 exception handling", Microsoft C++ documentation: unwind data, the unwind
//! procedure, and the order in which language handlers are called. What the documentation leaves
//! open was settled by the behaviour that compilers rely on.

mod context;
mod dispatch;
mod language_handler;
mod unwind;

pub(crate) use context::Context;
pub(crate) use dispatch::{Exception, count, raise};
pub(crate) use language_handler::c_specific_handler;
