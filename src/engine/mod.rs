//! Who copies virtual and physical memory: two engines, one contract.

mod native;
mod system;

use mm_copy::{CopyFlags, Engine as _, Hole, RamRange, RamRanges, Reason, Stop, Transfer};
use ringcopy_protocol::{EngineKind, NtStatus};
use usermode_accessors::VolatileSlice;

use crate::nt::{physical::RamList, processor};
use native::{NativeEngine, NativeMachine, WindowWalk};
use system::SystemMachine;

/// Both engines, as they stand after the start-up checks.
pub struct Engines {
    ram: RamList,
    address_bits: u32,
    native: Result<NativeMachine, NtStatus>,
}

impl Engines {
    /// Captures the RAM ranges and checks the native engine, unless the administrator ruled it
    /// out. That it does not pass is no failure. It will not read `uncached`.
    pub fn start(setting: EngineKind, uncached: RamRange) -> Result<Self, NtStatus> {
        let ram = RamList::capture()?;
        let address_bits = processor::physical_address_bits();
        let native = if setting == EngineKind::System {
            Err(NtStatus::NOT_SUPPORTED)
        } else {
            NativeMachine::start(RamRanges::new(ram.as_slice()), uncached, address_bits)
        };
        Ok(Self {
            ram,
            address_bits,
            native,
        })
    }

    /// `STATUS_SUCCESS` where the native engine may be used; else why not.
    pub fn native_status(&self) -> NtStatus {
        self.native
            .as_ref()
            .err()
            .copied()
            .unwrap_or(NtStatus::SUCCESS)
    }

    /// The ranges of RAM, in ascending order and with something else between them.
    pub fn ram(&self) -> &[RamRange] {
        self.ram.as_slice()
    }

    /// Copies for one request, with the engine of its choice.
    ///
    /// User addresses are those of the current process.
    pub fn copier(&self, choice: EngineKind) -> Copier<'_> {
        let ram = RamRanges::new(self.ram.as_slice());
        let native = self.native.as_ref().map_err(|status| *status);
        Copier {
            choice,
            native: native.map(|native| native.engine(ram)),
            system: SystemMachine::new(ram, self.address_bits),
        }
    }
}

/// Copies for one request.
pub struct Copier<'a> {
    choice: EngineKind,
    native: Result<NativeEngine<'a>, NtStatus>,
    system: SystemMachine<'a>,
}

/// What became of a copy, and whose it was.
pub struct Copied {
    pub transfer: Transfer,
    /// The last engine that copied.
    pub engine: EngineKind,
    /// Whether it went on where the native one stopped: at a page that is not resident, or RAM
    /// that it does not read.
    pub fell_back: bool,
}

impl Copier<'_> {
    /// Copies to nonpaged memory; refuses with the self-check's status where the native engine was
    /// asked for and is not there.
    pub fn copy(
        &self,
        flags: CopyFlags,
        address: u64,
        mut target: VolatileSlice<'_>,
    ) -> Result<Copied, NtStatus> {
        let native = match (self.choice, &self.native) {
            (EngineKind::Native, Err(status)) => return Err(*status),
            (EngineKind::System, _) | (EngineKind::Auto, Err(_)) => {
                return Ok(Copied {
                    transfer: self.copy_by_system(flags, address, target),
                    engine: EngineKind::System,
                    fell_back: false,
                });
            }
            (EngineKind::Native | EngineKind::Auto, Ok(native)) => native,
        };
        let transfer = mm_copy::copy_memory(native, flags, address, target.reborrow());
        let stopped = transfer
            .stop
            .filter(|stop| self.choice == EngineKind::Auto && Self::may_go_on(stop));
        let arrived = transfer.transferred;
        let length = target.len().saturating_sub(arrived);
        let Some((stop, rest)) = stopped.zip(target.subslice(arrived, length)) else {
            return Ok(Copied {
                transfer,
                engine: EngineKind::Native,
                fell_back: false,
            });
        };
        let rest = self.copy_by_system(flags, stop.address, rest);
        Ok(Copied {
            transfer: Transfer {
                transferred: arrived.saturating_add(rest.transferred),
                ..rest
            },
            engine: EngineKind::System,
            fell_back: true,
        })
    }

    /// Whether the system's engine might read what the native one does not: pages that are not
    /// resident, and RAM that is not for the native engine.
    fn may_go_on(stop: &Stop) -> bool {
        match stop.reason {
            Reason::Read(status) => status == native::NOT_CACHED,
            reason => reason.may_be_paged_out(),
        }
    }

    /// Copies with the system's engine. How far a hole in system memory reaches, `MmCopyMemory`
    /// does not say: the page tables do, where the native engine has shown that it can read them.
    fn copy_by_system(
        &self,
        flags: CopyFlags,
        address: u64,
        target: VolatileSlice<'_>,
    ) -> Transfer {
        let length = target.len();
        let mut transfer = mm_copy::copy_memory(&self.system, flags, address, target);
        let left = length.saturating_sub(transfer.transferred) as u64;
        if let (Some(stop), Ok(native), CopyFlags::VIRTUAL) =
            (&mut transfer.stop, &self.native, flags)
            && matches!(stop.reason, Reason::Read(_))
        {
            let walk = WindowWalk::over(*native.physical_memory());
            let hole = Hole {
                reason: stop.reason,
                length: walk.unused_from(stop.address),
            };
            let hole = hole.within(stop.address, left, |address| walk.unused_from(address));
            stop.hole_length = hole.length;
        }
        transfer
    }
}
