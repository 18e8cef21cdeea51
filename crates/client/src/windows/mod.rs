//! The way to the driver of this Windows machine.

mod interrupt;
mod transport;

pub use interrupt::Interrupt;
pub use transport::WindowsTransport;
