// error[E0308]: arguments to this function are incorrect

use usermode_accessors::{Fault, ddi};

pub unsafe fn fill(destination: *mut u8, length: usize) -> Result<(), Fault> {
    unsafe { ddi::set_user_memory(destination, length, 0xA5_u8) }
}
