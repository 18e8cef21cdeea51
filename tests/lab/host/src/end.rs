//! How a virtual machine ended: the exit status of QEMU and the reason that it gives.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

use ringcopy_lab_mailbox::Exit;

/// QEMU's exit code when QEMU itself ended the machine.
const ENDED_BY_QEMU: i32 = 0;

/// The signal that the system sends when memory runs out.
const SIGKILL: i32 = 9;
const KILLED: &str = "QEMU was killed, as happens where memory runs out";

/// How a virtual machine ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It did everything that it was asked to do.
    Done,
    /// QEMU was asked to end.
    Interrupted,
    /// Something else ended it; the sentence says what.
    Stopped(String),
    /// QEMU could not run it.
    Failed(String),
}

impl End {
    /// `reason`: the cause that QEMU's `SHUTDOWN` event names.
    pub(crate) fn of(status: ExitStatus, reason: Option<&str>) -> Self {
        let stopped = |reason: &str| Self::Stopped(reason.to_owned());
        if let Some(exit) = status.code().and_then(guest_exit) {
            return match exit {
                Exit::Done => Self::Done,
                Exit::NotLoaded => stopped("an image could not be loaded"),
                Exit::Bugcheck => stopped("bugcheck"),
                Exit::Panic => stopped("a defect of the lab itself"),
            };
        }
        match (status.code(), reason) {
            // QEMU ends on SIGINT, SIGTERM and SIGHUP.
            (Some(ENDED_BY_QEMU), Some("host-signal")) => Self::Interrupted,
            // QEMU is told to end the machine instead of resetting it.
            (Some(ENDED_BY_QEMU), Some("guest-reset")) => stopped("a triple fault"),
            (Some(ENDED_BY_QEMU), Some(reason)) => Self::Stopped(format!("QEMU says {reason}")),
            (Some(ENDED_BY_QEMU), None) => stopped("QEMU ended and did not say why"),
            (Some(code), _) => Self::Failed(format!("exit code {code}")),
            (None, _) => Self::Stopped(match status.signal() {
                Some(SIGKILL) => KILLED.into(),
                signal => format!("QEMU crashed, by signal {}", signal.unwrap_or_default()),
            }),
        }
    }
}

/// Returns how the guest ended the machine, from QEMU's exit code: `value << 1 | 1`.
fn guest_exit(code: i32) -> Option<Exit> {
    (code & 1 == 1)
        .then(|| Exit::from_wire(u64::from(code.cast_unsigned() >> 1)))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DONE: i32 = 33;
    const BUGCHECK: i32 = 65;

    const SIGTERM: i32 = 15;

    fn exit(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    #[test]
    fn a_triple_fault_is_reported_only_of_a_guest_that_had_one() {
        let fault = End::of(exit(0), Some("guest-reset"));
        assert_eq!(fault, End::Stopped("a triple fault".into()));
        for (status, reason) in [
            (exit(0), Some("host-signal")),
            (exit(0), Some("guest-shutdown")),
            (exit(0), None),
            (exit(1), None),
            (exit(DONE), None),
            (exit(BUGCHECK), Some("guest-shutdown")),
            (ExitStatus::from_raw(SIGTERM), None),
        ] {
            let end = End::of(status, reason);
            assert!(!format!("{end:?}").contains("triple"), "{status}: {end:?}");
        }
    }

    #[test]
    fn each_end_is_reported() {
        assert_eq!(End::of(exit(0), Some("host-signal")), End::Interrupted);
        assert_eq!(End::of(exit(1), None), End::Failed("exit code 1".into()));
        assert_eq!(
            End::of(ExitStatus::from_raw(SIGKILL), None),
            End::Stopped(KILLED.into())
        );
        assert_eq!(
            End::of(ExitStatus::from_raw(11), None),
            End::Stopped("QEMU crashed, by signal 11".into())
        );
        assert_eq!(End::of(exit(DONE), None), End::Done);
        // QEMU may also report the guest's exit code as a shutdown of its own.
        assert_eq!(End::of(exit(DONE), Some("guest-shutdown")), End::Done);
    }
}
