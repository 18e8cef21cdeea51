//! The command line, as somebody at a console or a script sees it.

#![allow(dead_code, reason = "every test file uses another part of it")]
#![allow(
    unreachable_pub,
    reason = "a test program has no other visibility to offer"
)]

use ringcopy_client::{
    Transport,
    cli::{self, Connect, Console},
    machine::System,
};
use serde_json::Value;

/// What a command printed, and its exit code.
pub struct Output {
    pub code: i32,
    /// As text, as far as it is one.
    pub out: String,
    pub bytes: Vec<u8>,
    pub err: String,
}

impl Output {
    /// The document of a command with `--json`.
    pub fn json(&self) -> Value {
        assert_eq!(self.err, "", "with --json, standard error stays empty");
        serde_json::from_str(&self.out).expect("one JSON document")
    }
}

/// A way to drivers that this makes.
pub fn to<T: Transport + 'static>(
    driver: impl Fn() -> T,
) -> impl FnMut() -> Result<Box<dyn Transport>, ringcopy_client::TransportError> {
    move || Ok(Box::new(driver()) as Box<dyn Transport>)
}

/// Runs a command on a machine, or where there is none.
pub fn run_on(
    machine: Option<&mut dyn System>,
    connect: &mut Connect<'_, '_>,
    args: &[&str],
) -> Output {
    run_fed(machine, connect, args, &[])
}

/// Runs a command that finds this on standard input.
pub fn run_fed(
    machine: Option<&mut dyn System>,
    connect: &mut Connect<'_, '_>,
    args: &[&str],
    mut input: &[u8],
) -> Output {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = cli::run_on(
        machine,
        std::iter::once(&"ringcopy").chain(args),
        &mut Console {
            out: &mut out,
            err: &mut err,
            input: &mut input,
            terminal: false,
            progress: false,
        },
        connect,
    );
    Output {
        code,
        out: String::from_utf8_lossy(&out).into_owned(),
        bytes: out,
        err: String::from_utf8(err).unwrap(),
    }
}
