//! The policy that the administrator sets, under the service's `Parameters` key.

use ringcopy_protocol::{ENGINE_VALUE, EngineKind, POLICY_VALUE, Reach};

use super::{Failure, System, service::installed};

/// The policy. The driver reads it when it is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The reach of callers with `SeDebugPrivilege`, besides their own memory.
    pub reach: Reach,
    /// Whether the native engine may be used: [`EngineKind::System`] rules it out.
    pub engine: EngineKind,
}

/// Returns the policy.
///
/// # Errors
/// If the driver is not installed, or the registry cannot be read.
pub fn policy(system: &mut dyn System) -> Result<Policy, Failure> {
    installed(system)?;
    let mut value = |name| system.parameter(name).map(Option::unwrap_or_default);
    let (reach, engine) = (value(POLICY_VALUE)?, value(ENGINE_VALUE)?);
    Ok(Policy {
        reach: Reach::from_bits_truncate(reach),
        // The driver reads it in the same way.
        engine: EngineKind::from_wire(engine).unwrap_or(EngineKind::System),
    })
}

/// Changes the policy.
///
/// # Errors
/// If the driver is not installed, or the registry cannot be written.
pub fn set_policy(system: &mut dyn System, policy: Policy) -> Result<(), Failure> {
    installed(system)?;
    system.set_parameter(POLICY_VALUE, policy.reach.bits())?;
    system.set_parameter(ENGINE_VALUE, policy.engine as u32)?;
    Ok(())
}
