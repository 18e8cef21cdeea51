//! `ringcopy copy`.

use ringcopy_client::cli::{FAILURE, SUCCESS};
use serde_json::Value;

use crate::{driver::SimulatedDriver, operations, run, run_with};

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
fn an_alignment_that_is_no_power_of_two_ends_the_copy_with_a_sentence() {
    let output = run(&["copy", "--alignment", "3"]);
    assert_eq!(output.code, FAILURE);
    assert!(output.err.contains("not a power of two"), "{}", output.err);
    let document = run(&["copy", "--alignment", "3", "--json"]).json();
    let first = &operations(&document)[0];
    assert_eq!(first["status"], "STATUS_INVALID_PARAMETER");
    assert_eq!(first["copied"], 0);
    let explanation = first["explanation"].as_str().unwrap();
    assert!(explanation.contains("power of two"), "{explanation}");
}

#[test]
fn lost_bytes_are_called_by_their_name() {
    let output = run_with(SimulatedDriver::sloppy, &["copy"]);
    assert_eq!(output.code, FAILURE);
    assert!(output.out.contains("NOT the bytes"), "{}", output.out);
}
