// error[E0277]: a guarded call cannot pass or return `Pair`

use usermode_accessors::raising::{self, Exception};

#[repr(C)]
pub struct Pair(u64, u64);

unsafe extern "system" {
    fn Routine(pair: Pair);
}

pub fn call(pair: Pair) -> Result<(), Exception> {
    let routine: unsafe extern "system" fn(Pair) = Routine;
    unsafe { raising::call(routine, (pair,)) }
}
