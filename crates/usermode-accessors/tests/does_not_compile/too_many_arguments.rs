// error[E0080]: evaluation panicked: too many arguments

use usermode_accessors::raising;

pub fn call(routine: *const core::ffi::c_void) {
    let _ = unsafe { raising::call_at(routine, [0; 11]) };
}
