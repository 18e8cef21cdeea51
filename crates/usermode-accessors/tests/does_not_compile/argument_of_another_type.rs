// error[E0308]: mismatched types

use usermode_accessors::raising::{self, Exception};

unsafe extern "system" {
    fn ProbeForWrite(address: *mut u8, length: usize, alignment: u32);
}

pub fn probe(address: usize) -> Result<(), Exception> {
    let routine: unsafe extern "system" fn(*mut u8, usize, u32) = ProbeForWrite;
    unsafe { raising::call(routine, (address, 8_usize, 1_u32)) }
}
