//! The lab's host: starts QEMU with the lab's kernel and a driver, sends commands through the
//! mailbox in the guest's memory, and makes each process of the lab a
//! [`Transport`](ringcopy_transport::Transport).
//!
//! A lab is one virtual machine with one driver. It ends with its [`Lab`], also if the program is
//! killed, and leaves no file.
//!
//! [`drive`] loads any driver and says what was wrong with it. [`MixedMappings`], [`Flicker`],
//! [`Repeated`] and [`SystemCopy`] are for the tests of this project's driver.

#![forbid(unsafe_code)]

mod archive;
mod channel;
mod control;
pub mod drive;
mod end;
mod error;
mod folder;
mod hardware_id;
mod lab;
mod log;
mod mixed_mappings;
mod options;
mod process;
pub mod scripted_qemu;
mod signals;
pub mod small_image;
mod virtual_machine;

pub use channel::Flicker;
pub use error::LabError;
pub use hardware_id::{HardwareId, HardwareIdError};
pub use lab::{Counts, Facts, Lab, Report, readable, show_event};
pub use mixed_mappings::{MixedMappings, Reader};
pub use options::{Counted, Options, RegistryValue};
pub use process::{Beside, Caller, Process, Repeated, Sender, Sending, Sent, SystemCopy};
pub use ringcopy_lab_mailbox::{
    Count, DATA_LENGTH, HypervisorKind, Interference, MachineFact, Mapping, MappingKind,
    PROCESSORS, PnpRequest, Protection as PageState, RamRange, RamState, UNTOUCHED, Withheld,
    opener, rules, token,
};
pub use signals::interrupt_on_signals;
