//! What is asked of a driver, one step after the other, and the script that has the steps as lines.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Parser, ValueEnum};
use ringcopy_lab_mailbox::PnpRequest;
use ringcopy_numbers::parse_number;

/// The most bytes of one request's input or output.
const MOST: u64 = 16 << 20;

/// One step. In a script, each is a line: its name, then its arguments.
#[derive(Clone, Debug, Parser)]
#[command(no_binary_name = true, disable_help_subcommand = true)]
pub enum Step {
    /// Open a device: by its link as \\.\NAME or NAME, by its name as \Device\NAME, or by the class of its
    /// interface as {GUID}
    Open {
        /// The device
        device: String,
        /// The name of the handle in later steps
        #[arg(long = "as", value_name = "HANDLE")]
        handle: Option<String>,
        /// What the handle may do
        #[arg(long, value_enum, default_value_t = Access::ReadWrite)]
        access: Access,
    },
    /// Send a device control request; its code says how the buffers are passed
    Ioctl {
        /// The control code
        #[arg(value_parser = control_code)]
        code: u32,
        /// The input: hexadecimal digits, or @FILE
        #[arg(long, value_name = "HEX|@FILE", default_value = "")]
        input: Bytes,
        /// Bytes of the output buffer
        #[arg(long, value_name = "N", value_parser = length, default_value = "0")]
        output_length: usize,
        /// The handle; without, the last one that was opened
        #[arg(long, value_name = "HANDLE")]
        on: Option<String>,
    },
    /// Read from the device
    Read {
        /// Bytes of the buffer
        #[arg(value_parser = length)]
        length: usize,
        /// The byte offset
        #[arg(long, value_name = "N", value_parser = parse_number, default_value = "0")]
        offset: u64,
        /// The handle; without, the last one that was opened
        #[arg(long, value_name = "HANDLE")]
        on: Option<String>,
    },
    /// Write to the device
    Write {
        /// The bytes: hexadecimal digits, or @FILE
        bytes: Bytes,
        /// The byte offset
        #[arg(long, value_name = "N", value_parser = parse_number, default_value = "0")]
        offset: u64,
        /// The handle; without, the last one that was opened
        #[arg(long, value_name = "HANDLE")]
        on: Option<String>,
    },
    /// Close a handle; without a name, the last one that was opened
    Close {
        /// The handle
        handle: Option<String>,
    },
    /// Allocate memory of the program; in later bytes, &NAME is its address, 8 bytes
    Memory {
        /// Its name
        name: String,
        /// Its bytes; an unmapped page follows, and the rest of its last page is 0
        bytes: Bytes,
    },
    /// Have the Plug and Play manager send a request to the driver's device
    Pnp {
        /// The request
        #[arg(value_enum)]
        request: Pnp,
    },
    /// Let time pass for the driver: timers expire, waits end
    Wait {
        /// Milliseconds
        #[arg(value_parser = milliseconds)]
        milliseconds: Duration,
    },
}

/// What a handle may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Access {
    /// Neither read nor write
    None,
    /// Read
    Read,
    /// Write
    Write,
    /// Read and write
    ReadWrite,
}

/// A request of the Plug and Play manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Pnp {
    /// Ask whether the device may be stopped for a rebalance
    QueryStop,
    /// Take that back
    CancelStop,
    /// Stop the device
    Stop,
    /// Start it again
    Start,
    /// Ask whether it may be removed
    QueryRemove,
    /// Take that back
    CancelRemove,
    /// Tell that it is gone
    SurpriseRemoval,
    /// Remove its stack
    Remove,
}

impl Pnp {
    /// Returns the request of the mailbox.
    pub(super) const fn request(self) -> PnpRequest {
        match self {
            Self::QueryStop => PnpRequest::QueryStop,
            Self::CancelStop => PnpRequest::CancelStop,
            Self::Stop => PnpRequest::Stop,
            Self::Start => PnpRequest::Start,
            Self::QueryRemove => PnpRequest::QueryRemove,
            Self::CancelRemove => PnpRequest::CancelRemove,
            Self::SurpriseRemoval => PnpRequest::SurpriseRemoval,
            Self::Remove => PnpRequest::Remove,
        }
    }
}

