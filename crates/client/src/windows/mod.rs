//! The driver of this machine: its device, its service, and what Windows has to say about both.

mod interrupt;
mod transport;

pub use interrupt::Interrupt;
pub use transport::WindowsTransport;
