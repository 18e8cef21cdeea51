//! The driver of this machine: its device, its service, and what Windows has to say about both.

mod interrupt;
mod machine;
mod transport;

pub use interrupt::Interrupt;
pub use machine::WindowsMachine;
pub use transport::WindowsTransport;
