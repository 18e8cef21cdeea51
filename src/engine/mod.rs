//! The two engines that copy virtual and physical memory, with one contract.

mod native;
mod system;

use mm_copy::{CopyFlags, Engine as _, Hole, RamRange, RamRanges, Reason, Stop, Transfer};
use ringcopy_protocol::{CopyResult, Direction, EngineKind, NtStatus, ResultFlags};
use usermode_accessors::VolatileSlice;

use crate::nt::{physical::RamList, processor};
use native::{NativeEngine, NativeMachine, WindowWalk};
use system::SystemMachine;

/// Both engines, after the checks at load.
pub struct Engines {
    ram: RamList,
    address_bits: u32,
    native: Result<NativeMachine, NtStatus>,
}

impl Engines {
    /// Captures the RAM ranges, and checks the native engine unless the administrator excluded it.
    /// A native engine that fails its self-check is not an error.
    pub fn start(setting: EngineKind) -> Result<Self, NtStatus> {
        let ram = RamList::capture()?;
        let address_bits = processor::physical_address_bits();
        let native = if setting == EngineKind::System {
            Err(NtStatus::NOT_SUPPORTED)
        } else {
            NativeMachine::start(RamRanges::new(ram.as_slice()), address_bits)
        };
        Ok(Self {
            ram,
            address_bits,
            native,
        })
    }

    /// Returns `STATUS_SUCCESS` if the native engine is available; otherwise the reason.
    pub fn native_status(&self) -> NtStatus {
        self.native
            .as_ref()
            .err()
            .copied()
            .unwrap_or(NtStatus::SUCCESS)
    }

    /// Returns the ranges of RAM in ascending order, with gaps between them.
    pub fn ram(&self) -> &[RamRange] {
        self.ram.as_slice()
    }

    /// Returns what copies for one request, with the engine that it chose. User addresses are those
    /// of the current process.
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

impl Copier<'_> {
    /// Copies to nonpaged memory.
    ///
    /// If the request asks for the native engine and it is not available, the result has the status
    /// of its self-check.
    pub fn copy(
        &self,
        flags: CopyFlags,
        address: u64,
        mut target: VolatileSlice<'_>,
    ) -> CopyResult {
        let native = match (self.choice, &self.native) {
            (EngineKind::Native, Err(status)) => return CopyResult::of(*status),
            (EngineKind::System, _) | (EngineKind::Auto, Err(_)) => {
                let transfer = self.copy_by_system(flags, address, target);
                return result(&transfer, EngineKind::System);
            }
            (EngineKind::Native | EngineKind::Auto, Ok(native)) => native,
        };
        let transfer = mm_copy::copy_memory(native, flags, address, target.reborrow());
        let paged_out = transfer
            .stop
            .filter(|stop| self.choice == EngineKind::Auto && stop.reason.may_be_paged_out());
        let copied = transfer.transferred;
        let length = target.len().saturating_sub(copied);
        match paged_out.zip(target.subslice(copied, length)) {
            None => result(&transfer, EngineKind::Native),
            Some((stop, rest)) => {
                let rest = self.copy_by_system(flags, stop.address, rest);
                let rest = result(&rest, EngineKind::System);
                CopyResult {
                    copied: rest.copied.saturating_add(copied as u64),
                    flags: ResultFlags::FELL_BACK.bits(),
                    ..rest
                }
            }
        }
    }

    /// Copies with the system's engine. `MmCopyMemory` does not report the length of a hole in system
    /// memory, so it is read from the page tables if the native engine passed its self-check.
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

/// Converts the result of a copy by an engine.
const fn result(transfer: &Transfer, engine: EngineKind) -> CopyResult {
    let result = CopyResult {
        copied: transfer.transferred as u64,
        engine: engine as u32,
        ..CopyResult::of(transfer.status)
    };
    match &transfer.stop {
        // No access to memory was refused or failed.
        None
        | Some(Stop {
            reason: Reason::Flags,
            ..
        }) => result,
        Some(stop) => CopyResult {
            direction: Direction::Read as u32,
            address: stop.address,
            hole_length: stop.hole_length,
            ..result
        },
    }
}
