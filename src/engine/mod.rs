//! The two engines that copy virtual and physical memory, with one contract.

mod native;
mod pieces;
mod ram;
mod system;

use core::cell::Cell;

use mm_copy::{CopyFlags, Hole, RamRange, Reason, Stop, Transfer};
use ringcopy_protocol::{CopyResult, Direction, EngineKind, NtStatus, ResultFlags};
use usermode_accessors::VolatileSlice;

use crate::{
    nt::{hypervisor, processor},
    trace,
};
use native::{NativeMachine, WindowMemory};
pub use pieces::{Addresses, Ended, Memory, Piece, is_in_a_page};
pub use ram::RamOfRequest;
use ram::{Miss, Ram};
use system::SystemMachine;

/// Both engines, after the checks at load.
pub struct Engines {
    ram: Ram,
    /// The first address that is wider than the processor's.
    end: u64,
    system_start: u64,
    native: Result<NativeMachine, NtStatus>,
}

impl Engines {
    /// Captures the list of RAM, and checks the native engine if it may be used.
    ///
    /// It may not if `setting` names the other engine, or if a hypervisor may withhold memory and
    /// `native_under_hypervisor` is not set. Then a request that names the native engine is refused as
    /// well: any program with a handle can name it, and a bug check is the whole machine's, so only an
    /// administrator's setting takes that risk. The native engine never reads `uncached`. Without it the
    /// system's engine serves `auto`.
    pub fn start(
        setting: EngineKind,
        native_under_hypervisor: bool,
        uncached: RamRange,
    ) -> Result<Self, NtStatus> {
        let ram = Ram::capture()?;
        let end = 1_u64.wrapping_shl(processor::physical_address_bits());
        let native = if setting == EngineKind::System {
            Err(NtStatus::NOT_SUPPORTED)
        } else if hypervisor::may_withhold_memory() && !native_under_hypervisor {
            Err(NtStatus::HV_ACCESS_DENIED)
        } else {
            NativeMachine::start(&ram.for_request(), uncached, end)
        };
        Ok(Self {
            ram,
            end,
            system_start: processor::paging_levels().system_start(),
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

    /// The list of RAM, for one request. IRQL: `PASSIVE_LEVEL`.
    #[inline]
    pub fn ram(&self) -> RamOfRequest<'_> {
        self.ram.for_request()
    }

    /// Copies for one request, with the engine of its choice.
    ///
    /// User addresses are those of the current process.
    pub const fn copier<'a, 'r>(
        &'a self,
        choice: EngineKind,
        ram: &'a RamOfRequest<'r>,
    ) -> Copier<'a, 'r> {
        Copier {
            choice: Cell::new(choice),
            engines: self,
            ram,
        }
    }
}

/// Copies for one request.
pub struct Copier<'a, 'r> {
    choice: Cell<EngineKind>,
    engines: &'a Engines,
    ram: &'a RamOfRequest<'r>,
}

impl<'a, 'r> Copier<'a, 'r> {
    /// Returns the engine that copies are made with.
    pub const fn choice(&self) -> EngineKind {
        self.choice.get()
    }

    /// Makes further copies with another engine.
    pub fn choose(&self, choice: EngineKind) {
        self.choice.set(choice);
    }

    /// Copies to nonpaged memory. IRQL: `PASSIVE_LEVEL`.
    ///
    /// If the request asks for the native engine and it is not available, the result has the status
    /// of its self-check.
    #[inline]
    pub fn copy(
        &self,
        flags: CopyFlags,
        address: u64,
        mut target: VolatileSlice<'_>,
    ) -> CopyResult {
        let length = target.len();
        if let Some(engine) = self.engine()
            && let Some(memory) = Memory::of(flags, address)
            && is_in_a_page(address, length as u64)
            && self.addresses(memory).hold(address)
        {
            let mut piece = Some(Piece { address, length });
            match self.read_pieces((engine, memory), target.reborrow(), || piece.take()) {
                Ended::AllRead => return complete(length, engine),
                Ended::NotBegun => {}
                Ended::Stopped(transfer) => {
                    return self.stopped(engine, flags, address, target, transfer);
                }
            }
        }
        self.copy_any(flags, address, target)
    }

    /// As [`copy`](Self::copy), of anything.
    #[inline(never)]
    fn copy_any(
        &self,
        flags: CopyFlags,
        address: u64,
        mut target: VolatileSlice<'_>,
    ) -> CopyResult {
        let Some(engine) = self.engine() else {
            return CopyResult::of(self.engines.native_status());
        };
        let length = target.len();
        let transfer = self.copy_by(engine, flags, address, target.reborrow());
        if transfer.is_complete() {
            return complete(length, engine);
        }
        self.after_stop(engine, flags, address, target, transfer)
    }

    /// Returns the result of a copy by an engine that stopped while it read: what [`copy`](Self::copy)
    /// would return.
    #[cold]
    pub fn stopped(
        &self,
        engine: EngineKind,
        flags: CopyFlags,
        address: u64,
        target: VolatileSlice<'_>,
        transfer: Transfer,
    ) -> CopyResult {
        let transfer = match engine {
            EngineKind::System => self.with_hole(flags, target.len(), transfer),
            EngineKind::Native | EngineKind::Auto => transfer,
        };
        self.after_stop(engine, flags, address, target, transfer)
    }

    /// Goes on after a copy that stopped, where a newer list of RAM or the other engine helps.
    #[cold]
    fn after_stop(
        &self,
        engine: EngineKind,
        flags: CopyFlags,
        address: u64,
        mut target: VolatileSlice<'_>,
        mut transfer: Transfer,
    ) -> CopyResult {
        if let Some(miss) = transfer.stop.and_then(|stop| Miss::of(flags, &stop))
            && self.ram.renew(miss)
        {
            transfer = self.go_on(engine, flags, address, transfer, target.reborrow());
        }
        let by_system = transfer
            .stop
            .filter(|_| engine == EngineKind::Native && self.choice() == EngineKind::Auto)
            .filter(|stop| Self::may_go_on(flags, stop));
        if let Some(stop) = by_system {
            let length = target.len();
            let whole = self.go_on(EngineKind::System, flags, address, transfer, target);
            // Where neither engine can read, the native one knows how far that reaches.
            if stop.reason.may_be_paged_out() || whole.transferred > transfer.transferred {
                trace::fell_back(length, &transfer, &whole);
                return CopyResult {
                    flags: ResultFlags::FELL_BACK.bits(),
                    ..result(&whole, EngineKind::System)
                };
            }
        }
        result(&transfer, engine)
    }

    /// Returns the engine of copies that it completes by itself; `None` if it is not available.
    #[inline]
    pub const fn engine(&self) -> Option<EngineKind> {
        match (self.choice(), &self.engines.native) {
            (EngineKind::Native, Err(_)) => None,
            (EngineKind::System, _) | (EngineKind::Auto, Err(_)) => Some(EngineKind::System),
            (EngineKind::Native | EngineKind::Auto, Ok(_)) => Some(EngineKind::Native),
        }
    }

    /// Returns RAM as the native engine reads it, if that is available.
    fn native_memory(&self) -> Option<WindowMemory<'a, 'r>> {
        let machine = self.engines.native.as_ref().ok()?;
        Some(machine.memory(self.ram))
    }

    const fn system_machine(&self) -> SystemMachine<'a, 'r> {
        SystemMachine::new(self.ram, self.engines.end)
    }

    fn copy_by(
        &self,
        engine: EngineKind,
        flags: CopyFlags,
        address: u64,
        target: VolatileSlice<'_>,
    ) -> Transfer {
        match self.native_memory() {
            Some(memory) if engine == EngineKind::Native => {
                mm_copy::copy_memory(&memory.engine(), flags, address, target)
            }
            _ => self.copy_by_system(flags, address, target),
        }
    }

    /// Goes on with a copy from the first byte that did not arrive.
    fn go_on(
        &self,
        engine: EngineKind,
        flags: CopyFlags,
        address: u64,
        before: Transfer,
        target: VolatileSlice<'_>,
    ) -> Transfer {
        let copied = before.transferred;
        let length = target.len().saturating_sub(copied);
        let Some(rest) = target.subslice(copied, length) else {
            // Not reached: a copy is no longer than its target.
            return before;
        };
        let rest = self.copy_by(engine, flags, address.wrapping_add(copied as u64), rest);
        Transfer {
            transferred: copied.saturating_add(rest.transferred),
            ..rest
        }
    }

    /// Whether the system's engine might read what the native one does not: pages that are not
    /// resident, system memory of which the list of RAM does not know, and RAM that is not for the
    /// native engine.
    fn may_go_on(flags: CopyFlags, stop: &Stop) -> bool {
        match stop.reason {
            Reason::NotRam | Reason::TableNotRam { .. } => flags == CopyFlags::VIRTUAL,
            Reason::Read(status) => status == native::NOT_CACHED,
            reason => reason.may_be_paged_out(),
        }
    }

    /// Copies with the system's engine. `MmCopyMemory` does not report the length of a hole in system
    /// memory, so it is read from the page tables if the native engine passed its self-check.
    #[inline]
    fn copy_by_system(
        &self,
        flags: CopyFlags,
        address: u64,
        target: VolatileSlice<'_>,
    ) -> Transfer {
        let length = target.len();
        let transfer = mm_copy::copy_memory(&self.system_machine(), flags, address, target);
        if transfer.is_complete() {
            return transfer;
        }
        self.with_hole(flags, length, transfer)
    }

    /// Adds the length of the hole that stopped the system's engine.
    #[cold]
    fn with_hole(&self, flags: CopyFlags, length: usize, mut transfer: Transfer) -> Transfer {
        let left = length.saturating_sub(transfer.transferred) as u64;
        if let (Some(stop), Some(memory), CopyFlags::VIRTUAL) =
            (&mut transfer.stop, self.native_memory(), flags)
            && matches!(stop.reason, Reason::Read(_))
        {
            let walk = memory.walk();
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

/// The result of a complete copy by an engine.
#[inline]
const fn complete(length: usize, engine: EngineKind) -> CopyResult {
    CopyResult {
        copied: length as u64,
        engine: engine as u32,
        ..CopyResult::of(NtStatus::SUCCESS)
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
