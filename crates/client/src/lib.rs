//! Drives the ringcopy driver from user mode.
//!
//! | to | use |
//! | --- | --- |
//! | reach a driver, wherever it runs | [`Transport`] |
//! | send one request and have its answer checked | [`Device`] |
//! | turn a failure into a sentence that says what to do | [`explain()`] |
//! | prove a driver, case by case | [`selftest`] |
//! | hold its two engines against each other | [`verify`] |
//! | offer the whole as a command line | [`cli`] |
//! | reach the driver of this machine, on Windows | `windows` |
//!
//! A failed *transport* (no driver, a lost connection) is never mixed up with a failed *request*
//! (the driver refused it), nor that with a copy that stopped ([`Transfer::status`]).

#![forbid(unsafe_code)]

mod batch;
pub mod cli;
mod device;
mod explain;
mod hexdump;
mod judge;
mod number;
pub mod selftest;
mod transfer;
mod transport;
pub mod verify;
#[cfg(any(windows, test))]
mod win32_status;
#[cfg(windows)]
pub mod windows;

pub use batch::{Batch, Piece, ScatterPiece};
pub use device::{CallerCopy, CopyThrough, Device, DeviceCopy, Source};
pub use explain::{explain, explain_hole, explain_policy, explain_transfer};
pub use hexdump::{HexDump, hexdump};
pub use number::{ParseNumberError, parse_number};
pub use ringcopy_protocol as protocol;
pub use transfer::{Error, Information, Operation, ResponseError, Transfer};
pub use transport::{
    Buffer, Handle, Landmarks, OpenAccess, PAGE_LENGTH, Protection, RequestError, Transport,
    TransportError,
};