impl Access {
    /// Returns the access bits: `FILE_READ_ACCESS` and `FILE_WRITE_ACCESS`.
    pub(super) const fn bits(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Read => 1,
            Self::Write => 2,
            Self::ReadWrite => 3,
        }
    }
}

/// Bytes of a request, or the file that has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// These, one after the other.
    Given(Vec<Part>),
    /// The content of a file.
    Of(PathBuf),
}

/// A part of a request's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// These bytes.
    Data(Vec<u8>),
    /// The address of memory with this name: 8 bytes.
    Address(String),
}

impl std::str::FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix('@') {
            return Ok(Self::Of(path.into()));
        }
        let text = text.strip_prefix("0x").unwrap_or(text);
        let words = text.split([' ', '_', ',']).filter(|word| !word.is_empty());
        let address = |name: &str| Ok(Part::Address(name.into()));
        let parts = words.map(|word| {
            let data = || digits(word).map(Part::Data);
            word.strip_prefix('&').map_or_else(data, address)
        });
        parts.collect::<Result<_, String>>().map(Self::Given)
    }
}

fn digits(text: &str) -> Result<Vec<u8>, String> {
    let characters: Vec<char> = text.chars().collect();
    let digit = |character: char| {
        let value = character.to_digit(16);
        let value = value.and_then(|value| u8::try_from(value).ok());
        value.ok_or_else(|| format!("'{character}' is no hexadecimal digit"))
    };
    let (pairs, []) = characters.as_chunks::<2>() else {
        return Err("a byte has two hexadecimal digits, and the last one here has one".into());
    };
    let bytes = pairs.iter();
    bytes
        .map(|&[high, low]| Ok(digit(high)? << 4 | digit(low)?))
        .collect()
}

impl Bytes {
    /// Returns the bytes. A file is found from `folder`.
    fn resolved(self, folder: &Path) -> Result<Self, String> {
        let Self::Of(path) = self else {
            return Ok(self);
        };
        let path = folder.join(path);
        let failed = |error: io::Error| format!("{}: {error}", path.display());
        let length = fs::metadata(&path).map_err(failed)?.len();
        if length > MOST {
            return Err(format!("{}: has more than {MOST} bytes", path.display()));
        }
        let data = fs::read(&path).map_err(failed)?;
        Ok(Self::Given(vec![Part::Data(data)]))
    }

    /// Returns the parts of a step that was [`resolved`](Step::resolved).
    pub(super) fn parts(&self) -> &[Part] {
        match self {
            Self::Given(parts) => parts,
            Self::Of(_) => &[],
        }
    }

    fn length(&self) -> usize {
        let lengths = self.parts().iter().map(|part| match part {
            Part::Data(bytes) => bytes.len(),
            Part::Address(_) => size_of::<u64>(),
        });
        lengths.sum()
    }
}

fn control_code(text: &str) -> Result<u32, String> {
    let number = parse_number(text).map_err(|error| error.to_string())?;
    u32::try_from(number).map_err(|_| "a control code has 32 bits".into())
}

fn length(text: &str) -> Result<usize, String> {
    let number = parse_number(text).map_err(|error| error.to_string())?;
    let short = usize::try_from(number).ok().filter(|_| number <= MOST);
    short.ok_or_else(|| format!("a buffer has {MOST} bytes at most here"))
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    let number = text.strip_suffix("ms").unwrap_or(text);
    let number: u32 = number
        .parse()
        .map_err(|_| "a number of milliseconds is needed")?;
    Ok(Duration::from_millis(number.into()))
}

