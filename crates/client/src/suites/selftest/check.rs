//! Checks a copy against the expected result.

use ringcopy_protocol::{Direction, EngineKind, NtStatus, Reach};

use super::case::{Action, Expected, Fault};
use crate::{CopyReport, Information};

/// Returns the expected result of an action for this handle: memory out of reach is refused, by the
/// policy or because the privilege is missing.
pub(super) const fn expected(
    action: Action,
    otherwise: Expected,
    information: &Information,
) -> Expected {
    expected_with(action.needs(), otherwise, information)
}

/// As [`expected`], for memory that needs this reach.
pub(super) const fn expected_with(
    needs: Reach,
    otherwise: Expected,
    information: &Information,
) -> Expected {
    if information.reach.contains(needs) {
        return otherwise;
    }
    Expected::Stops {
        status: denial(needs, information.policy),
        copied: 0,
        fault: Fault::Denied,
    }
}

const fn denial(needs: Reach, policy: Reach) -> NtStatus {
    if policy.contains(needs) {
        NtStatus::PRIVILEGE_NOT_HELD
    } else {
        NtStatus::ACCESS_DENIED
    }
}

/// Compares a copy with the expected result. `first` returns the first address that is read or
/// written.
pub(super) fn copy(
    report: &CopyReport,
    expected: Expected,
    asked: u64,
    engine: Option<EngineKind>,
    first: impl Fn(Direction) -> Option<u64>,
) -> Result<(), String> {
    let (status, copied) = match expected {
        Expected::Complete => (NtStatus::SUCCESS, asked),
        Expected::Stops { status, copied, .. } => (status, copied),
        Expected::Refused(status) => (status, 0),
        Expected::AsItsParts => return Ok(()),
    };
    if report.result.status() != status {
        return Err(format!("expected {status}"));
    }
    if report.result.copied != copied {
        return Err(format!("expected {copied} bytes"));
    }
    if let Expected::Stops { fault, .. } = expected {
        stop(report, fault, &first)?;
    }
    if let Some(engine) = engine
        && copied > 0
        && report.result.engine() != engine
    {
        return Err(format!("copied by engine {:?}", report.result.engine()));
    }
    Ok(())
}

fn stop(
    report: &CopyReport,
    fault: Fault,
    first: &impl Fn(Direction) -> Option<u64>,
) -> Result<(), String> {
    let at = |direction| first(direction).map(|first| first.wrapping_add(report.result.copied));
    match fault {
        Fault::Access(direction) => {
            if report.result.direction() != direction {
                return Err(format!("expected a fault of the {direction:?}"));
            }
            let expected = at(direction);
            if report.result.stop_address() != expected {
                return Err(format!("expected {:#x}", expected.unwrap_or_default()));
            }
        }
        Fault::Denied => {
            if report.result.stop_address().is_some() {
                return Err("an address out of reach was reported".into());
            }
        }
    }
    Ok(())
}
