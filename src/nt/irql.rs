//! The interrupt request level.

use core::marker::PhantomData;

use wdk_sys::{
    DISPATCH_LEVEL, KIRQL,
    ntddk::{KeGetCurrentProcessorNumberEx, KeLowerIrql, KfRaiseIrql},
};

/// The thread runs at `DISPATCH_LEVEL` until this is dropped. It stays on its processor, no other
/// thread runs there meanwhile, and only nonpaged memory may be touched.
pub struct AtDispatchLevel {
    before: KIRQL,
    /// To be dropped on the processor where it was made.
    here: PhantomData<*const ()>,
}

impl AtDispatchLevel {
    /// IRQL: at most `DISPATCH_LEVEL`, which is the level of every caller in this driver.
    #[inline]
    pub fn raise() -> Self {
        let [level, ..] = DISPATCH_LEVEL.to_le_bytes();
        // SAFETY: the level is not lowered by this, and is put back when the value is dropped.
        let before = unsafe { KfRaiseIrql(level) };
        Self {
            before,
            here: PhantomData,
        }
    }

    /// Returns the number of the processor, counted over all groups from 0. It is below
    /// `KeQueryMaximumProcessorCountEx` of all groups.
    #[expect(
        clippy::unused_self,
        reason = "the thread stays on the processor only while the level is raised"
    )]
    pub fn processor(&self) -> usize {
        // SAFETY: the group and the number within it need not be told.
        let number = unsafe { KeGetCurrentProcessorNumberEx(core::ptr::null_mut()) };
        number as usize
    }
}

impl Drop for AtDispatchLevel {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the level from before `raise`, on the same thread.
        unsafe { KeLowerIrql(self.before) };
    }
}
