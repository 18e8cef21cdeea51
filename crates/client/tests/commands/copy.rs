//! `ringcopy copy`.

use ringcopy_client::cli::{FAILURE, SUCCESS};
use serde_json::Value;

use crate::{
    console::{run_words, to},
    driver::SimulatedDriver,
    operations, run, run_with,
};

#[test]
fn copy_makes_all_three_copies_and_compares() {
    let output = run("copy --length 20KiB --misalign 3");
    output.succeeded();
    assert_eq!(output.out.lines().count(), 3, "{}", output.out);
    let document = run("--json copy --length 20KiB").json();
    let operations = operations(&document);
    assert_eq!(operations[0]["copied"], 20 << 10);
    assert_eq!(operations[0]["intact"], true);
    assert_eq!(operations[1]["copied"], 16 << 10);
    assert_eq!(operations[2]["intact"], true);
    assert_eq!(document["succeeded"], true);
}

#[test]
fn copy_prints_the_text_that_arrived() {
    let copy = |words: &[&str]| run_words(None, &mut to(SimulatedDriver::default), words, &[]);
    let output = copy(&["copy", "--text", "häuser über"]);
    assert_eq!(output.code, SUCCESS);
    assert!(output.out.ends_with("\nhäuser über\n"), "{}", output.out);
    let document = copy(&["copy", "--json", "--text", ""]).json();
    assert_eq!(document["text"], "");
}

/// Checks that a copy fails at once with a status, and that text and document give advice.
#[track_caller]
fn assert_fails(line: &str, status: &str, advice: &str) {
    let output = run(line);
    assert_eq!(output.code, FAILURE);
    output.out_has(&format!("{status}: 0 of 4096 bytes"));
    output.err_has(advice);
    let document = run(&format!("{line} --json")).json();
    assert_eq!(document["succeeded"], false);
    let first = &operations(&document)[0];
    assert_eq!(first["status"], status);
    assert_eq!(first["copied"], 0);
    assert_eq!(first["intact"], Value::Null);
    let explanation = first["explanation"].as_str().unwrap();
    assert!(explanation.contains(advice), "{explanation}");
}

#[test]
fn a_misaligned_copy_fails_with_advice() {
    assert_fails(
        "copy --alignment 8 --misalign 3",
        "STATUS_DATATYPE_MISALIGNMENT",
        "align the buffer",
    );
}

#[test]
fn an_alignment_that_is_not_a_power_of_two_ends_the_copy_with_advice() {
    assert_fails(
        "copy --alignment 3",
        "STATUS_INVALID_PARAMETER",
        "not a power of two",
    );
}

#[test]
fn lost_bytes_are_reported() {
    let output = run_with(SimulatedDriver::losing_last_bytes, "copy");
    assert_eq!(output.code, FAILURE);
    output.out_has("NOT the bytes");
}
