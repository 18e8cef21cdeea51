//! The state of a processor that belongs to the thread that runs on it.

use alloc::vec::Vec;

use crate::locks::Held;
use crate::memory::kernel_space;
use crate::memory::paging::Tables;
use crate::object::process;
use crate::{call, irql, kernel_state, locks};

/// What a thread gets back when it goes on.
pub(super) struct Context {
    level: u8,
    process: u64,
    tables: Tables,
    regions: u32,
    locks: Vec<Held>,
    is_system: bool,
    stack: u64,
}

impl Context {
    /// Takes it from the processor.
    pub(super) fn take() -> Self {
        Self {
            level: irql::current(),
            process: process::current_id(),
            tables: Tables::current(),
            regions: kernel_state::replace_critical_regions(0),
            locks: locks::replace_held(Vec::new()),
            is_system: call::in_system_thread(),
            stack: call::stack(),
        }
    }

    /// The context of a thread of the system process that begins on a stack.
    pub(super) fn of_new_thread(stack: u64) -> Self {
        Self {
            level: irql::PASSIVE_LEVEL,
            process: process::SYSTEM_ID,
            tables: kernel_space::system(),
            regions: 0,
            locks: Vec::new(),
            is_system: true,
            stack,
        }
    }

    /// Gives it to the processor.
    pub(super) fn restore(self) {
        irql::set(self.level);
        process::set_current(self.process);
        if Tables::current() != self.tables {
            self.tables.activate();
        }
        kernel_state::replace_critical_regions(self.regions);
        locks::replace_held(self.locks);
        call::set_system_thread(self.is_system);
        call::set_stack(self.stack);
    }
}
