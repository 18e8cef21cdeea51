//! The `ringcopy` program.

#![forbid(unsafe_code)]

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

use ringcopy_client::{
    TransportError,
    cli::{self, Console},
};

/// Why there is no driver to be reached from here, and where there is one.
const UNAVAILABLE: &str = if cfg!(windows) {
    "this program has no way to the driver on Windows yet; the library takes a transport of your \
     own"
} else {
    "the ringcopy driver runs on Windows; on this system, `cargo xtask lab` runs it in a virtual \
     machine and takes the same commands"
};

fn main() -> ExitCode {
    let code = cli::run(
        std::env::args_os(),
        &mut Console {
            out: &mut io::stdout().lock(),
            err: &mut io::stderr(),
            progress: io::stderr().is_terminal(),
        },
        &mut || Err(TransportError::Unavailable(UNAVAILABLE.into())),
    );
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}
