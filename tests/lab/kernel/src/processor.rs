//! Which processor this is, and what each has of its own.

use crate::cpu;

/// Processors that the lab can run: the first carries out the host's commands, the second disturbs
/// it or works beside it.
pub(crate) const COUNT: usize = 2;

/// Selector of the first processor's task state; the next one's is 16 further.
pub(crate) const FIRST_TASK: u16 = 0x18;

/// The number of the processor that this runs on.
pub(crate) fn number() -> usize {
    // Before the task register is loaded it holds 0, and there is only the first processor.
    usize::from(cpu::task_register().saturating_sub(FIRST_TASK) / 16)
}

/// One value for each processor.
pub(crate) struct PerProcessor<T>(pub(crate) [T; COUNT]);

impl<T> PerProcessor<T> {
    /// This processor's.
    pub(crate) fn here(&self) -> &T {
        &self.0[number()]
    }
}
