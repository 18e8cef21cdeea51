//! Segments, task state and the interrupt table of each processor.

use core::arch::asm;

use crate::global::Global;
use crate::processor::{self, MOST};

const DOUBLE_FAULT: usize = 8;
const NMI: usize = 2;

/// Null, code, data, and two words for each task state.
const SEGMENTS: usize = 3 + 2 * MOST;

/// The tables of one processor.
#[repr(C, align(16))]
struct Processor {
    segments: [u64; SEGMENTS],
    task_state: [u32; 26],
    double_fault_stack: [u64; 1024],
    nmi_stack: [u64; 1024],
}

impl Processor {
    const EMPTY: Self = Self {
        segments: [0; SEGMENTS],
        task_state: [0; 26],
        double_fault_stack: [0; 1024],
        nmi_stack: [0; 1024],
    };

    fn prepare(&mut self, number: usize) {
        // Null, code, data; then the task states. Each processor fills in only its own.
        self.segments[1] = 0x00AF_9B00_0000_FFFF;
        self.segments[2] = 0x00CF_9300_0000_FFFF;
        let stacks = [&raw mut self.double_fault_stack, &raw mut self.nmi_stack];
        for (entry, stack) in stacks.into_iter().enumerate() {
            let top = stack as u64 + size_of_val(&self.nmi_stack) as u64;
            // IST1 is at byte 0x24 of the task state.
            self.task_state[9 + entry * 2] = top as u32;
            self.task_state[10 + entry * 2] = (top >> 32) as u32;
        }
        let limit = size_of_val(&self.task_state) as u64 - 1;
        // No I/O permission bitmap: its offset is beyond the limit.
        self.task_state[25] = ((limit as u32) + 1) << 16;
        let base = (&raw const self.task_state) as u64;
        self.segments[3 + number * 2] =
            limit | (base & 0xFF_FFFF) << 16 | 0x89 << 40 | (base >> 24 & 0xFF) << 56;
        self.segments[4 + number * 2] = base >> 32;
    }
}

static PROCESSOR_STATE: Global<[Processor; MOST]> = Global::new([const { Processor::EMPTY }; MOST]);
static INTERRUPTS: Global<[[u64; 2]; 256]> = Global::new([[0; 2]; 256]);

unsafe extern "C" {
    /// In `trap.s`: the entry of each vector.
    static trap_vectors: [u64; 256];
}

/// Fills in the tables of all processors. Called once.
pub(crate) fn build() {
    // SAFETY: an immutable table in read-only memory.
    let vectors = unsafe { &trap_vectors };
    INTERRUPTS.with(|table| {
        for (vector, (gate, &entry)) in table.iter_mut().zip(vectors).enumerate() {
            let stack = match vector {
                DOUBLE_FAULT => 1,
                NMI => 2,
                _ => 0,
            };
            *gate = [
                (entry & 0xFFFF)
                    | 0x08 << 16
                    | stack << 32
                    | 0x8E00 << 32
                    | (entry >> 16 & 0xFFFF) << 48,
                entry >> 32,
            ];
        }
    });
    PROCESSOR_STATE.with(|state| {
        for (number, processor) in state.iter_mut().enumerate() {
            processor.prepare(number);
        }
    });
}

#[repr(C, packed)]
struct Pointer {
    limit: u16,
    base: u64,
}

/// Loads the tables on the current processor.
pub(crate) fn load(number: usize) {
    let size = size_of::<Processor>() as u64;
    let segments = Pointer {
        limit: size_of::<[u64; SEGMENTS]>() as u16 - 1,
        base: PROCESSOR_STATE.address() + number as u64 * size,
    };
    let interrupts = Pointer {
        limit: 4095,
        base: INTERRUPTS.address(),
    };
    // SAFETY: the tables are complete and live for ever; the segments in use (8 and 16) are what
    // they were.
    unsafe {
        asm!(
            "lgdt [{segments}]",
            "lidt [{interrupts}]",
            "ltr {task:x}",
            segments = in(reg) &raw const segments,
            interrupts = in(reg) &raw const interrupts,
            task = in(reg) u64::from(processor::FIRST_TASK) + 16 * number as u64,
            options(nostack)
        );
    }
}
