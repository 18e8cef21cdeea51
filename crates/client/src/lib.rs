//! Drives the ringcopy driver from user mode.
//!
//! | module or item | what it does |
//! | --- | --- |
//! | [`Transport`] | reaches a driver, wherever it runs |
//! | [`Device`] | sends one request and checks its response |
//! | [`explain()`] | turns a failure into a sentence that says what to do |
//! | [`suites`] | tests a driver: a self-test, a comparison of its engines, malformed requests |
//! | `windows` | reaches the driver of this Windows machine |
//!
//! The feature `program`, which is on by default, adds the command-line program and what it
//! depends on:
//!
//! | module | what it does |
//! | --- | --- |
//! | `cli` | runs one command line |
//! | `machine` | installs, loads and examines the driver |
//! | `guest` | runs commands for a host over a serial port |
//! | `vm_test` | tests the driver under Driver Verifier |
//!
//! Many small reads are one request, and one that fails changes nothing for the others:
//!
//! ```
//! use ringcopy_client::{
//!     Device, Error, OpenAccess, Piece, Source, Transport, explain_copy, protocol::EngineKind,
//! };
//!
//! fn counters(transport: &mut dyn Transport, addresses: &[u64]) -> Result<Vec<u64>, Error> {
//!     let mut device = Device::open(transport, OpenAccess::Read)?;
//!     let user_limit = device.information()?.user_limit;
//!     let pieces: Vec<_> = addresses
//!         .iter()
//!         .map(|&address| Piece { source: Source::Virtual(address), length: 8 })
//!         .collect();
//!     let batch = device.copy_batch(&pieces, EngineKind::Auto)?;
//!     let mut counters = Vec::new();
//!     for (report, bytes) in batch.pieces() {
//!         match (explain_copy(report, user_limit), bytes.try_into()) {
//!             (None, Ok(bytes)) => counters.push(u64::from_le_bytes(bytes)),
//!             (explanation, _) => eprintln!("{}", explanation.unwrap_or_default()),
//!         }
//!     }
//!     Ok(counters)
//! }
//! ```
//!
//! Three kinds of failure have different types: the transport failed ([`TransportError`]), the
//! driver refused the request ([`Error::Refused`]), or a copy stopped early ([`CopyReport::result`]).

#![forbid(unsafe_code)]

mod copy_report;
mod device;
mod error;
mod explain;
mod information;
mod operation;
#[cfg(feature = "program")]
mod program;
mod response;
mod source;
pub mod suites;
pub mod trace;
#[cfg(any(windows, test))]
mod win32_status;
#[cfg(windows)]
pub mod windows;

pub use copy_report::CopyReport;
pub use device::{Batch, CallerCopy, CopyThrough, Device, DeviceCopy, Piece, ScatterPiece};
pub use error::Error;
pub use explain::{explain, explain_copy, explain_hole, explain_policy};
pub use information::Information;
pub use operation::Operation;
#[cfg(feature = "program")]
pub use program::{cli, guest, machine, vm_test};
pub use response::ResponseError;
pub use ringcopy_numbers::{ParseNumberError, parse_number};
pub use ringcopy_protocol as protocol;
pub use ringcopy_transport::{
    Buffer, Handle, Landmarks, OpenAccess, PAGE_LENGTH, Protection, RequestError, Transport,
    TransportError,
};
pub use source::Source;
