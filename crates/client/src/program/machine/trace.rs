//! The session that collects the driver's events.

use std::path::{Path, PathBuf};

use super::{Failure, System, SystemError};
use crate::trace::Raw;

/// The name of the session.
pub const SESSION: &str = "RingCopy";

/// `ERROR_WMI_INSTANCE_NOT_FOUND`: "System Error Codes (4000-5999)".
const NO_SESSION: u32 = 4201;

/// An event of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRecord {
    /// The time in units of 100 ns since 1601, UTC.
    pub time: i64,
    /// The process that the event was written in.
    pub process: u32,
    /// The thread.
    pub thread: u32,
    /// The event.
    pub event: Raw,
}

/// What a session has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceFile {
    /// The path of its file.
    pub file: PathBuf,
    /// The number of events that are not in it, since there was no free buffer.
    pub lost: u32,
}

/// Starts the session, whose events up to a level go to a file.
///
/// # Errors
/// If the session runs already, or the system refuses it.
pub fn start_trace(system: &mut dyn System, file: &Path, level: u8) -> Result<(), Failure> {
    system
        .start_trace(file, level)
        .map_err(|error| explain(&error, file))
}

/// Stops the session.
///
/// # Errors
/// If it does not run, or the system refuses.
pub fn stop_trace(system: &mut dyn System) -> Result<TraceFile, Failure> {
    system
        .stop_trace()
        .map_err(|error| explain(&error, Path::new("")))
}

/// Stops the session, if it runs.
///
/// # Errors
/// If the system refuses.
pub fn end_trace(system: &mut dyn System) -> Result<Option<TraceFile>, Failure> {
    match system.stop_trace() {
        // Wine says that it stopped a session that it does not have, and names no file.
        Ok(written) => Ok(Some(written).filter(|written| !written.file.as_os_str().is_empty())),
        Err(error) if error.code == NO_SESSION => Ok(None),
        Err(error) => Err(explain(&error, Path::new(""))),
    }
}

/// Calls `each` with every event in a file.
///
/// # Errors
/// If there is no such file, or it is not one that a session wrote.
pub fn read_trace(
    system: &mut dyn System,
    file: &Path,
    each: &mut dyn FnMut(TraceRecord),
) -> Result<(), Failure> {
    system
        .read_trace(file, each)
        .map_err(|error| explain(&error, file))
}

/// Explains what the functions for sessions fail with. Source for all codes: "System Error Codes".
fn explain(error: &SystemError, file: &Path) -> Failure {
    let file = file.display();
    let why = match error.code {
        2 => format!("there is no file {file}; name the one that `ringcopy trace start` named"),
        3 => format!("there is no folder for {file}; name a file in one that exists"),
        // What Windows says of a file depends on where it stops to understand it.
        11 | 13 | 1392 => {
            format!("{file} was not written by a trace session; name one of `ringcopy trace start`")
        }
        183 => "a session collects already; end it with `ringcopy trace stop`".into(),
        206 => format!("the path of {file} is too long; name a shorter one"),
        1450 => {
            "Windows has as many sessions as it can; stop another one, which `logman query -ets` \
             lists"
                .into()
        }
        NO_SESSION => "no session collects; start one with `ringcopy trace start`".into(),
        _ => return error.clone().into(),
    };
    Failure(format!("cannot {}: {why}.", error.action))
}
