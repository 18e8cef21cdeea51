//! What a lab reports when its machine ends: field case F12, with the real QEMU. The test `endings`
//! of the lab's host has the program that reports it, and every other end of QEMU.

#![forbid(unsafe_code)]

use std::{fs, iter, path::Path, process::Command, sync::atomic::Ordering};

use ringcopy_client::protocol::Reach;
use ringcopy_lab::{Lab, LabError, Options, token};
use ringcopy_tests::options;

/// Sends a signal to the machine, then commands, of which it may carry out some. Returns the first
/// error.
fn after_signal(name: &str) -> (Lab, LabError) {
    const MOST: usize = 10_000_000;
    let lab = Lab::boot(options(Reach::empty())).unwrap();
    signal(&lab, name);
    let mut commands = iter::repeat_with(|| lab.counts()).take(MOST);
    let error = commands.find_map(Result::err).expect("it goes on");
    (lab, error)
}

fn signal(lab: &Lab, name: &str) {
    let process = lab.machine_process().to_string();
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{name} {process}")])
        .status();
    assert!(sent.unwrap().success());
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_machine_that_was_asked_to_end_was_interrupted() {
    for name in ["TERM", "INT", "HUP"] {
        let (lab, error) = after_signal(name);
        assert!(matches!(error, LabError::Interrupted), "{error}");
        assert!(lab.is_gone());
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_machine_that_was_killed_is_reported() {
    let (_, error) = after_signal("KILL");
    assert!(error.to_string().contains("QEMU was killed"), "{error}");
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn an_interrupted_test_sends_nothing_more() {
    let options = options(Reach::empty());
    let interrupted = options.interrupted.clone();
    let lab = Lab::boot(options).unwrap();
    let process = lab.process(token::ADMINISTRATORS).unwrap();
    interrupted.store(true, Ordering::Relaxed);
    let before = lab.requests();
    let error = process.lab().counts().unwrap_err();
    assert!(matches!(error, LabError::Interrupted), "{error}");
    assert_eq!(lab.requests(), before);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_triple_fault_of_the_guest_is_reported() {
    let kernel = Path::new(env!("CARGO_TARGET_TMPDIR")).join("triple-fault");
    fs::write(&kernel, kernel_that_faults()).unwrap();
    let options = Options {
        kernel,
        ..options(Reach::empty())
    };
    let error = Lab::boot(options).map(drop).unwrap_err();
    assert!(error.to_string().contains("(a triple fault)"), "{error}");
}

/// A 32-bit ELF file with the note that QEMU boots by. It loads an empty interrupt table, and executes
/// an undefined instruction: that exception, the fault at its handler and the double fault have none.
fn kernel_that_faults() -> Vec<u8> {
    const BASE: u32 = 0x20_0000;
    const EMPTY_TABLE: u32 = 0x80;
    const NOTE: u32 = 0xC0;
    const ENTRY: u32 = 0x100;
    const LENGTH: u32 = 0x200;
    const HEADER_LENGTH: u16 = 52;
    const SEGMENT_LENGTH: u16 = 32;
    let words =
        |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|word| word.to_le_bytes()).collect() };
    let halves =
        |halves: &[u16]| -> Vec<u8> { halves.iter().flat_map(|half| half.to_le_bytes()).collect() };
    let mut image = Vec::new();
    // "ELF", 32 bits, little-endian, version 1.
    image.extend(b"\x7FELF\x01\x01\x01");
    image.resize(16, 0);
    // An executable for the 386; version 1; entry; segments after the header; no sections.
    image.extend(halves(&[2, 3]));
    image.extend(words(&[1, BASE + ENTRY, HEADER_LENGTH.into(), 0, 0]));
    image.extend(halves(&[HEADER_LENGTH, SEGMENT_LENGTH, 2, 0, 0, 0]));
    // A segment to load, readable, writable and executable; a segment of notes, readable.
    image.extend(words(&[1, 0, BASE, BASE, LENGTH, LENGTH, 7, 0x1000]));
    image.extend(words(&[4, NOTE, BASE + NOTE, BASE + NOTE, 20, 20, 4, 4]));
    image.resize(NOTE as usize, 0);
    // The lengths of name and content, XEN_ELFNOTE_PHYS32_ENTRY, both.
    image.extend(words(&[4, 4, 18]));
    image.extend(b"Xen\0");
    image.extend(words(&[BASE + ENTRY]));
    image.resize(ENTRY as usize, 0);
    // lidt [EMPTY_TABLE]; ud2
    image.extend(b"\x0F\x01\x1D");
    image.extend(words(&[BASE + EMPTY_TABLE]));
    image.extend(b"\x0F\x0B");
    image.resize(LENGTH as usize, 0);
    image
}
