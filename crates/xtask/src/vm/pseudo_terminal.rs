//! A serial port for a guest that is not in a virtual machine: a pseudo-terminal, whose other end the host has.

use super::machine::TICK;
use anyhow::Result;
use fs_err::{File, OpenOptions};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, ioctl_fionbio},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{OptionalActions, tcgetattr, tcsetattr},
};
use std::{
    io::{self, ErrorKind, Read, Write},
    path::PathBuf,
};

/// The host's end. When it is dropped, reading and writing at the guest's end fails.
pub struct PseudoTerminal(std::fs::File);

/// The guest's end, which stays open while no guest has opened it.
pub struct Port {
    path: PathBuf,
    _open: File,
}

impl Port {
    /// Its path in `/dev/pts`.
    pub const fn path(&self) -> &PathBuf {
        &self.path
    }
}

/// Makes both ends.
pub fn pair() -> Result<(PseudoTerminal, Port)> {
    let host = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&host)?;
    unlockpt(&host)?;
    // A guest that reads nothing does not stop the host.
    ioctl_fionbio(&host, true)?;
    let path = PathBuf::from(ptsname(&host, Vec::new())?.into_string()?);
    let open = OpenOptions::new().read(true).write(true).open(&path)?;
    // A terminal would echo, and change the ends of lines.
    let mut attributes = tcgetattr(&open)?;
    attributes.make_raw();
    tcsetattr(&open, OptionalActions::Now, &attributes)?;
    Ok((PseudoTerminal(host.into()), Port { path, _open: open }))
}

impl Read for PseudoTerminal {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let tick = Timespec::try_from(TICK).map_err(|_| ErrorKind::InvalidInput)?;
        match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&tick)) {
            Ok(0) | Err(Errno::INTR) => Err(ErrorKind::TimedOut.into()),
            Ok(_) => self.0.read(buffer),
            Err(error) => Err(error.into()),
        }
    }
}

impl Write for PseudoTerminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
