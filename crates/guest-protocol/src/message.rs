//! The messages.

use std::{error::Error, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{MESSAGE_LIMIT, NAME_LIMIT};

/// A message of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ToGuest {
    /// Asks for [`ToHost::Hello`].
    Greet,
    /// Runs a command.
    Run {
        /// The command's number: one more than that of the last command, or the same to ask how that one
        /// ended.
        number: u32,
        /// The command. It is ignored if the number is that of the last one.
        command: Command,
    },
    /// Asks for the files that the host can read.
    List,
    /// Asks for a part of a file.
    Read {
        /// The file.
        name: FileName,
        /// Where the part begins.
        offset: u64,
    },
    /// Asks the guest to shut its machine down.
    ShutDown,
}

/// A message of the guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ToHost {
    /// The guest is there.
    Hello(Hello),
    /// A command begins, or is continued after a restart.
    Started {
        /// The command's number.
        number: u32,
    },
    /// The command printed this.
    Output {
        /// The command's number.
        number: u32,
        /// The number of bytes that it printed before this since [`ToHost::Started`].
        offset: u64,
        /// What it printed: at most [`TEXT_LIMIT`](crate::TEXT_LIMIT) bytes.
        text: String,
    },
    /// The guest restarts its machine, and continues the command afterwards.
    Restarting {
        /// The command's number.
        number: u32,
    },
    /// The command ended. All of its output was sent before.
    Ended {
        /// The command's number.
        number: u32,
        /// How it ended.
        outcome: Outcome,
    },
    /// The files that the host can read, at most [`FILES_LIMIT`](crate::FILES_LIMIT).
    Files(Vec<File>),
    /// A part of a file.
    Data {
        /// The file.
        name: FileName,
        /// Where the part begins.
        offset: u64,
        /// The part: at most [`DATA_LIMIT`](crate::DATA_LIMIT) bytes. It is empty at the end of the file
        /// and after it.
        bytes: Bytes,
        /// The length of the whole file, as it is now.
        length: u64,
    },
    /// The guest does not do what it was asked to.
    Refused {
        /// Why not.
        sentence: String,
    },
    /// The guest shuts its machine down.
    ShuttingDown,
}

/// What the guest says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The version of the protocol: [`VERSION`](crate::VERSION).
    pub version: u32,
    /// The version of the client.
    pub client: String,
    /// Windows' major version, minor version and build.
    pub windows: [u32; 3],
    /// How often the guest was started since its last command began.
    pub starts: u32,
    /// The last command, if there was one.
    pub last: Option<Last>,
}

/// The last command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Last {
    /// Its number.
    pub number: u32,
    /// The command.
    pub command: Command,
    /// Whether it has ended.
    pub state: State,
}

/// Whether a command has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has not: it is continued.
    Running,
    /// It has, in this way.
    Ended(Outcome),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With this exit code, 0 for success.
    Exit(i32),
    /// The machine ended while the command ran.
    Lost,
}

/// A command of the client. The guest runs no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// `ringcopy install`, from the guest's own folder.
    Install {
        /// With `--trust-certificate`.
        trust_certificate: bool,
    },
    /// `ringcopy uninstall`.
    Uninstall,
    /// `ringcopy start`.
    Start,
    /// `ringcopy stop`.
    Stop,
    /// `ringcopy status`.
    Status,
    /// `ringcopy doctor`.
    Doctor,
    /// `ringcopy info`.
    Info,
    /// `ringcopy selftest`.
    Selftest,
    /// `ringcopy verify`.
    Verify,
    /// `ringcopy vm-test`.
    VmTest {
        /// With `--no-restart`.
        no_restart: bool,
        /// With `--risky`.
        risky: bool,
        /// With this number after `--loads`; `None` for the client's own number.
        loads: Option<u32>,
    },
    /// `ringcopy vm-test --give-up`.
    GiveUp,
}

/// A file that the host can read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its name.
    pub name: FileName,
    /// Its length in bytes.
    pub length: u64,
}

/// The name of a file, which is safe as a name on any system: ASCII letters, digits, `.`, `-` and `_`,
/// from 1 to [`NAME_LIMIT`] of them, and the first no `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

impl FileName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for FileName {
    type Error = InvalidFileName;

    fn try_from(name: String) -> Result<Self, InvalidFileName> {
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let valid = (1..=NAME_LIMIT).contains(&name.len())
            && name.bytes().all(is_safe)
            && !name.starts_with('.');
        if valid {
            Ok(Self(name))
        } else {
            Err(InvalidFileName)
        }
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name that is no [`FileName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidFileName;

impl fmt::Display for InvalidFileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name has other characters than letters, digits, '.', '-' and '_'")
    }
}

impl Error for InvalidFileName {}

/// Bytes of a file, in base64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(de::Error::custom)
    }
}

// The longest text and the longest part of a file fit into a message, with what is around them.
const _: () = {
    const AROUND: usize = 256 + NAME_LIMIT;
    assert!(6 * crate::TEXT_LIMIT + AROUND <= MESSAGE_LIMIT);
    assert!(4 * crate::DATA_LIMIT.div_ceil(3) + AROUND <= MESSAGE_LIMIT);
    assert!(crate::FILES_LIMIT * (NAME_LIMIT + 64) <= MESSAGE_LIMIT);
};
