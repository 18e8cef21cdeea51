//! The client's command line, with a process of a lab as its transport.

use std::{ffi::OsString, io, path::Path};

use ringcopy_client::{
    Transport,
    cli::{self, Console},
};
use ringcopy_lab::Lab;

use crate::privileged;

/// What a run of the client left: its exit code, and what it wrote.
#[derive(Debug)]
pub struct ClientRun {
    /// The exit code.
    pub code: i32,
    /// The bytes of standard output.
    pub out: Vec<u8>,
    /// The text of standard error.
    pub err: String,
}

/// Runs the client in a lab, with all privileges, without a terminal. Its arguments are the words of
/// `command`, then `--output` and the file, if there is one.
///
/// # Panics
/// If standard error is not UTF-8.
#[must_use]
pub fn run_client(lab: &Lab, command: &str, output: Option<&Path>) -> ClientRun {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let words = std::iter::once("ringcopy").chain(command.split_whitespace());
    let arguments = words.map(OsString::from).chain(
        output
            .into_iter()
            .flat_map(|file| ["--output".into(), file.into()]),
    );
    let code = cli::run(
        arguments,
        &mut Console {
            out: &mut out,
            err: &mut err,
            input: &mut io::empty(),
            terminal: false,
            progress: false,
        },
        &mut || Ok(Box::new(privileged(lab)) as Box<dyn Transport>),
    );
    let err = String::from_utf8(err).unwrap();
    ClientRun { code, out, err }
}
