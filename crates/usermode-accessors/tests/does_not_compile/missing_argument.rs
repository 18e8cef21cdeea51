// error[E0308]: mismatched types

use usermode_accessors::raising::{self, Exception};

unsafe extern "system" {
    fn MmProbeAndLockPages(mdl: *mut u8, mode: i8, operation: i32);
}

pub fn lock(mdl: *mut u8) -> Result<(), Exception> {
    let routine: unsafe extern "system" fn(*mut u8, i8, i32) = MmProbeAndLockPages;
    unsafe { raising::call(routine, (mdl, 1_i8)) }
}
