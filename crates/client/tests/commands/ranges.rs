//! `ringcopy ranges`.

use ringcopy_client::protocol::NtStatus;

use crate::{driver::SimulatedDriver, operations, run, run_with};

#[test]
fn ranges_are_printed_as_text_and_as_a_document() {
    let output = run("ranges");
    output.succeeded();
    assert_eq!(
        output.out,
        "base                end (exclusive)               size\n\
         0x0000000000001000  0x000000000009f000      632.00 KiB\n\
         0x0000000000100000  0x0000000040000000     1023.00 MiB\n\
         total               2 ranges               1023.62 MiB\n"
    );
    let document = run("ranges --json").json();
    assert_eq!(document["total"], 0x3FF0_0000 + 0x9_E000);
    assert_eq!(document["ranges"][1]["base"], "0x100000");
    assert_eq!(document["ranges"][1]["end"], "0x40000000");
    assert_eq!(document["ranges"][0]["length"], 0x9_E000);
    assert_eq!(operations(&document)[0]["operation"], "memory ranges");
}

#[test]
fn a_refused_request_is_an_operation_with_a_sentence() {
    let refused =
        || SimulatedDriver::with(|driver| driver.ranges_status = NtStatus::INVALID_DEVICE_REQUEST);
    run_with(refused, "ranges").only_err_has("no such request");
    let document = run_with(refused, "ranges --json").json();
    assert_eq!(
        operations(&document)[0]["status"],
        "STATUS_INVALID_DEVICE_REQUEST"
    );
    let error = document["error"].as_str().unwrap();
    assert!(error.contains("no such request"), "{error}");
}
