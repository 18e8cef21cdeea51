//! Wine: an implementation of NT that is independent of this project.
//!
//! - `session`: a running Wine of this tree's own; `prefix`: its folder.
//! - `accessors`: the accessors' Windows test programs.
//! - `end_to_end`: the driver and the Windows client, through Wine's service and I/O managers,
//!   and `ringcopy guest` on a serial port.

mod accessors;
mod end_to_end;
mod prefix;
mod session;

pub use accessors::{fails, test, that_ran as tests_that_ran};
pub use end_to_end::{driver_log, run, selftest_record};
pub use session::Session;
