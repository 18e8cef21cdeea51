//! Packets among other bytes.

use std::{error::Error, fmt};

use serde::{Serialize, de::DeserializeOwned};

use crate::MESSAGE_LIMIT;

/// Begins a packet, and occurs nowhere else in one.
const START: u8 = 0x01;

/// Ends a packet.
const END: u8 = b'\n';

/// The most bytes between start and end: the message, its length, its checksum, two spaces, and the
/// ignored 0x0D.
const LINE_LIMIT: usize = MESSAGE_LIMIT + 5 + 8 + 2 + 1;

/// A message that has more than [`MESSAGE_LIMIT`] bytes in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the message has more than {MESSAGE_LIMIT} bytes")
    }
}

impl Error for TooLong {}

/// Returns the packet of a message.
///
/// # Errors
/// If the message is too long. A message that keeps the limits of this crate is not.
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, TooLong> {
    // The messages have no map whose keys are not strings, the one thing that JSON cannot express.
    let message = serde_json::to_vec(message).map_err(|_| TooLong)?;
    if message.len() > MESSAGE_LIMIT {
        return Err(TooLong);
    }
    let checksum = crc32fast::hash(&message);
    let mut packet = vec![START];
    packet.extend_from_slice(format!("{} {checksum:08x} ", message.len()).as_bytes());
    packet.extend_from_slice(&message);
    packet.push(END);
    Ok(packet)
}

/// What a [`Receiver`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received<M> {
    /// A message.
    Message(M),
    /// A line outside of packets, without its end: text of firmware, for example. A long line comes in
    /// pieces.
    Noise(Vec<u8>),
    /// A packet that was dropped.
    Damaged(Damage),
}

/// Why a packet was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Another packet began before its end.
    Unfinished,
    /// It is longer than any packet.
    TooLong,
    /// It does not have the three parts.
    Form,
    /// Its message has another length than it says.
    Length,
    /// Its message has another checksum than it says.
    Checksum,
    /// Its message is none of this direction.
    Message,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unfinished => "a packet ended early",
            Self::TooLong => "a packet was too long",
            Self::Form => "a packet did not have its parts",
            Self::Length => "a packet had another length than it said",
            Self::Checksum => "a packet had another checksum than it said",
            Self::Message => "a packet had a message that is none of this direction",
        })
    }
}

/// Finds packets in the bytes of a serial port. It keeps at most one packet's length of them.
#[derive(Debug, Default)]
pub struct Receiver {
    line: Vec<u8>,
    /// Whether the line began with [`START`].
    in_packet: bool,
    /// Whether the packet was too long; the rest of it is dropped.
    dropping: bool,
}

impl Receiver {
    /// Returns a receiver that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes. Returns what they completed, in their order.
    pub fn receive<M: DeserializeOwned>(&mut self, bytes: &[u8]) -> Vec<Received<M>> {
        bytes
            .iter()
            .filter_map(|&byte| self.receive_byte(byte))
            .collect()
    }

    fn receive_byte<M: DeserializeOwned>(&mut self, byte: u8) -> Option<Received<M>> {
        match byte {
            START => {
                let before = if self.in_packet {
                    Some(Received::Damaged(Damage::Unfinished))
                } else {
                    self.take_noise()
                };
                *self = Self {
                    in_packet: true,
                    ..Self::default()
                };
                before
            }
            END if self.in_packet => {
                let line = std::mem::take(self).line;
                Some(parse(&line).map_or_else(Received::Damaged, Received::Message))
            }
            END => {
                self.dropping = false;
                self.take_noise()
            }
            _ if self.dropping => None,
            _ => {
                self.line.push(byte);
                if self.line.len() <= LINE_LIMIT {
                    return None;
                }
                if self.in_packet {
                    *self = Self {
                        dropping: true,
                        ..Self::default()
                    };
                    Some(Received::Damaged(Damage::TooLong))
                } else {
                    self.take_noise()
                }
            }
        }
    }

    fn take_noise<M>(&mut self) -> Option<Received<M>> {
        let mut line = std::mem::take(&mut self.line);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        (!line.is_empty()).then_some(Received::Noise(line))
    }
}

fn parse<M: DeserializeOwned>(line: &[u8]) -> Result<M, Damage> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let mut part = || parts.next().ok_or(Damage::Form);
    let (length, checksum, message) = (digits(part()?, 10)?, digits(part()?, 16)?, part()?);
    if usize::try_from(length) != Ok(message.len()) {
        return Err(Damage::Length);
    }
    if crc32fast::hash(message) != checksum {
        return Err(Damage::Checksum);
    }
    serde_json::from_slice(message).map_err(|_| Damage::Message)
}

fn digits(text: &[u8], radix: u32) -> Result<u32, Damage> {
    // The parser of numbers also takes a sign.
    if text.first() == Some(&b'+') {
        return Err(Damage::Form);
    }
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| u32::from_str_radix(text, radix).ok())
        .ok_or(Damage::Form)
}
