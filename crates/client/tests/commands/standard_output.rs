//! What goes to standard output, and what happens if it cannot be written.

use std::{
    io::{self, Write},
    process::{Command, Stdio},
};

use ringcopy_client::{
    cli::{FAILURE, SUCCESS, USAGE},
    protocol::Reach,
};

use crate::{
    byte_at,
    console::{run_to, to},
    driver::SimulatedDriver,
    folder::Folder,
    lost_from, operations, run, run_with,
};

#[test]
fn standard_output_has_only_the_bytes() {
    for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let line = format!("read --physical 0x100000:4096 --output {name}");
        let output = run_with(lost_from(usize::MAX), &line);
        assert_eq!(output.code, SUCCESS, "{name}: {}", output.err);
        let bytes: Vec<_> = (0x10_0000..0x10_1000).map(byte_at).collect();
        assert!(output.bytes == bytes, "{name}");
        output.err_has("4096 bytes written to standard output");
    }
    assert!(!std::path::Path::new("-").exists());
}

#[test]
fn holes_are_zeros_there_and_text_is_elsewhere() {
    let line = "read --physical 0x9e000:0x63000 0x1000:3 --output -";
    let output = run_with(lost_from(usize::MAX), line);
    assert_eq!(output.code, FAILURE);
    assert_eq!(output.bytes.len(), 0x6_3003);
    assert!(output.bytes[0x1000..0x6_2000].iter().all(|&byte| byte == 0));
    assert_eq!(output.bytes[0x6_2001], byte_at(0x10_0001));
    assert_eq!(
        output.bytes[0x6_3000..],
        [0x1000, 0x1001, 0x1002].map(byte_at)
    );
    output.err_has("hole: physical 0x9f000");
}

#[test]
fn the_document_goes_to_standard_error() {
    let line = "read --json --physical 0x9e000:0x2000 --output -";
    let output = run_with(lost_from(usize::MAX), line);
    assert_eq!(output.bytes.len(), 0x2000);
    let document = serde_json::from_str(&output.err).expect("one JSON document");
    assert_eq!(operations(&document)[0]["copied"], 0x1000);
    assert_eq!(document["output"], "-");
    assert_eq!(document["holes"][0]["output_offset"], 0x1000);
    assert!(document.get("data").is_none());
}

#[test]
fn a_refusal_puts_no_byte_on_standard_output() {
    let refused = || SimulatedDriver::with(|driver| driver.reach = Reach::empty());
    run_with(refused, "read --physical 0x1000:16 --output -").only_err_has("SeDebugPrivilege");
}

#[test]
fn a_dump_may_go_to_a_named_standard_output() {
    let named = run("read 0xfffff80000000000:8 --hex --output -");
    let plain = run("read 0xfffff80000000000:8");
    assert_eq!(named.code, SUCCESS, "{}", named.err);
    assert_eq!(named.out, plain.out);
}

#[test]
fn standard_output_cannot_be_resumed() {
    let output = run("read 0:16 --output - --resume");
    assert_eq!((output.code, output.out.as_str()), (USAGE, ""));
    output.err_has("cannot be continued");
}

#[test]
fn a_terminal_gets_no_bytes() {
    let mut out = Vec::new();
    let (code, sentence) = run_to(
        &mut out,
        true,
        &mut to(SimulatedDriver::default),
        "read --physical 0x1000:16 --output -",
    );
    assert_eq!((code, out.as_slice()), (FAILURE, &[][..]));
    assert!(sentence.contains("is a terminal"), "{sentence}");
}

/// Takes a number of bytes, and then fails.
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

const COMMANDS: &[&str] = &[
    "info",
    "copy",
    "copy --text x",
    "ranges",
    "read 0xfffff80000000000:64",
    "read --physical 0x9e000:0x2000 --output -",
    "read --physical 0x9f000:0x2000 --output -",
    "verify --random 3 --seed 1",
    "selftest",
    "--help",
    "read --help",
    "--version",
    "--json info",
    "--json ranges",
    "--json read 0xfffff80000000000:64",
    "--json verify --random 3",
    // Without a system, each of these prints a document with one sentence.
    "--json install",
    "--json status",
    "--json doctor",
    "--json vm-test",
];

#[test]
fn every_command_reports_an_output_that_cannot_be_written() {
    for line in COMMANDS {
        let all = run(line).bytes.len();
        // Documents contain times, so their length varies.
        let last = if line.starts_with("--json") {
            all / 2
        } else {
            all - 1
        };
        for left in [0, 1, all / 3, last] {
            let run = |with| {
                let mut out = Failing { left, with };
                run_to(&mut out, false, &mut to(SimulatedDriver::default), line)
            };
            let (code, sentence) = run(io::ErrorKind::StorageFull);
            let context = format!("{line}, {left} of {all}: {sentence}");
            assert_eq!(code, FAILURE, "{context}");
            let last = sentence.lines().last().unwrap_or_default();
            let expected = "ringcopy: cannot write to standard output: no storage space";
            assert!(last.starts_with(expected), "{context}");
            let (code, sentence) = run(io::ErrorKind::BrokenPipe);
            assert_eq!(code, FAILURE, "{context}");
            assert!(!sentence.contains("cannot write"), "{context}: {sentence}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_program_says_why_its_output_cannot_be_written() {
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
        // If standard error cannot be written either, the exit code reports the failure.
        let status = Command::new(env!("CARGO_BIN_EXE_ringcopy"))
            .args(args)
            .stdout(full())
            .stderr(full())
            .status();
        assert_eq!(status.unwrap().code(), Some(FAILURE), "{args:?}");
    }
}

#[test]
fn a_closed_reader_is_not_reported() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ringcopy"))
        .args(["read", "--help"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    // The reader closes before or after the first word; both must be silent.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn files_that_cannot_be_written_are_reported_with_the_reason() {
    let folder = Folder::new("f7");
    let here = folder.at().to_str().unwrap();
    for (file, reason) in [
        (here, "directory"),
        ("/dev/full", "No space left"),
        ("/no/such/folder/x", "No such file"),
    ] {
        for more in ["", "--hex", "--json"] {
            let line = format!("read --physical 0x1000:0x8000 --output {file} {more}");
            let output = run(&line);
            assert_eq!(output.code, FAILURE, "{line}");
            let printed = format!("{}{}", output.out, output.err);
            assert!(printed.contains(reason), "{line}: {printed}");
            assert!(printed.contains("cannot write"), "{line}: {printed}");
        }
    }
    assert!(folder.names().is_empty());
}
