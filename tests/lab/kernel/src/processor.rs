//! The number of the current processor, and values for each processor.

use crate::cpu;

/// The most processors. The first one carries out the host's commands, the second one interferes
/// with it or works beside it.
pub(crate) const COUNT: usize = 2;

/// Selector of the first processor's task state; the next one's is 16 further.
pub(crate) const FIRST_TASK: u16 = 0x18;

/// Returns the number of the current processor.
pub(crate) fn number() -> usize {
    // Before the task register is loaded it holds 0, and there is only the first processor.
    usize::from(cpu::task_register().saturating_sub(FIRST_TASK) / 16)
}

/// One value for each processor.
pub(crate) struct PerProcessor<T>(pub(crate) [T; COUNT]);

impl<T> PerProcessor<T> {
    /// Returns the current processor's value.
    pub(crate) fn here(&self) -> &T {
        &self.0[number()]
    }
}
