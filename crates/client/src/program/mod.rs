//! The `ringcopy` program: its command line, the installation of the driver, and the test under
//! Driver Verifier.

pub mod cli;
pub mod machine;
pub mod vm_test;
