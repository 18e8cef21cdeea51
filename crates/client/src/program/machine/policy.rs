//! What the administrator allows, as it stands under the service's `Parameters` key.

use ringcopy_protocol::{ENGINE_VALUE, Engine, POLICY_VALUE, Reach};

use super::{Failure, Machine, service::installed};

/// The settings. The driver reads them when it is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What a caller with `SeDebugPrivilege` may reach besides its own memory.
    pub reach: Reach,
    /// Whether the native engine may be used: [`Engine::System`] rules it out.
    pub engine: Engine,
}

/// The settings as they are.
///
/// # Errors
/// A sentence.
pub fn policy(machine: &mut dyn Machine) -> Result<Policy, Failure> {
    installed(machine)?;
    let mut value = |name| machine.parameter(name).map(Option::unwrap_or_default);
    let (reach, engine) = (value(POLICY_VALUE)?, value(ENGINE_VALUE)?);
    Ok(Policy {
        reach: Reach::from_bits_truncate(reach),
        // As the driver reads it.
        engine: Engine::from_wire(engine).unwrap_or(Engine::System),
    })
}

/// Changes them.
///
/// # Errors
/// A sentence.
pub fn set_policy(machine: &mut dyn Machine, policy: Policy) -> Result<(), Failure> {
    installed(machine)?;
    machine.set_parameter(POLICY_VALUE, policy.reach.bits())?;
    machine.set_parameter(ENGINE_VALUE, policy.engine as u32)?;
    Ok(())
}
