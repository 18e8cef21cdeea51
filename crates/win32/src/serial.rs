//! Serial ports.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::windows::io::AsRawHandle as _,
};

use windows_sys::Win32::Devices::Communication::{
    COMMTIMEOUTS, DCB, GetCommState, NOPARITY, ONESTOPBIT, SetCommState, SetCommTimeouts, SetupComm,
};

/// Bits of `DCB`: `fBinary`, which Windows demands, and `DTR_CONTROL_ENABLE` and `RTS_CONTROL_ENABLE`, so
/// that the other end sees a device that is ready. No flow control.
const BINARY_AND_READY: u32 = 0x1 | 1 << 4 | 1 << 12;

/// The time in milliseconds that a read waits for the first byte.
const PATIENCE: u32 = 200;

/// The bytes that the port's driver keeps in each direction: requests that arrive while nobody reads.
const QUEUE: u32 = 64 << 10;

/// A serial port with 8 bits, no parity and no flow control. A read returns what has arrived, and
/// nothing if nothing arrives for a moment.
#[derive(Debug)]
pub struct SerialPort(File);

impl SerialPort {
    /// Opens a port by its name, such as `COM1`.
    ///
    /// # Errors
    /// If there is no such port, it is in use, or it is no serial port.
    pub fn open(name: &str) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(format!(r"\\.\{name}"))?;
        let port = file.as_raw_handle();
        // Drivers may decline the size.
        // SAFETY: an open handle.
        let _ = unsafe { SetupComm(port, QUEUE, QUEUE) };
        let mut state = DCB::default();
        // SAFETY: an open handle, and a local.
        check(unsafe { GetCommState(port, &raw mut state) })?;
        state.BaudRate = 115_200;
        state.ByteSize = 8;
        state.Parity = NOPARITY;
        state.StopBits = ONESTOPBIT;
        state._bitfield = BINARY_AND_READY;
        // SAFETY: an open handle, and a local.
        check(unsafe { SetCommState(port, &raw const state) })?;
        // "COMMTIMEOUTS structure": with these two values a read returns at once what has arrived, or
        // waits for the first byte.
        let times = COMMTIMEOUTS {
            ReadIntervalTimeout: u32::MAX,
            ReadTotalTimeoutMultiplier: u32::MAX,
            ReadTotalTimeoutConstant: PATIENCE,
            ..COMMTIMEOUTS::default()
        };
        // SAFETY: an open handle, and a local.
        check(unsafe { SetCommTimeouts(port, &raw const times) })?;
        Ok(Self(file))
    }
}

fn check(succeeded: i32) -> io::Result<()> {
    if succeeded == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

impl Read for SerialPort {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for SerialPort {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
