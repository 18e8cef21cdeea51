//! What is the same for all commands: no driver, invalid arguments, help, a closed output.

use ringcopy_client::{
    TransportError,
    cli::{FAILURE, SUCCESS, USAGE},
    protocol::NtStatus,
};

use crate::{
    console::{run_on, run_to, to},
    driver::SimulatedDriver,
    operations, run, run_with,
};

#[test]
fn a_denied_open_is_one_sentence() {
    let denied = || SimulatedDriver::with(|driver| driver.open_status = NtStatus::ACCESS_DENIED);
    run_with(denied, "selftest").only_err_has("as an administrator");
    let document = run_with(denied, "info --json").json();
    assert_eq!(operations(&document)[0]["operation"], "open");
}

#[test]
fn a_missing_driver_is_one_sentence() {
    let none = || Err(TransportError::Unavailable("there is none here".into()));
    let output = run_on(None, &mut { none }, "info");
    assert_eq!((output.code, output.out.as_str()), (FAILURE, ""));
    assert_eq!(output.err, "ringcopy: there is none here.\n");
}

#[test]
fn the_program_says_where_the_driver_runs() {
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
fn invalid_arguments_exit_with_2_and_help() {
    for (line, advice) in [
        ("read", "--virtual"),
        ("read --virtual 1 --physical 1", "cannot be used with"),
        ("read --virtual fee0", "0x"),
        ("read --virtual 0 --engine best", "native"),
        ("read --virtual 0 --length 2MiB --json", "--output"),
        (
            "read --physical 0xffffffffffffffff --length 2MiB",
            "runs past the end of the address space",
        ),
        ("read 0x1000:0", "has no bytes"),
        ("read 0:16 8:16", "overlap"),
        ("read 1 2 3", "`3` has no length"),
        ("read 1:1 --physical 2:2", "in one place"),
        ("read 1:1 --resume", "--output"),
        ("read 1:1 --resume --hex --output x", "cannot be used with"),
        ("read 1:0xffffffffffffffff 0:1 --json", "more bytes in all"),
        ("copy --length 1GiB", "64 MiB"),
        ("copy --length 1 --text x", "cannot be used with"),
        ("copy --misalign 4096", "4096"),
        ("frobnicate", "Usage"),
        ("", "Usage"),
    ] {
        let output = run(line);
        assert_eq!((output.code, output.out.as_str()), (USAGE, ""), "{line}");
        output.err_has(advice);
    }
}

#[test]
fn help_and_version_succeed_on_standard_output() {
    for line in ["--help", "read --help", "--version"] {
        let output = run(line);
        assert_eq!((output.code, output.err.as_str()), (SUCCESS, ""), "{line}");
        output.out_has("ringcopy");
    }
}

#[test]
fn a_closed_output_is_a_failure_and_no_panic() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for line in ["selftest", "info --json", "--help"] {
        let (code, _) = run_to(&mut Closed, false, &mut to(SimulatedDriver::default), line);
        assert_eq!(code, FAILURE, "{line}");
    }
}
