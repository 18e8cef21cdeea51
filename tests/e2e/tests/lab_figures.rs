//! The lab's counts of the instructions of requests.

#![forbid(unsafe_code)]

use ringcopy_client::{
    PAGE_LENGTH, Source, Transport,
    protocol::{EngineKind, Reach},
};
use ringcopy_lab::{Counted, LabError, Options};
use ringcopy_tests::{boot, boot_with, open, options, privileged};

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn instructions_are_counted_whatever_else_the_machine_does() {
    let lab = boot_with(Options {
        counted: Counted::All,
        ..options(Reach::all())
    });
    let mut process = privileged(&lab);
    let page = process.allocate(PAGE_LENGTH).unwrap();
    let physical = process.physical_address(page).unwrap().unwrap();
    let mut device = open(&mut process);
    let mut once = |length: usize, engine| {
        let mut target = vec![0; length];
        let (report, instructions) = lab
            .instructions_of(|| device.copy_memory(Source::Physical(physical), engine, &mut target))
            .unwrap();
        assert!(report.unwrap().is_complete());
        instructions
    };
    // One request a second takes the list of RAM again.
    let mut instructions = |length, engine| once(length, engine).min(once(length, engine));
    for engine in [EngineKind::Native, EngineKind::System] {
        // The first request may find things to set up.
        instructions(1, engine);
        let (byte, page) = (instructions(1, engine), instructions(4096, engine));
        assert!(byte > 100, "{engine:?}: {byte}");
        assert!(
            page > byte,
            "{engine:?}: {page} for a page, {byte} for a byte"
        );
        for _ in 0..10 {
            assert_close(instructions(1, engine), byte);
            assert_close(instructions(4096, engine), page);
        }
    }
}

/// The counts may differ by the searches of the lab's allocators alone.
fn assert_close(found: u64, expected: u64) {
    let difference = found.abs_diff(expected);
    assert!(
        difference * 50 < expected,
        "{found} instructions, and {expected} before"
    );
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_lab_that_does_not_count_says_so() {
    let lab = boot(Reach::empty());
    assert!(matches!(
        lab.instructions_of(|| ()),
        Err(LabError::NotCounted)
    ));
}
