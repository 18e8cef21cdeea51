//! Microsoft's functions, by their names in snake case, with their arguments in their order.
//!
//! Where the DDI raises a structured exception, the function returns `Err` with a
//! [`Fault`](crate::Fault). Where the DDI returns its destination, so does the function.

mod copy;
mod device;
mod structure;
mod volatile;

pub use copy::{copy_from_mode, copy_from_mode_aligned, copy_to_mode};
pub use device::copy_device_memory;
pub use structure::read_struct_from_mode_aligned;
pub use volatile::copy_volatile_memory;
