// error[E0382]: use of moved value: `length`

use usermode_accessors::{Fault, UserPtr};

pub fn read(address: usize) -> Result<u32, Fault> {
    let length = UserPtr::<u32>::new(address);
    let _checked = length.read()?;
    length.read()
}
