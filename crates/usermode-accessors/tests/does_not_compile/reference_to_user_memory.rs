// error[E0614]: type `UserPtr<u32>` cannot be dereferenced

use usermode_accessors::UserPtr;

pub fn read(pointer: UserPtr<u32>) -> u32 {
    *pointer
}
