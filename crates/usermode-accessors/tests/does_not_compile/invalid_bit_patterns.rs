// error[E0277]: the trait bound `bool: zerocopy::FromBytes` is not satisfied

use usermode_accessors::{Fault, UserReader};

pub fn read(reader: &mut UserReader) -> Result<bool, Fault> {
    reader.read_value()
}
