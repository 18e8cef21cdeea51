//! How a machine came to its end, by what QEMU said and exited with.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

/// What QEMU exits with where the lab's kernel ended the machine: all is well.
const DONE: i32 = 33;
/// An image could not be loaded.
const IMAGE: i32 = 35;
/// The driver left something behind.
const LEAK: i32 = 37;
/// The driver's entry point failed.
const ENTRY: i32 = 39;
/// The driver broke a rule.
const BUGCHECK: i32 = 65;
/// The lab itself is broken.
const DEFECT: i32 = 97;

/// What QEMU exits with where it ended the machine itself.
const ENDED_BY_QEMU: i32 = 0;

/// What nobody can defend against, and what the system itself sends where memory runs out.
const SIGKILL: i32 = 9;
const KILLED: &str = "QEMU was killed, as happens where memory runs out";

/// How a machine came to its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It did all that it was asked to.
    Done,
    /// Somebody outside asked QEMU to end.
    Interrupted,
    /// Something happened in it, or to it.
    Stopped(String),
    /// QEMU could not run it.
    Failed(String),
}

impl End {
    /// `reason`: the cause that QEMU's `SHUTDOWN` event names.
    pub(crate) fn of(status: ExitStatus, reason: Option<&str>) -> Self {
        let stopped = |reason: &str| Self::Stopped(reason.to_owned());
        match (status.code(), reason) {
            (Some(DONE), _) => Self::Done,
            (Some(IMAGE), _) => stopped("an image could not be loaded"),
            (Some(LEAK), _) => stopped("the driver left something behind"),
            (Some(ENTRY), _) => stopped("the driver's entry point failed"),
            (Some(BUGCHECK), _) => stopped("bugcheck"),
            (Some(DEFECT), _) => stopped("a defect of the lab's own"),
            // SIGINT, SIGTERM and SIGHUP are requests, which QEMU grants.
            (Some(ENDED_BY_QEMU), Some("host-signal")) => Self::Interrupted,
            // QEMU is told to end the machine where it would reset it.
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

#[cfg(test)]
mod tests {
    use super::*;

    const SIGTERM: i32 = 15;

    fn exit(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    #[test]
    fn f12_a_triple_fault_is_told_only_of_a_guest_that_had_one() {
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
    fn f12_each_end_is_told_apart() {
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
        // A QEMU that passes the guest's exit code on through its own shutdown says so as well.
        assert_eq!(End::of(exit(DONE), Some("guest-shutdown")), End::Done);
    }
}
