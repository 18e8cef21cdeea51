//! The number of the current processor, and values for each processor.

use ringcopy_lab_mailbox::PROCESSORS;

use crate::cpu;

/// The most processors. The first one carries out the host's commands, the second one interferes
/// with it, and all of them send requests beside it.
pub(crate) const MOST: usize = PROCESSORS as usize;

/// Selector of the first processor's task state; the next one's is 16 further.
pub(crate) const FIRST_TASK: u16 = 0x18;

/// Returns the number of the current processor.
pub(crate) fn number() -> usize {
    // Before the task register is loaded it holds 0, and there is only the first processor.
    usize::from(cpu::task_register().saturating_sub(FIRST_TASK) / 16)
}

/// One value for each processor.
pub(crate) struct PerProcessor<T>(pub(crate) [T; MOST]);

impl<T> PerProcessor<T> {
    /// Returns the current processor's value.
    pub(crate) fn here(&self) -> &T {
        &self.0[number()]
    }

    /// Returns the values of the other processors.
    pub(crate) fn elsewhere(&self) -> impl Iterator<Item = &T> {
        let own = number();
        let others = self.0.iter().enumerate();
        others.filter_map(move |(number, value)| (number != own).then_some(value))
    }
}
