//! The lab from its host's side: starts QEMU with the lab's kernel and a driver, talks to it
//! through the mailbox in its memory, and makes each of its processes a
//! [`Transport`](ringcopy_client::Transport) for the client.
//!
//! A lab is one virtual machine with one driver. It dies with its [`Lab`], whatever becomes of
//! the test that started it, and leaves no file behind.

#![forbid(unsafe_code)]

mod archive;
mod channel;
mod control;
mod end;
mod error;
mod folder;
mod lab;
mod log;
mod machine;
mod mosaic;
mod options;
mod process;

pub use channel::Flicker;
pub use error::LabError;
pub use lab::{Counts, Facts, Lab, RamRange, Report, load};
pub use mosaic::{Mosaic, Reader};
pub use options::{Options, RegistryValue};
pub use process::{Caller, Process, Repeated, Sent, SystemCopy};
pub use ringcopy_lab_mailbox::DATA_LENGTH;
pub use ringcopy_lab_mailbox::{
    Count, Interference, MachineFact, Protection as PageState, RamState, Tile, TileKind, UNTOUCHED,
    Withheld, opener, token,
};
