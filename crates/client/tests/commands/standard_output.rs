//! What goes to standard output, and what becomes of a command where it cannot.

use std::{
    io::{self, Write},
    process::{Command, Stdio},
};

use ringcopy_client::{
    Transport,
    cli::{self, Console, FAILURE, SUCCESS, USAGE},
};

use crate::{
    byte_at,
    console::{run_on, to},
    driver::SimulatedDriver,
    folder::Folder,
    lost_from, operations, run, run_with,
};

#[test]
fn f6_standard_output_has_the_bytes_alone() {
    for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let args = ["read", "--physical", "0x100000:4096", "--output", name];
        let output = run_with(lost_from(usize::MAX), &args);
        assert_eq!(output.code, SUCCESS, "{name}: {}", output.err);
        let bytes: Vec<_> = (0x10_0000..0x10_1000).map(byte_at).collect();
        assert!(output.bytes == bytes, "{name}");
        assert!(
            output
                .err
                .starts_with("4096 bytes written to standard output"),
            "{name}: {}",
            output.err
        );
    }
    assert!(!std::path::Path::new("-").exists());
}

#[test]
fn f6_what_is_missing_is_zeros_there_and_words_elsewhere() {
    let args = [
        "read",
        "--physical",
        "0x9e000:0x63000",
        "0x1000:3",
        "--output",
        "-",
    ];
    let output = run_with(lost_from(usize::MAX), &args);
    assert_eq!(output.code, FAILURE);
    assert_eq!(output.bytes.len(), 0x6_3003);
    assert!(output.bytes[0x1000..0x6_2000].iter().all(|&byte| byte == 0));
    assert_eq!(output.bytes[0x6_2001], byte_at(0x10_0001));
    assert_eq!(
        output.bytes[0x6_3000..],
        [0x1000, 0x1001, 0x1002].map(byte_at)
    );
    assert!(
        output.err.contains("hole: physical 0x9f000"),
        "{}",
        output.err
    );
}

#[test]
fn f6_the_document_is_one_and_goes_to_standard_error() {
    let args = [
        "read",
        "--json",
        "--physical",
        "0x9e000:0x2000",
        "--output",
        "-",
    ];
    let output = run_with(lost_from(usize::MAX), &args);
    assert_eq!(output.bytes.len(), 0x2000);
    let document = serde_json::from_str(&output.err).expect("one JSON document");
    assert_eq!(operations(&document)[0]["copied"], 0x1000);
    assert_eq!(document["output"], "-");
    assert_eq!(document["holes"][0]["output_offset"], 0x1000);
    assert!(document.get("data").is_none());
}

#[test]
fn f6_a_refusal_puts_no_byte_on_standard_output() {
    let refused = || SimulatedDriver {
        reach: ringcopy_client::protocol::Reach::empty(),
        ..SimulatedDriver::default()
    };
    let output = run_with(
        refused,
        &["read", "--physical", "0x1000:16", "--output", "-"],
    );
    assert_eq!((output.code, output.out.as_str()), (FAILURE, ""));
    assert!(output.err.contains("SeDebugPrivilege"), "{}", output.err);
}

#[test]
fn f6_a_dump_may_be_asked_for_by_name() {
    let named = run(&["read", "0xfffff80000000000:8", "--hex", "--output", "-"]);
    let plain = run(&["read", "0xfffff80000000000:8"]);
    assert_eq!(named.code, SUCCESS, "{}", named.err);
    assert_eq!(named.out, plain.out);
}

#[test]
fn f6_what_makes_no_sense_of_standard_output_is_refused() {
    let output = run(&["read", "0:16", "--output", "-", "--resume"]);
    assert_eq!((output.code, output.out.as_str()), (USAGE, ""));
    assert!(output.err.contains("cannot be continued"), "{}", output.err);
}

#[test]
fn f6_a_terminal_gets_no_bytes() {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = cli::run(
        [
            "ringcopy",
            "read",
            "--physical",
            "0x1000:16",
            "--output",
            "-",
        ],
        &mut Console {
            out: &mut out,
            err: &mut err,
            input: &mut io::empty(),
            terminal: true,
            progress: false,
        },
        &mut to(SimulatedDriver::default),
    );
    assert_eq!((code, out.as_slice()), (FAILURE, &[][..]));
    let sentence = String::from_utf8(err).unwrap();
    assert!(sentence.contains("is a terminal"), "{sentence}");
}

