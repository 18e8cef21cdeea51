//! Failures of the system, as sentences that say what to do.

use super::{Facts, IMAGE, SERVICE, System};
use std::fmt;

/// Why a function of the system failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {action}: {text} (error {code})")]
pub struct SystemError {
    /// The action: a verb and its object.
    pub action: String,
    /// The Win32 error code.
    pub code: u32,
    /// The system's message.
    pub text: String,
}

/// Why a command ended: a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<SystemError> for Failure {
    fn from(error: SystemError) -> Self {
        Self(match advice(error.code) {
            Some(advice) => format!("cannot {}: {advice}.", error.action),
            None => {
                format!("{error}; repeat the command, and look the error up if it fails again.")
            }
        })
    }
}

/// Returns the advice for an error that means the same for every action. Source for all codes:
/// "System Error Codes".
const fn advice(code: u32) -> Option<&'static str> {
    Some(match code {
        5 => "only administrators may; start this program as an administrator",
        // A file is also in use while its image is mapped.
        32 | 1224 => "another program uses the file; close it, or stop the driver first",
        39 | 112 => "the disk is full; free space on it",
        225 | 226 => {
            "security software takes the file for malicious; have it leave the package alone, on a \
             machine made for tests"
        }
        1055 => "the service manager is busy; repeat the command",
        1060 => "the driver is not installed; run `ringcopy install`",
        1072 => {
            "the service is being deleted, but something still has it open; close the Services \
             window and other tools, or restart the machine"
        }
        1084 => "Windows runs in safe mode, which loads no such driver; restart it normally",
        1115 => "the machine is shutting down; repeat the command after its next start",
        _ => return None,
    })
}

/// Explains why an installed driver did not start.
pub(super) fn not_started(error: &SystemError, system: &mut dyn System) -> Failure {
    let why = match error.code {
        2 | 3 => format!(
            "its image is not at {}, or it imports from a driver that this Windows does not have; \
             run `ringcopy install` again",
            system.image_path()
        ),
        5 if system.facts().elevated == Some(true) => {
            "access was denied to an administrator, as security software does, or a driver that \
             may not create its device; see which security software runs, and what the driver \
             printed in a kernel debugger or DebugView"
                .into()
        }
        127 | 182 | 1150 | 1157 => {
            "it imports something that this Windows does not have; it needs KMDF 1.31, which comes \
             with Windows 10 version 2004"
                .into()
        }
        183 => {
            "its device exists already; see whether a service of another name has loaded a build \
             of this driver, and stop that one"
                .into()
        }
        193 | 216 | 706 => {
            "the image is damaged, or made for another processor; copy the package again, and \
             run `ringcopy install` from it"
                .into()
        }
        577 => refused_image(&system.facts()),
        // Windows has several lists of what it does not load.
        1260 | 1275 | 4551 => blocked(&system.facts()),
        654 => return still_there(),
        1058 => "its service is disabled; run `ringcopy uninstall`, then `ringcopy install`".into(),
        31 | 1450 | 1455 | 14 | 8 => {
            "it failed to start; see what it printed in a kernel debugger or DebugView, and whether \
             the machine is short of memory"
                .into()
        }
        _ => return error.clone().into(),
    };
    Failure(format!(
        "{SERVICE} does not start (error {}): {why}.",
        error.code
    ))
}

/// Explains that the driver to load is still being unloaded.
pub(super) fn still_there() -> Failure {
    Failure(format!(
        "{SERVICE} does not start: it is still being unloaded; if that does not end, a program \
         still has the device open: close it, and repeat the command."
    ))
}

/// Explains why a driver that was asked to unload is still loaded.
pub(super) fn not_stopped(system: &dyn System) -> Failure {
    Failure(if system.is_interrupted() {
        "interrupted; the driver is unloaded when no program has the device open any more.".into()
    } else {
        format!(
            "{SERVICE} does not stop: a program still has the device open; close it, and repeat \
             the command."
        )
    })
}

/// Explains why a driver that Windows began to load is not running.
pub(super) fn not_settled(system: &dyn System) -> Failure {
    Failure(if system.is_interrupted() {
        "interrupted; see `ringcopy status` for whether the driver is loaded.".into()
    } else {
        format!(
            "{SERVICE} does not finish starting; see `ringcopy status`, and restart the machine if \
             that does not change."
        )
    })
}

/// Explains that a policy of Windows blocks the image, although its signature may be valid.
///
/// Sources: "Microsoft recommended driver block rules" and "App Control for Business" for the
/// lists, "Understanding App Control event IDs" for the log.
fn blocked(facts: &Facts) -> String {
    let memory_integrity = if facts.memory_integrity() == Some(true) {
        "memory integrity is on, and with it the list of blocked drivers: turn both off in Windows \
         Security, Device security, Core isolation, and restart"
    } else {
        "see the lists that are in effect in Windows Security, Device security, Core isolation, and \
         under App & browser control"
    };
    format!(
        "a policy of Windows blocks it, whether or not its signature is valid; {memory_integrity}; \
         an administrator's App Control policy blocks too, and so does Windows for processors \
         other than x64; the event log Microsoft-Windows-CodeIntegrity/Operational names what \
         was blocked"
    )
}

/// Explains why Windows refuses the image's signature.
fn refused_image(facts: &Facts) -> String {
    if facts.test_signing() == Some(false) {
        let secure_boot = if facts.secure_boot == Some(true) {
            "turn Secure Boot off in the virtual machine's settings, "
        } else {
            ""
        };
        return format!(
            "{IMAGE} is signed with a test certificate, and test signing is off; \
             {secure_boot}run `bcdedit /set testsigning on` as an administrator, and restart"
        );
    }
    if facts.memory_integrity() == Some(true) {
        return "memory integrity refuses the image; turn it off in Windows Security, Device \
                security, Core isolation, and restart"
            .into();
    }
    format!(
        "the signature of {IMAGE} does not match its contents: the image was changed; \
         copy the package again, and run `ringcopy install` from it"
    )
}
