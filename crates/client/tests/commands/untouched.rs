//! An output file keeps its contents until memory was read.

use std::{cell::RefCell, fs, rc::Rc};

use ringcopy_client::{
    TransportError,
    cli::{FAILURE, SUCCESS},
    protocol::{NtStatus, Reach},
};

use crate::{
    byte_at, console::run_on, driver::SimulatedDriver, folder::Folder, lost_from, run, run_with,
};

fn out_of_reach() -> SimulatedDriver {
    SimulatedDriver::with(|driver| driver.reach = Reach::empty())
}

#[test]
fn a_read_that_gets_nothing_leaves_the_file_as_it_was() {
    let closed = || SimulatedDriver::with(|driver| driver.open_status = NtStatus::ACCESS_DENIED);
    let gone = || SimulatedDriver::with(|driver| driver.lost_from = Some(0));
    let folder = Folder::new("f13");
    let file = folder.write("precious", "precious");
    for more in ["", "--hex", "--format lime", "--json"] {
        let ram = format!("read --physical 0x200000:0x1000 --output {file} {more}");
        let check = |output: crate::Output| {
            assert_eq!(output.code, FAILURE, "{more}");
            assert_eq!(folder.read("precious"), b"precious", "{more}");
            assert_eq!(folder.names(), ["precious"], "{more}");
            output
        };
        check(run_with(out_of_reach, &ram));
        check(run_with(closed, &ram));
        check(run_with(gone, &ram));
        let mut none = || Err(TransportError::Unavailable("there is none here".into()));
        check(run_on(None, &mut none, &ram));
        // Nothing is refused, but all that was asked for is a hole.
        let hole = format!("read --physical 0x40000000:3MiB --output {file} {more}");
        let output = check(run(&hole));
        if more != "--json" {
            output.err_has("left as it was");
        }
    }
    // If a byte was read, the file is overwritten, holes before the byte included.
    let line = format!("read --physical 0xff000:0x1004 --output {file}");
    assert_eq!(run_with(lost_from(usize::MAX), &line).code, FAILURE);
    let written = folder.read("precious");
    assert_eq!(written.len(), 0x1004);
    assert!(written[..0x1000].iter().all(|&byte| byte == 0));
    assert_eq!(written[0x1001], byte_at(0x10_0001));
}

#[test]
fn a_refusal_leaves_no_new_file() {
    let folder = Folder::new("f13-new");
    let file = folder.path("memory");
    for more in ["", "--hex", "--format lime"] {
        let line = format!("read --physical 0x200000:0x1000 --output {file} {more}");
        assert_eq!(run_with(out_of_reach, &line).code, FAILURE);
        assert!(folder.names().is_empty(), "{more}: {:?}", folder.names());
    }
}

#[test]
fn what_was_read_before_a_refusal_is_kept() {
    let folder = Folder::new("f13-half");
    let file = folder.path("memory");
    // The session buffer is always in reach; what follows is not.
    let line = format!("read --physical 0x100000:0x1000 0x200000:0x1000 --output {file}");
    let output = run_with(out_of_reach, &line);
    assert_eq!(output.code, FAILURE);
    output.err_has("4096 bytes are in");
    assert_eq!(folder.read("memory").len(), 0x1000);
    let done = run(&format!("{line} --resume"));
    assert_eq!(done.code, SUCCESS, "{}", done.err);
    assert_eq!(folder.read("memory").len(), 0x2000);
}

#[test]
fn a_sidecar_that_cannot_be_created_leaves_the_file_as_it_was() {
    let folder = Folder::new("no-sidecar");
    let file = folder.write("precious", "precious");
    // A folder with the name of the sidecar.
    fs::create_dir(folder.at().join("precious.unfinished")).unwrap();
    let output = run(&format!("read --physical 0x1000:16 --output {file}"));
    assert_eq!(output.code, FAILURE);
    assert_eq!(folder.read("precious"), b"precious");
}

#[test]
fn a_second_read_into_one_file_is_refused_and_the_first_is_complete() {
    let folder = Folder::new("two");
    let file = folder.path("memory");
    let whole = folder.path("whole");
    for (first, second) in [
        ("", ""),
        ("", "--resume"),
        ("", "--hex"),
        ("--format lime", "--format lime --resume"),
        ("--hex", ""),
    ] {
        let line = "read --physical 0x200000:0x180000 --output";
        run_with(lost_from(usize::MAX), &format!("{line} {whole} {first}"));
        let results = Rc::new(RefCell::new(Vec::new()));
        let driver = || {
            let results = Rc::clone(&results);
            let again = format!("{line} {file} {second}");
            SimulatedDriver::changing_bytes(move |_, address, _, _| {
                // During the first read: with nothing in its file, and with some bytes.
                if [0x20_0000, 0x30_0000].contains(&address) {
                    results.borrow_mut().push(run(&again));
                }
                byte_at(address)
            })
        };
        let output = run_with(driver, &format!("{line} {file} {first}"));
        assert_eq!(output.code, SUCCESS, "{}", output.err);
        let results = results.take();
        let last = results.last().unwrap();
        assert_eq!(last.code, FAILURE, "{first}, {second}");
        last.err_has("another read is filling");
        assert!(
            folder.read("memory") == folder.read("whole"),
            "{first}, {second}"
        );
        assert_eq!(folder.names(), ["memory", "whole"]);
        fs::remove_file(&file).unwrap();
    }
}
