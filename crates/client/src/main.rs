//! The `ringcopy` program.

#![forbid(unsafe_code)]

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

use ringcopy_client::cli::{self, Console};

fn main() -> ExitCode {
    let code = run(&mut Console {
        out: &mut io::stdout().lock(),
        err: &mut io::stderr(),
        input: &mut io::stdin(),
        terminal: io::stdout().is_terminal(),
        progress: io::stderr().is_terminal(),
    });
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

#[cfg(windows)]
fn run(console: &mut Console<'_>) -> i32 {
    use ringcopy_client::{
        machine::WindowsSystem,
        windows::{Interrupt, WindowsTransport},
    };

    let interrupt = match Interrupt::of_console() {
        Ok(interrupt) => interrupt,
        Err(error) => {
            // Where this cannot be said, the exit code says it.
            drop(writeln!(
                console.err,
                "ringcopy: cannot listen for Ctrl-C: {error}; close some programs."
            ));
            return cli::FAILURE;
        }
    };
    cli::run_on(
        Some(&mut WindowsSystem::new(interrupt.clone())),
        std::env::args_os(),
        console,
        &mut || Ok(Box::new(WindowsTransport::new(interrupt.clone()))),
    )
}

#[cfg(not(windows))]
fn run(console: &mut Console<'_>) -> i32 {
    cli::run(std::env::args_os(), console, &mut || {
        Err(ringcopy_client::TransportError::Unavailable(
            "the ringcopy driver runs on Windows; on this system, `cargo xtask lab` runs it in a \
             virtual machine and takes the same commands"
                .into(),
        ))
    })
}
