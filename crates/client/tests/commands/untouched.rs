//! What an output file holds is lost only to memory that was read.

use std::{cell::RefCell, fs, rc::Rc};

use ringcopy_client::{
    TransportError,
    cli::{FAILURE, SUCCESS},
    protocol::{NtStatus, Reach},
};

use crate::{
    byte_at, console::run_on, driver::SimulatedDriver, folder::Folder, lost_from, run, run_with,
};

#[test]
fn f13_a_request_that_gets_nothing_leaves_the_file_as_it_was() {
    let out_of_reach = || SimulatedDriver {
        reach: Reach::empty(),
        ..SimulatedDriver::default()
    };
    let closed = || SimulatedDriver {
        open_status: NtStatus::ACCESS_DENIED,
        ..SimulatedDriver::default()
    };
    let gone = || SimulatedDriver {
        lost_from: Some(0),
        ..SimulatedDriver::default()
    };
    let folder = Folder::new("f13");
    let file = folder.write("precious", "precious");
    let ram = ["read", "--physical", "0x200000:0x1000", "--output", &file];
    let nothing = ["read", "--physical", "0x40000000:3MiB", "--output", &file];
    for more in [&[][..], &["--hex"], &["--format", "lime"], &["--json"]] {
        let with = |args: &[&str]| -> Vec<String> {
            args.iter().chain(more).map(|&word| word.into()).collect()
        };
        let check = |output: crate::Output| {
            assert_eq!(output.code, FAILURE, "{more:?}");
            assert_eq!(folder.read("precious"), b"precious", "{more:?}");
            assert_eq!(folder.names(), ["precious"], "{more:?}");
            format!("{}{}", output.out, output.err)
        };
        let words = with(&ram);
        let args: Vec<_> = words.iter().map(String::as_str).collect();
        check(run_with(out_of_reach, &args));
        check(run_with(closed, &args));
        check(run_with(gone, &args));
        let mut none = || Err(TransportError::Unavailable("there is none here".into()));
        check(run_on(None, &mut none, &args));
        // Granted, and without a byte: all that was asked for is a hole.
        let words = with(&nothing);
        let args: Vec<_> = words.iter().map(String::as_str).collect();
        let told = check(run_with(SimulatedDriver::default, &args));
        if more != ["--json"] {
            assert!(told.contains("left as it was"), "{more:?}: {told}");
        }
    }
    // With a byte, it is written over, holes in front of it and all.
    let args = ["read", "--physical", "0xff000:0x1004", "--output", &file];
    assert_eq!(run_with(lost_from(usize::MAX), &args).code, FAILURE);
    let written = folder.read("precious");
    assert_eq!(written.len(), 0x1004);
    assert!(written[..0x1000].iter().all(|&byte| byte == 0));
    assert_eq!(written[0x1001], byte_at(0x10_0001));
}

#[test]
fn f13_a_refusal_leaves_no_new_file() {
    let refused = || SimulatedDriver {
        reach: Reach::empty(),
        ..SimulatedDriver::default()
    };
    let folder = Folder::new("f13-new");
    let file = folder.path("memory");
    for more in [&[][..], &["--hex"], &["--format", "lime"]] {
        let args = ["read", "--physical", "0x200000:0x1000", "--output", &file];
        assert_eq!(run_with(refused, &[&args, more].concat()).code, FAILURE);
        assert!(folder.names().is_empty(), "{more:?}: {:?}", folder.names());
    }
}

#[test]
fn f13_what_was_read_before_a_refusal_is_kept() {
    // The session buffer is anybody's; what follows is not.
    let half = || SimulatedDriver {
        reach: Reach::empty(),
        ..SimulatedDriver::default()
    };
    let folder = Folder::new("f13-half");
    let file = folder.path("memory");
    let args = [
        "read",
        "--physical",
        "0x100000:0x1000",
        "0x200000:0x1000",
        "--output",
        &file,
    ];
    let output = run_with(half, &args);
    assert_eq!(output.code, FAILURE);
    assert!(output.err.contains("4096 bytes are in"), "{}", output.err);
    assert_eq!(folder.read("memory").len(), 0x1000);
    let done = run(&[&args[..], &["--resume"]].concat());
    assert_eq!(done.code, SUCCESS, "{}", done.err);
    assert_eq!(folder.read("memory").len(), 0x2000);
}

#[test]
fn a_sidecar_that_cannot_be_made_takes_nothing_with_it() {
    let folder = Folder::new("no-sidecar");
    let file = folder.write("precious", "precious");
    // Nothing can be made where a folder is.
    fs::create_dir(folder.at().join("precious.unfinished")).unwrap();
    let output = run(&["read", "--physical", "0x1000:16", "--output", &file]);
    assert_eq!(output.code, FAILURE);
    assert_eq!(folder.read("precious"), b"precious");
}

#[test]
fn a_second_read_into_one_file_is_refused_and_the_first_is_complete() {
    let folder = Folder::new("two");
    let file = folder.path("memory");
    for (more, second) in [
        (&[][..], &[][..]),
        (&[], &["--resume"]),
        (&[], &["--hex"]),
        (&["--format", "lime"], &["--format", "lime", "--resume"]),
        (&["--hex"], &[]),
    ] {
        let args = ["read", "--physical", "0x200000:0x180000", "--output", &file];
        let whole = folder.path("whole");
        let alone = [
            "read",
            "--physical",
            "0x200000:0x180000",
            "--output",
            &whole,
        ];
        run_with(lost_from(usize::MAX), &[&alone, more].concat());
        let told = Rc::new(RefCell::new(Vec::new()));
        let first = || {
            let told = Rc::clone(&told);
            let again: Vec<String> = args.iter().chain(second).map(|&word| word.into()).collect();
            SimulatedDriver {
                twist: Some(Box::new(move |_, address, _, _| {
                    // While the first one is under way: with nothing in its file, and with some.
                    if [0x20_0000, 0x30_0000].contains(&address) {
                        let words: Vec<_> = again.iter().map(String::as_str).collect();
                        let output = run(&words);
                        told.borrow_mut().push((output.code, output.err));
                    }
                    byte_at(address)
                })),
                ..SimulatedDriver::default()
            }
        };
        let output = run_with(first, &[&args, more].concat());
        assert_eq!(output.code, SUCCESS, "{}", output.err);
        let told = told.take();
        let (code, sentence) = told.last().unwrap();
        assert_eq!(*code, FAILURE, "{more:?}, {second:?}");
        assert!(
            sentence.contains("another read is filling"),
            "{more:?}, {second:?}: {sentence}"
        );
        assert!(
            folder.read("memory") == folder.read("whole"),
            "{more:?}, {second:?}"
        );
        assert_eq!(folder.names(), ["memory", "whole"]);
        fs::remove_file(&file).unwrap();
    }
}
