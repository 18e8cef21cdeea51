//! The log: COM1, which the host reads line by line.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, Ordering};

use crate::cpu;

const COM1: u16 = 0x3F8;

/// The first serial port. QEMU's needs no set-up and no waiting, so a driver crate for the chip
/// would do nothing here.
struct Serial;

impl Write for Serial {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            cpu::out8(COM1, byte);
        }
        Ok(())
    }
}

/// Held while a line is printed.
static BUSY: AtomicBool = AtomicBool::new(false);
/// Polls for the port. Its holder may have ended in the middle of a line.
const PATIENCE: u32 = 1 << 24;

/// Prints one line.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    for _ in 0..PATIENCE {
        if !BUSY.swap(true, Ordering::Acquire) {
            break;
        }
        core::hint::spin_loop();
    }
    // Writing to the port cannot fail.
    let _ = writeln!(Serial, "{text}");
    BUSY.store(false, Ordering::Release);
}

/// Prints one line.
macro_rules! say {
    ($($argument:tt)*) => {
        $crate::serial::line(format_args!($($argument)*))
    };
}
pub(crate) use say;
