//! Who copies virtual and physical memory: two engines, one contract.

mod native;
mod system;

use mm_copy::{CopyFlags, RamRanges, Transfer};
use ringcopy_protocol::{Engine, NtStatus};
use usermode_accessors::VolatileSlice;

use crate::nt::physical::RamList;
use native::NativeMachine;
use system::SystemMachine;

/// Both engines, as they stand after the start-up checks.
pub struct Engines {
    ram: RamList,
    native: Result<NativeMachine, NtStatus>,
}

impl Engines {
    /// Captures the RAM ranges and checks the native engine, unless the administrator ruled it
    /// out. That it does not pass is no failure.
    pub fn start(setting: Engine) -> Result<Self, NtStatus> {
        let ram = RamList::capture()?;
        let native = if setting == Engine::System {
            Err(NtStatus::NOT_SUPPORTED)
        } else {
            NativeMachine::start(RamRanges::new(ram.as_slice()))
        };
        Ok(Self { ram, native })
    }

    /// `STATUS_SUCCESS` where the native engine may be used; else why not.
    pub fn native_status(&self) -> NtStatus {
        self.native
            .as_ref()
            .err()
            .copied()
            .unwrap_or(NtStatus::SUCCESS)
    }

    /// Copies with the engine of the request's choice, and names the one that did; refuses with
    /// the self-check's status where the native one was asked for and is not there.
    ///
    /// User addresses are those of the current process. The target is nonpaged.
    pub fn copy(
        &self,
        choice: Engine,
        flags: CopyFlags,
        address: u64,
        target: VolatileSlice<'_>,
    ) -> Result<(Transfer, Engine), NtStatus> {
        let ram = RamRanges::new(self.ram.as_slice());
        match (choice, &self.native) {
            (Engine::Native, Err(status)) => Err(*status),
            (Engine::System, _) | (Engine::Auto, Err(_)) => {
                let machine = SystemMachine::new(ram);
                Ok((
                    mm_copy::copy_memory(&machine, flags, address, target),
                    Engine::System,
                ))
            }
            (Engine::Native | Engine::Auto, Ok(native)) => {
                Ok((native.copy(ram, flags, address, target), Engine::Native))
            }
        }
    }
}
