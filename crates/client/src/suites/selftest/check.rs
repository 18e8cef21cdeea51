//! Whether an answer is the one expected.

use ringcopy_protocol::{Direction, EngineKind, NtStatus, Reach};

use super::{
    Answer,
    case::{Action, Expected, Fault},
};
use crate::Information;

/// What has to come of an action for a handle with this reach: memory out of reach is refused,
/// by the policy or for want of the privilege.
pub(super) const fn expected(
    action: Action,
    otherwise: Expected,
    information: &Information,
) -> Expected {
    expected_with(action.needs(), otherwise, information)
}

/// As [`expected`], of what needs this reach.
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

/// Compares an answer with what was expected. `first`: the addresses at which the reading and the
/// writing side begin.
pub(super) fn answer(
    answer: &Answer,
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
    if answer.status != status {
        return Err(format!("expected {status}"));
    }
    if answer.copied != copied {
        return Err(format!("expected {copied} bytes"));
    }
    if let Expected::Stops { fault, .. } = expected {
        place(answer, fault, &first)?;
    }
    if let Some(engine) = engine
        && copied > 0
        && answer.engine != engine
    {
        return Err(format!("copied by engine {:?}", answer.engine));
    }
    Ok(())
}

fn place(
    answer: &Answer,
    fault: Fault,
    first: &impl Fn(Direction) -> Option<u64>,
) -> Result<(), String> {
    let at = |direction| first(direction).map(|first| first.wrapping_add(answer.copied));
    match fault {
        Fault::Access(direction) => {
            if answer.direction != direction {
                return Err(format!("expected a fault of the {direction:?}"));
            }
            let expected = at(direction);
            if answer.address != expected {
                return Err(format!("expected {:#x}", expected.unwrap_or_default()));
            }
        }
        Fault::Denied => {
            if answer.address.is_some() {
                return Err("an address out of reach was reported".into());
            }
        }
    }
    Ok(())
}
