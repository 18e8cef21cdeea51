//! The command line, as a user at a console or a script sees it.

#![allow(dead_code, reason = "every test program uses another part of it")]
#![allow(
    unreachable_pub,
    reason = "a test program has no other visibility to offer"
)]

use std::io::Write;

use ringcopy_client::{
    Transport,
    cli::{self, Connect, Console},
    machine::System,
};
use serde_json::Value;

/// What a command printed, and its exit code.
pub struct Output {
    pub code: i32,
    /// Standard output as text.
    pub out: String,
    pub bytes: Vec<u8>,
    pub err: String,
}

impl Output {
    /// Parses the document of a command with `--json`.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.err, "", "with --json, standard error stays empty");
        serde_json::from_str(&self.out).expect("one JSON document")
    }

    /// Checks that standard output contains a text.
    #[track_caller]
    pub fn out_has(&self, text: &str) {
        assert!(self.out.contains(text), "no {text:?} in {:?}", self.out);
    }

    /// Checks that standard error contains a text.
    #[track_caller]
    pub fn err_has(&self, text: &str) {
        assert!(self.err.contains(text), "no {text:?} in {:?}", self.err);
    }

    /// Checks that the command failed, printed nothing to standard output, and that standard error
    /// contains a text.
    #[track_caller]
    pub fn only_err_has(&self, text: &str) {
        assert_eq!((self.code, self.out.as_str()), (cli::FAILURE, ""));
        self.err_has(text);
    }

    /// Checks the exit code, and that standard error is empty.
    #[track_caller]
    pub fn succeeded(&self) {
        assert_eq!(
            (self.code, self.err.as_str()),
            (cli::SUCCESS, ""),
            "{}",
            self.out
        );
    }
}

/// Returns a way to drivers that a function makes.
pub fn to<T: Transport + 'static>(
    driver: impl Fn() -> T,
) -> impl FnMut() -> Result<Box<dyn Transport>, ringcopy_client::TransportError> {
    move || Ok(Box::new(driver()) as Box<dyn Transport>)
}

/// Runs a command line, whose words are separated by spaces, on a system, or where there is none.
pub fn run_on(
    system: Option<&mut dyn System>,
    connect: &mut Connect<'_, '_>,
    line: &str,
) -> Output {
    let words: Vec<_> = line.split_whitespace().collect();
    run_words(system, connect, &words, &[])
}

/// Runs the words of a command line, with bytes on standard input.
pub fn run_words(
    system: Option<&mut dyn System>,
    connect: &mut Connect<'_, '_>,
    words: &[&str],
    mut input: &[u8],
) -> Output {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = cli::run_on(
        system,
        std::iter::once(&"ringcopy").chain(words),
        &mut Console::without_terminal(&mut out, &mut err, &mut input),
        connect,
    );
    Output {
        code,
        out: String::from_utf8_lossy(&out).into_owned(),
        bytes: out,
        err: String::from_utf8(err).unwrap(),
    }
}

/// Runs a command line with another standard output. Returns the exit code, and standard error.
pub fn run_to(
    out: &mut dyn Write,
    terminal: bool,
    connect: &mut Connect<'_, '_>,
    line: &str,
) -> (i32, String) {
    let mut err = Vec::new();
    let code = cli::run(
        std::iter::once("ringcopy").chain(line.split_whitespace()),
        &mut Console {
            out,
            err: &mut err,
            input: &mut std::io::empty(),
            terminal,
            progress: false,
        },
        connect,
    );
    (code, String::from_utf8(err).unwrap())
}
