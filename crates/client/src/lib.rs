//! Drives the ringcopy driver from user mode.
//!
//! | to | use |
//! | --- | --- |
//! | reach a driver, wherever it runs | [`Transport`] |
//! | send one request and have its answer checked | [`Device`] |
//! | turn a failure into a sentence that says what to do | [`explain()`] |
//! | prove a driver, case by case | [`selftest`] |
//! | hold its two engines against each other | [`verify`] |
//! | send it what no honest client sends | [`abuse`] |
//! | install, load, examine it on its machine | [`machine`] |
//! | put it under Driver Verifier | [`vm_test`] |
//! | offer the whole as a command line | [`cli`] |
//! | reach the driver of this machine, on Windows | `windows` |
//!
//! Many small reads are one request, and none spoils its neighbours:
//!
//! ```
//! use ringcopy_client::{
//!     Device, Error, OpenAccess, Piece, Source, Transport, explain_transfer, protocol::EngineKind,
//! };
//!
//! fn counters(transport: &mut dyn Transport, addresses: &[u64]) -> Result<Vec<u64>, Error> {
//!     let mut device = Device::open(transport, OpenAccess::Read)?;
//!     let pieces: Vec<_> = addresses
//!         .iter()
//!         .map(|&address| Piece { source: Source::Virtual(address), length: 8 })
//!         .collect();
//!     let batch = device.copy_batch(&pieces, EngineKind::Auto)?;
//!     let mut counters = Vec::new();
//!     for (transfer, bytes) in batch.pieces() {
//!         match (explain_transfer(transfer), bytes.try_into()) {
//!             (None, Ok(bytes)) => counters.push(u64::from_le_bytes(bytes)),
//!             (explanation, _) => eprintln!("{}", explanation.unwrap_or_default()),
//!         }
//!     }
//!     Ok(counters)
//! }
//! ```
//!
//! A failed *transport* (no driver, a lost connection) is never mixed up with a failed *request*
//! (the driver refused it), nor that with a copy that stopped ([`Transfer::status`]).

#![forbid(unsafe_code)]

pub mod abuse;
mod batch;
pub mod cli;
mod device;
mod explain;
mod hexdump;
mod judge;
pub mod machine;
mod number;
pub mod selftest;
mod transfer;
mod transport;
pub mod verify;
pub mod vm_test;
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
