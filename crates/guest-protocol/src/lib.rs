//! What a test machine, the guest, and the program that drives it, the host, say to each other over a
//! serial port. The guest is `ringcopy guest`; the host is `cargo xtask vm`.
//!
//! # The line
//!
//! A serial port carries more than this protocol: firmware and boot loaders print to it, bytes are lost
//! while the machine restarts, and a terminal driver may echo. So a message is one packet, and each packet
//! can be told from noise:
//!
//! ```text
//! SOH length ' ' checksum ' ' message LF
//! ```
//!
//! | part | what it is |
//! | --- | --- |
//! | `SOH` | the byte 0x01, which occurs nowhere else in a packet: JSON escapes it |
//! | `length` | the number of bytes in `message`, in decimal, at most [`MESSAGE_LIMIT`] |
//! | `checksum` | the CRC-32 of `message`, as in Ethernet and zip, in eight hexadecimal digits |
//! | `message` | a [`ToGuest`] or a [`ToHost`], in JSON on one line |
//! | `LF` | the byte 0x0A; a 0x0D before it is ignored |
//!
//! [`encode`] makes a packet. [`Receiver`] finds packets among other bytes, however the bytes are split. A
//! packet that is damaged is dropped; the next `SOH` begins the next one. A message of the other direction
//! is [`Damage::Message`], so an echo does no harm.
//!
//! # The conversation
//!
//! The guest sends [`ToHost::Hello`] when it starts, and then does what the host asks, one request at a
//! time. It does not listen while a command runs. It sets no time limit: that is the host's business.
//!
//! | the host sends | the guest replies |
//! | --- | --- |
//! | [`ToGuest::Greet`] | [`ToHost::Hello`] |
//! | [`ToGuest::Run`] | [`ToHost::Started`], then [`ToHost::Output`] while the command runs, at last [`ToHost::Ended`]; [`ToHost::Restarting`] before each restart in between |
//! | [`ToGuest::List`] | [`ToHost::Files`] |
//! | [`ToGuest::Read`] | [`ToHost::Data`] |
//! | [`ToGuest::ShutDown`] | [`ToHost::ShuttingDown`] |
//!
//! A request that makes no sense gets [`ToHost::Refused`].
//!
//! Every request can be sent again if its reply does not come, because a repetition changes nothing:
//! commands have numbers, and the guest runs each number once. If the host repeats the last number, the
//! guest sends how that command ended. The host counts from 1.
//!
//! The guest keeps the last command in a file that survives restarts and crashes. A command that asks for
//! a restart, as `vm-test` does, is continued after it: the guest sends `Restarting`, restarts the
//! machine, and then sends `Hello` with the command as [`State::Running`], `Started`, and further output.
//! Offsets of the output begin at 0 again after each `Started`. A `vm-test` that a crash ended is
//! continued, too; it reports the crash itself. Any other command that a crash ended is
//! [`Outcome::Lost`].
//!
//! Output is sent as soon as it is printed and is never sent twice: a gap in its offsets says that some
//! was lost. What matters is in files, which can be read again.

#![forbid(unsafe_code)]

mod message;
mod packet;

pub use message::{
    Bytes, Command, File, FileName, Hello, InvalidFileName, Last, Outcome, State, ToGuest, ToHost,
};
pub use packet::{Damage, Received, Receiver, TooLong, encode};

/// The version of the protocol. A host works with a guest of its own version.
pub const VERSION: u32 = 2;

/// The most bytes of a message, in JSON.
pub const MESSAGE_LIMIT: usize = 16 << 10;

/// The most bytes of text in a [`ToHost::Output`]. JSON takes at most six bytes for each.
pub const TEXT_LIMIT: usize = 2 << 10;

/// The most bytes of a file in a [`ToHost::Data`]. Base64 takes four bytes for three.
pub const DATA_LIMIT: usize = 8 << 10;

/// The most files in a [`ToHost::Files`].
pub const FILES_LIMIT: usize = 64;

/// The most characters of a [`FileName`].
pub const NAME_LIMIT: usize = 96;
