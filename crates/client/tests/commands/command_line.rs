//! What is so whatever the command: no driver, nonsense, help, a reader that has gone away.

use ringcopy_client::{
    Transport, TransportError,
    cli::{self, Console, FAILURE, SUCCESS, USAGE},
    protocol::NtStatus,
};

use crate::{console::run_on, driver::SimulatedDriver, operations, run, run_with};

#[test]
fn an_open_that_is_denied_is_one_sentence() {
    let model = || SimulatedDriver {
        open_status: NtStatus::ACCESS_DENIED,
        ..SimulatedDriver::default()
    };
    let output = run_with(model, &["selftest"]);
    assert_eq!((output.code, output.out.as_str()), (FAILURE, ""));
    assert!(output.err.contains("as an administrator"), "{}", output.err);
    let document = run_with(model, &["info", "--json"]).json();
    assert_eq!(operations(&document)[0]["operation"], "open");
}

#[test]
fn no_driver_is_one_sentence() {
    let none = || Err(TransportError::Unavailable("there is none here".into()));
    let output = run_on(None, &mut { none }, &["info"]);
    assert_eq!((output.code, output.out.as_str()), (FAILURE, ""));
    assert_eq!(output.err, "ringcopy: there is none here.\n");
}

#[test]
fn the_program_alone_says_where_the_driver_runs() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ringcopy"))
        .arg("info")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(FAILURE));
    assert_eq!(output.stdout, b"");
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert!(sentence.contains("Windows"), "{sentence}");
    assert_eq!(sentence.lines().count(), 1);
}

#[test]
fn nonsense_exits_with_2_and_help() {
    for (args, advice) in [
        (&["read"][..], "--virtual"),
        (
            &["read", "--virtual", "1", "--physical", "1"],
            "cannot be used with",
        ),
        (&["read", "--virtual", "fee0"], "0x"),
        (&["read", "--virtual", "0", "--engine", "best"], "native"),
        (
            &["read", "--virtual", "0", "--length", "2MiB", "--json"],
            "--output",
        ),
        (
            &[
                "read",
                "--physical",
                "0xffffffffffffffff",
                "--length",
                "2MiB",
            ],
            "runs past the end of the address space",
        ),
        (&["read", "0x1000:0"], "has no bytes"),
        (&["read", "0:16", "8:16"], "overlap"),
        (&["read", "1", "2", "3"], "`3` has no length"),
        (&["read", "1:1", "--physical", "2:2"], "in one place"),
        (&["read", "1:1", "--resume"], "--output"),
        (
            &["read", "1:1", "--resume", "--hex", "--output", "x"],
            "cannot be used with",
        ),
        (
            &["read", "1:0xffffffffffffffff", "0:1", "--json"],
            "more bytes in all",
        ),
        (&["copy", "--length", "1GiB"], "64 MiB"),
        (
            &["copy", "--length", "1", "--text", "x"],
            "cannot be used with",
        ),
        (&["copy", "--misalign", "4096"], "4096"),
        (&["frobnicate"], "Usage"),
        (&[], "Usage"),
    ] {
        let output = run(args);
        assert_eq!(output.code, USAGE, "{args:?}");
        assert_eq!(output.out, "", "{args:?}");
        assert!(output.err.contains(advice), "{args:?}: {}", output.err);
    }
}

#[test]
fn help_and_version_succeed_on_standard_output() {
    for args in [&["--help"][..], &["read", "--help"], &["--version"]] {
        let output = run(args);
        assert_eq!(
            (output.code, output.err.as_str()),
            (SUCCESS, ""),
            "{args:?}"
        );
        assert!(output.out.contains("ringcopy"), "{args:?}");
    }
}

#[test]
fn output_that_cannot_be_written_is_a_failure_and_no_panic() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for args in [&["selftest"][..], &["info", "--json"], &["--help"]] {
        let code = cli::run(
            std::iter::once(&"ringcopy").chain(args),
            &mut Console {
                out: &mut Closed,
                err: &mut Closed,
                input: &mut std::io::empty(),
                terminal: false,
                progress: false,
            },
            &mut || Ok(Box::new(SimulatedDriver::default()) as Box<dyn Transport>),
        );
        assert_eq!(code, FAILURE, "{args:?}");
    }
}
