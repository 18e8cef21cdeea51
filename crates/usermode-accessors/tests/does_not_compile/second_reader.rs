// error[E0382]: use of moved value: `request`

use usermode_accessors::{Fault, UserSlice};

pub fn read(address: usize) -> Result<(), Fault> {
    let request = UserSlice::new(address, 64);
    let _header = request.reader()?;
    let _again = request.reader()?;
    Ok(())
}
