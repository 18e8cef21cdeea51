//! The command line: what it prints, and its exit codes.

mod model;

use model::Model;
use ringcopy_client::{
    Transport, TransportError,
    cli::{self, Console, FAILURE, SUCCESS, USAGE},
    protocol::{NtStatus, Reach},
};
use serde_json::Value;

struct Output {
    code: i32,
    out: String,
    err: String,
}

impl Output {
    fn json(&self) -> Value {
        assert_eq!(self.err, "", "with --json, standard error stays empty");
        serde_json::from_str(&self.out).expect("one JSON document")
    }
}

fn run_with(model: impl Fn() -> Model, args: &[&str]) -> Output {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = cli::run(
        std::iter::once(&"ringcopy").chain(args),
        &mut Console {
            out: &mut out,
            err: &mut err,
            progress: false,
        },
        &mut || Ok(Box::new(model()) as Box<dyn Transport>),
    );
    Output {
        code,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

fn run(args: &[&str]) -> Output {
    run_with(Model::default, args)
}

fn operations(document: &Value) -> &Vec<Value> {
    let operations = document["operations"].as_array().unwrap();
    for operation in operations {
        for field in ["operation", "status", "asked", "copied", "address"] {
            assert!(operation.get(field).is_some(), "no {field} in {operation}");
        }
        assert!(operation["status"].as_str().unwrap().starts_with("STATUS_"));
        if let Some(address) = operation["address"].as_str() {
            assert!(address.starts_with("0x"), "{address}");
        }
    }
    operations
}

fn sloppy() -> Model {
    let mut model = Model::default();
    model.machine.sloppy = true;
    model
}

#[test]
fn info_for_people_and_for_machines() {
    let people = run(&["info"]);
    assert_eq!(people.code, SUCCESS);
    assert!(
        people.out.contains("system virtual, physical"),
        "{}",
        people.out
    );
    let document = run(&["info", "--json"]).json();
    assert_eq!(document["command"], "info");
    assert_eq!(document["information"]["driver_version"], "0.1.0");
    assert_eq!(document["information"]["user_limit"], "0x7fffffff0000");
    assert_eq!(operations(&document).len(), 1);
}

#[test]
fn copy_goes_through_all_three_and_compares() {
    let output = run(&["copy", "--length", "20KiB", "--misalign", "3"]);
    assert_eq!((output.code, output.err.as_str()), (SUCCESS, ""));
    assert_eq!(output.out.lines().count(), 3, "{}", output.out);
    let document = run(&["--json", "copy", "--length", "20KiB"]).json();
    let operations = operations(&document);
    assert_eq!(operations[0]["copied"], 20 << 10);
    assert_eq!(operations[0]["intact"], true);
    assert_eq!(operations[1]["copied"], 16 << 10);
    assert_eq!(operations[2]["intact"], true);
    assert_eq!(document["succeeded"], true);
}

#[test]
fn copy_carries_a_text() {
    let output = run(&["copy", "--text", "häuser über"]);
    assert_eq!(output.code, SUCCESS);
    assert!(output.out.ends_with("\nhäuser über\n"), "{}", output.out);
    let document = run(&["copy", "--json", "--text", ""]).json();
    assert_eq!(document["text"], "");
}

#[test]
fn a_misaligned_copy_fails_and_says_what_to_do() {
    let output = run(&["copy", "--alignment", "8", "--misalign", "3"]);
    assert_eq!(output.code, FAILURE);
    assert!(
        output
            .out
            .contains("STATUS_DATATYPE_MISALIGNMENT: 0 of 4096 bytes")
    );
    assert!(output.err.contains("align the buffer"), "{}", output.err);
    let document = run(&["copy", "--json", "--alignment", "8", "--misalign", "3"]).json();
    assert_eq!(document["succeeded"], false);
    let first = &operations(&document)[0];
    assert_eq!(first["status"], "STATUS_DATATYPE_MISALIGNMENT");
    assert_eq!(first["intact"], Value::Null);
    assert!(first["explanation"].as_str().unwrap().contains("align"));
}

#[test]
fn a_refused_request_is_an_operation_with_a_sentence() {
    let output = run(&["copy", "--alignment", "3"]);
    assert_eq!(output.code, FAILURE);
    assert!(output.err.contains("not a power of two"), "{}", output.err);
    let document = run(&["copy", "--alignment", "3", "--json"]).json();
    assert_eq!(
        operations(&document)[0]["status"],
        "STATUS_INVALID_PARAMETER"
    );
    assert!(document["error"].as_str().unwrap().contains("power of two"));
}

#[test]
fn lost_bytes_are_called_by_their_name() {
    let output = run_with(sloppy, &["copy"]);
    assert_eq!(output.code, FAILURE);
    assert!(output.out.contains("NOT the bytes"), "{}", output.out);
}

#[test]
fn read_dumps_sixteen_bytes_a_line() {
    let output = run(&["read", "--virtual", "0xfffff80000000000", "--length", "40"]);
    assert_eq!(output.code, SUCCESS);
    let lines: Vec<_> = output.out.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[0].starts_with("fffff80000000000  00 25 4a"),
        "{}",
        lines[0]
    );
    assert!(
        lines[2].starts_with("fffff80000000020  a0 "),
        "{}",
        lines[2]
    );
}

#[test]
fn read_keeps_what_arrived_before_a_hole() {
    let args = [
        "read",
        "--physical",
        "0x9efe0",
        "--length",
        "4KiB",
        "--engine",
        "system",
    ];
    let output = run(&args);
    assert_eq!(output.code, FAILURE);
    assert_eq!(output.out.lines().count(), 2, "{}", output.out);
    assert!(output.err.contains("32 of 4096 bytes"), "{}", output.err);
    let document = run(&[&["--json"], &args[..]].concat()).json();
    assert_eq!(document["data"].as_str().unwrap().len(), 64);
    let read = &operations(&document)[0];
    assert_eq!(read["status"], "STATUS_INVALID_ADDRESS");
    assert_eq!(
        (&read["asked"], &read["copied"]),
        (&4096.into(), &32.into())
    );
    assert_eq!(
        (&read["engine"], &read["kind"]),
        (&"system".into(), &"physical".into())
    );
}

#[test]
fn read_splits_what_one_request_cannot_carry() {
    let directory = std::env::temp_dir().join(format!("ringcopy-read-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("memory");
    let name = path.to_str().unwrap();
    let output = run(&[
        "read",
        "--physical",
        "1MiB",
        "--length",
        "0x280_001",
        "--output",
        name,
    ]);
    let written = std::fs::metadata(&path).map(|file| file.len());
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(output.code, SUCCESS, "{}", output.err);
    assert_eq!(written.unwrap(), 0x28_0001);
    assert!(
        output.out.contains("2621441 bytes written to"),
        "{}",
        output.out
    );
    assert!(output.out.contains("native engine"), "{}", output.out);
}

#[test]
fn read_into_no_file_says_so() {
    let output = run(&["read", "--virtual", "0", "--output", "/no/such/folder/x"]);
    assert_eq!(output.code, FAILURE);
    assert!(
        output.err.contains("cannot write /no/such/folder/x"),
        "{}",
        output.err
    );
}

#[test]
fn read_out_of_reach_names_policy_or_privilege() {
    let model = |policy| {
        move || Model {
            policy,
            reach: Reach::empty(),
            ..Model::default()
        }
    };
    let args = ["read", "--physical", "0x1000"];
    let denied = run_with(model(Reach::empty()), &args);
    assert_eq!((denied.code, denied.out.as_str()), (FAILURE, ""));
    assert!(denied.err.contains("`Policy`"), "{}", denied.err);
    let unprivileged = run_with(model(Reach::all()), &args);
    assert!(
        unprivileged.err.contains("SeDebugPrivilege"),
        "{}",
        unprivileged.err
    );
}

#[test]
fn read_around_the_end_of_the_address_space_does_not_wrap() {
    let output = run(&[
        "read",
        "--physical",
        "0xffffffffffffffff",
        "--length",
        "2MiB",
        "--output",
        "/dev/null",
    ]);
    assert_eq!(output.code, FAILURE);
}

#[test]
fn selftest_fits_a_screen_and_says_ok() {
    let output = run(&["selftest"]);
    assert_eq!((output.code, output.err.as_str()), (SUCCESS, ""));
    let lines: Vec<_> = output.out.lines().collect();
    assert!(lines.len() <= 40, "{} lines", lines.len());
    for line in &lines {
        assert!(line.chars().count() <= 120, "{line}");
    }
    assert!(
        lines
            .last()
            .unwrap()
            .ends_with(" passed, 0 failed, 0 skipped")
    );
    let rows: Vec<_> = lines.iter().filter(|line| line.starts_with("  ")).collect();
    assert!(
        rows.iter().all(|row| row.ends_with(" ok")),
        "{}",
        output.out
    );
    let column = |row: &str| row.find("STATUS_");
    assert!(
        rows.iter().all(|row| column(row) == column(rows[0])),
        "{}",
        output.out
    );
}

#[test]
fn selftest_reports_every_case_to_machines() {
    let document = run(&["selftest", "--json"]).json();
    let operations = operations(&document);
    assert!(operations.len() >= 40);
    assert!(
        operations
            .iter()
            .all(|operation| operation["passed"] == true)
    );
    assert_eq!(document["counts"]["failed"], 0);
    assert_eq!(document["skipped"].as_array().unwrap().len(), 0);
}

#[test]
fn selftest_of_a_bad_driver_exits_with_1() {
    let output = run_with(sloppy, &["selftest"]);
    assert_eq!(output.code, FAILURE);
    assert!(output.out.contains("FAILED: byte "), "{}", output.out);
    assert_eq!(
        run_with(sloppy, &["selftest", "--json"]).json()["succeeded"],
        false
    );
}

#[test]
fn an_open_that_is_denied_is_one_sentence() {
    let model = || Model {
        open_status: NtStatus::ACCESS_DENIED,
        ..Model::default()
    };
    let output = run_with(model, &["selftest"]);
    assert_eq!((output.code, output.out.as_str()), (FAILURE, ""));
    assert!(output.err.contains("as an administrator"), "{}", output.err);
    let document = run_with(model, &["info", "--json"]).json();
    assert_eq!(operations(&document)[0]["operation"], "open");
}

#[test]
fn no_driver_is_one_sentence() {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = cli::run(
        ["ringcopy", "info"],
        &mut Console {
            out: &mut out,
            err: &mut err,
            progress: false,
        },
        &mut || Err(TransportError::Unavailable("there is none here".into())),
    );
    assert_eq!(code, FAILURE);
    assert_eq!(out, b"");
    assert_eq!(err, b"ringcopy: there is none here.\n");
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
                progress: false,
            },
            &mut || Ok(Box::new(Model::default()) as Box<dyn Transport>),
        );
        assert_eq!(code, FAILURE, "{args:?}");
    }
}
