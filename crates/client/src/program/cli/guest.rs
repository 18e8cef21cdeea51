//! `ringcopy guest`: runs commands for a host over a serial port.

use std::{
    env,
    io::{self, Write},
    path::PathBuf,
};

use super::{Connect, Console, Stop, arguments::GuestArguments, view::View};
use crate::{
    guest::{self, Machine, Port},
    machine::{Failure, System},
};

pub(super) fn run(
    arguments: &GuestArguments,
    system: &mut dyn System,
    connect: &mut Connect<'_, '_>,
    view: &mut View<'_, '_>,
) -> Result<(), Stop> {
    let mut port = open(&arguments.port).map_err(|error| {
        Stop::Sentence(format!(
            "cannot open {}: {error}; name the port that leads to the host with --port.",
            arguments.port
        ))
    })?;
    view.line(&format!("serving the host at {}", arguments.port))?;
    let mut machine = Served { system, connect };
    guest::serve(&mut port, &mut machine, &arguments.folder)?;
    Ok(())
}

/// This machine.
struct Served<'s, 'p, 'c, 't> {
    system: &'s mut dyn System,
    connect: &'p mut Connect<'c, 't>,
}

impl Served<'_, '_, '_, '_> {
    /// Ends Windows in one way. Programs that do not end are ended.
    fn end(&mut self, way: &str) -> Result<(), Failure> {
        let output = self.system.run("shutdown.exe", &[way, "/t", "0", "/f"])?;
        if output.code == Some(0) {
            return Ok(());
        }
        Err(Failure(format!(
            "`shutdown {way}` failed: {}",
            output.text.trim()
        )))
    }
}

impl Machine for Served<'_, '_, '_, '_> {
    fn windows(&mut self) -> [u32; 3] {
        self.system.facts().version
    }

    fn run(&mut self, arguments: &[&str], out: &mut dyn Write, err: &mut dyn Write) -> i32 {
        super::run_on(
            Some(&mut *self.system),
            std::iter::once(&"ringcopy").chain(arguments),
            &mut Console::without_terminal(out, err, &mut io::empty()),
            self.connect,
        )
    }

    fn restart(&mut self) -> Result<(), Failure> {
        self.end("/r")
    }

    fn shut_down(&mut self) -> Result<(), Failure> {
        self.end("/s")
    }

    fn dumps(&mut self) -> Vec<PathBuf> {
        // "Varieties of Kernel-Mode Dump Files", Windows debugger documentation.
        let windows = env::var_os("SystemRoot").map(PathBuf::from);
        windows.map_or_else(Vec::new, |windows: PathBuf| {
            vec![windows.join("Minidump"), windows.join("MEMORY.DMP")]
        })
    }

    fn is_interrupted(&self) -> bool {
        self.system.is_interrupted()
    }
}

#[cfg(windows)]
fn open(name: &str) -> io::Result<impl Port> {
    ringcopy_win32::SerialPort::open(name)
}

#[cfg(windows)]
impl Port for ringcopy_win32::SerialPort {
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        io::Read::read(self, buffer).map(Some)
    }
}

/// Elsewhere the port is any file that can be read and written.
#[cfg(not(windows))]
fn open(name: &str) -> io::Result<impl Port> {
    std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(name)
}

#[cfg(not(windows))]
impl Port for std::fs::File {
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let count = io::Read::read(self, buffer)?;
        Ok((count > 0).then_some(count))
    }
}
