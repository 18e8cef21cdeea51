//! The log: COM1, which the host reads line by line.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, Ordering};

use crate::cpu;

const COM1: u16 = 0x3F8;

/// The first serial port. QEMU takes bytes without any set-up and without waiting.
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
/// How long a line is waited for: whoever held the port may have come to an end in the middle.
const PATIENCE: u32 = 1 << 24;

/// Prints one line.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    for _ in 0..PATIENCE {
        if !BUSY.swap(true, Ordering::Acquire) {
            break;
        }
        core::hint::spin_loop();
    }
    // The port takes every byte: there is no error to handle.
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