impl Step {
    /// Reads the file that a step names, from a folder.
    ///
    /// # Errors
    ///
    /// A sentence with the file's name, if it cannot be read or is too long.
    fn resolved(self, folder: &Path) -> Result<Self, String> {
        Ok(match self {
            Self::Ioctl {
                code,
                input,
                output_length,
                on,
            } => Self::Ioctl {
                code,
                input: input.resolved(folder)?,
                output_length,
                on,
            },
            Self::Memory { name, bytes } => Self::Memory {
                name,
                bytes: bytes.resolved(folder)?,
            },
            Self::Write { bytes, offset, on } => Self::Write {
                bytes: bytes.resolved(folder)?,
                offset,
                on,
            },
            other => other,
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = match self {
            Self::Open { device, handle, .. } => {
                write!(f, "open {device}")?;
                let handle = handle.as_ref();
                return handle.map_or(Ok(()), |handle| write!(f, " as {handle}"));
            }
            Self::Ioctl {
                code,
                input,
                output_length,
                on,
            } => {
                let input = input.length();
                write!(
                    f,
                    "ioctl {code:#x}, {input} bytes in, {output_length} bytes out"
                )?;
                on
            }
            Self::Read { length, on, .. } => {
                write!(f, "read {length} bytes")?;
                on
            }
            Self::Write { bytes, on, .. } => {
                write!(f, "write {} bytes", bytes.length())?;
                on
            }
            Self::Close { handle } => {
                f.write_str("close")?;
                let handle = handle.as_ref();
                return handle.map_or(Ok(()), |handle| write!(f, " {handle}"));
            }
            Self::Memory { name, bytes } => {
                return write!(f, "memory {name}, {} bytes", bytes.length());
            }
            Self::Pnp { request } => {
                let value = request.to_possible_value();
                let name = value.as_ref().map_or("", |value| value.get_name());
                return write!(f, "pnp {name}");
            }
            Self::Wait { milliseconds } => {
                return write!(f, "wait {} ms", milliseconds.as_millis());
            }
        };
        on.as_ref().map_or(Ok(()), |on| write!(f, ", on {on}"))
    }
}

/// A line of a script that is no step.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ParseError {
    line: usize,
    reason: String,
}

/// Returns a line without its comment.
fn without_comment(line: &str) -> &str {
    let (step, _) = line.split_once(" #").unwrap_or((line, ""));
    step.trim()
}

/// Parses a script: a step on each line. A `#` at the start of a line, or after a space, begins a comment.
/// Files are found from the script's folder.
///
/// # Errors
///
/// The number of the first wrong line, and what is wrong.
pub fn parse_script(text: &str, folder: &Path) -> Result<Vec<Step>, ParseError> {
    let lines = (1..).zip(text.lines().map(without_comment));
    let steps = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    steps
        .map(|(line, text)| {
            parse_step(text.split_whitespace(), folder)
                .map_err(|reason| ParseError { line, reason })
        })
        .collect()
}

/// Parses the words of one step. Files are found from a folder.
///
/// # Errors
///
/// A sentence that says what is wrong.
pub fn parse_step<'word>(
    words: impl IntoIterator<Item = &'word str>,
    folder: &Path,
) -> Result<Step, String> {
    Step::try_parse_from(words)
        .map_err(|error| first_line(&error.to_string()))
        .and_then(|step| step.resolved(folder))
}

/// Returns the sentence of one of clap's errors, without its usage.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Step>, String> {
        parse_script(text, Path::new("/none")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_script_has_a_step_on_each_line() {
        let script = "# the device\nopen \\\\.\\Test --as one --access read\n\n\
            ioctl 0x222000 --input 01_02 --output-length 16\nread 4 --offset 0x10 --on one  # four bytes\n\
            memory page 00\nwrite 0xAbCd,&page\nwait 20ms\npnp query-stop\nclose one\n";
        let steps: Vec<_> = parsed(script)
            .unwrap()
            .iter()
            .map(Step::to_string)
            .collect();
        let expected = [
            r"open \\.\Test as one",
            "ioctl 0x222000, 2 bytes in, 16 bytes out",
            "read 4 bytes, on one",
            "memory page, 1 bytes",
            "write 10 bytes",
            "wait 20 ms",
            "pnp query-stop",
            "close one",
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn a_wrong_line_is_named_with_its_number() {
        for (script, sentence) in [
            ("\nopne x", "line 2: unrecognized subcommand 'opne'"),
            (
                "ioctl",
                "line 1: the following required arguments were not provided:",
            ),
            ("ioctl 0x1_0000_0000", "a control code has 32 bits"),
            ("write 123", "the last one here has one"),
            ("write 0g", "'g' is no hexadecimal digit"),
            ("write @no-such-file", "/none/no-such-file: "),
            ("read 17MiB", "a buffer has 16777216 bytes at most here"),
            ("wait long", "a number of milliseconds is needed"),
            ("open x --access all", "invalid value 'all'"),
        ] {
            let error = parsed(script).unwrap_err();
            assert!(error.contains(sentence), "{script}: {error}");
        }
    }
}
