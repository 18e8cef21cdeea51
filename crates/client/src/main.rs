//! The `ringcopy` program.

#![forbid(unsafe_code)]

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

use ringcopy_client::{
    Transport, TransportError,
    cli::{self, Console},
};

fn main() -> ExitCode {
    let mut connect = connect();
    let code = cli::run(
        std::env::args_os(),
        &mut Console {
            out: &mut io::stdout().lock(),
            err: &mut io::stderr(),
            progress: io::stderr().is_terminal(),
        },
        &mut connect,
    );
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

#[cfg(windows)]
fn connect() -> impl FnMut() -> Result<Box<dyn Transport>, TransportError> {
    use ringcopy_client::windows::{Interrupt, WindowsTransport};

    let interrupt = Interrupt::of_console();
    move || {
        let interrupt = interrupt.as_ref().map_err(|error| TransportError::Io {
            context: "cannot listen for Ctrl-C".into(),
            error: io::Error::new(error.kind(), error.to_string()),
        })?;
        Ok(Box::new(WindowsTransport::new(interrupt.clone())))
    }
}

#[cfg(not(windows))]
fn connect() -> impl FnMut() -> Result<Box<dyn Transport>, TransportError> {
    || {
        Err(TransportError::Unavailable(
            "the ringcopy driver runs on Windows; on this system, `cargo xtask lab` runs it in a \
             virtual machine and takes the same commands"
                .into(),
        ))
    }
}
