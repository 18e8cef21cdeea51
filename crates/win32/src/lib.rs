//! The calls into Windows that the client needs and no safe crate has, as safe functions of a few
//! lines. Nothing else in user mode is `unsafe`.
//!
//! - [`DeviceHandle`], [`Pending`]: a device opened for overlapped requests, and a pending request.
//! - [`Event`]: interrupts a pending request.
//! - [`make_sparse()`]: files that store nothing for their holes.
//! - [`Pages`]: pages of this process whose protection changes, touched by address.
//! - [`SerialPort`]: a serial port without flow control.
//! - [`Token`]: the rights of this process.
//! - [`system`]: what Windows reports about itself.
//! - [`trace`]: sessions of Event Tracing for Windows, and their files.
//!
//! On other systems the crate is empty.

#![cfg(windows)]

mod device;
mod error;
mod event;
mod pages;
mod serial;
mod sparse;
pub mod system;
mod token;
pub mod trace;
mod wide;

pub use device::{Completion, DeviceHandle, Pending, Range};
pub use error::Win32Error;
pub use event::Event;
pub use pages::{Access, Pages};
pub use serial::SerialPort;
pub use sparse::make_sparse;
pub use token::Token;
