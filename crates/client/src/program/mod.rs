//! The `ringcopy` program: its command line, the installation of the driver, and the test under
//! Driver Verifier.

pub mod cli;
mod durable_file;
pub mod guest;
pub mod machine;
pub mod vm_test;