/// Takes so many bytes, and then fails.
struct Failing {
    left: usize,
    with: io::ErrorKind,
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.left);
        if count == 0 && !bytes.is_empty() {
            return Err(self.with.into());
        }
        self.left -= count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const COMMANDS: &[&[&str]] = &[
    &["info"],
    &["copy"],
    &["copy", "--text", "x"],
    &["ranges"],
    &["read", "0xfffff80000000000:64"],
    &["read", "--physical", "0x9e000:0x2000", "--output", "-"],
    &["read", "--physical", "0x9f000:0x2000", "--output", "-"],
    &["verify", "--random", "3", "--seed", "1"],
    &["selftest"],
    &["--help"],
    &["read", "--help"],
    &["--version"],
    &["--json", "info"],
    &["--json", "ranges"],
    &["--json", "read", "0xfffff80000000000:64"],
    &["--json", "verify", "--random", "3"],
    // Without a machine, each of these is one sentence, which the document has.
    &["--json", "install"],
    &["--json", "status"],
    &["--json", "doctor"],
    &["--json", "vm-test"],
];

#[test]
fn f7_an_output_that_cannot_be_written_is_a_sentence_whatever_the_command() {
    let run = |args: &[&str], left, with| {
        let mut err = Vec::new();
        let code = cli::run(
            std::iter::once(&"ringcopy").chain(args),
            &mut Console {
                out: &mut Failing { left, with },
                err: &mut err,
                input: &mut io::empty(),
                terminal: false,
                progress: false,
            },
            &mut || Ok(Box::new(SimulatedDriver::default()) as Box<dyn Transport>),
        );
        (code, String::from_utf8(err).unwrap())
    };
    for args in COMMANDS {
        let all = run_on(None, &mut to(SimulatedDriver::default), args)
            .bytes
            .len();
        // Documents tell times, and are not always of one length.
        let last = if args[0] == "--json" {
            all / 2
        } else {
            all - 1
        };
        for left in [0, 1, all / 3, last] {
            let (code, sentence) = run(args, left, io::ErrorKind::StorageFull);
            assert_eq!(code, FAILURE, "{args:?}, {left} of {all}");
            let last = sentence.lines().last().unwrap_or_default();
            assert!(
                last.starts_with("ringcopy: cannot write to standard output: no storage space"),
                "{args:?}, {left} of {all}: {sentence}"
            );
            let (code, sentence) = run(args, left, io::ErrorKind::BrokenPipe);
            assert_eq!(code, FAILURE, "{args:?}, {left} of {all}");
            assert!(
                !sentence.contains("cannot write"),
                "{args:?}, {left} of {all}: {sentence}"
            );
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn f7_the_program_says_why_its_output_cannot_be_written() {
    let full = || {
        std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    for args in [&["--help"][..], &["--json", "info"], &["--version"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_ringcopy"))
            .args(args)
            .stdout(full())
            .output()
            .unwrap();
        let sentence = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(FAILURE), "{args:?}");
        assert_eq!(sentence.lines().count(), 1, "{args:?}: {sentence}");
        assert!(sentence.contains("No space left"), "{args:?}: {sentence}");
        // Where that cannot be said either, the exit code tells.
        let status = Command::new(env!("CARGO_BIN_EXE_ringcopy"))
            .args(args)
            .stdout(full())
            .stderr(full())
            .status();
        assert_eq!(status.unwrap().code(), Some(FAILURE), "{args:?}");
    }
}

#[test]
fn f7_a_reader_that_goes_away_is_not_told() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ringcopy"))
        .args(["read", "--help"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    // Closed before there is a word in it, or after: either way, nothing is said.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn f7_files_that_cannot_be_written_are_told_with_the_reason() {
    let folder = Folder::new("f7");
    let here = folder.at().to_str().unwrap();
    for (output, reason) in [
        (here, "directory"),
        ("/dev/full", "No space left"),
        ("/no/such/folder/x", "No such file"),
    ] {
        for more in [&[][..], &["--hex"], &["--json"]] {
            let args = ["read", "--physical", "0x1000:0x8000", "--output", output];
            let done = run(&[&args, more].concat());
            assert_eq!(done.code, FAILURE, "{output}");
            let told = format!("{}{}", done.out, done.err);
            assert!(told.contains(reason), "{output}, {more:?}: {told}");
            assert!(told.contains("cannot write"), "{output}: {told}");
        }
    }
    assert!(folder.names().is_empty());
}
