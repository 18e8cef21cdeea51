//! `ringcopy info`.

use crate::{driver::SimulatedDriver, operations, run, run_with};

#[test]
fn info_is_printed_as_text_and_as_a_document() {
    let text = run("info");
    text.succeeded();
    text.out_has("system virtual, physical");
    let document = run("info --json").json();
    assert_eq!(document["command"], "info");
    assert_eq!(document["information"]["driver_version"], "0.1.0");
    assert_eq!(document["information"]["user_limit"], "0x7fffffff0000");
    assert_eq!(operations(&document).len(), 1);
}

#[test]
fn info_does_not_name_addresses_that_it_is_not_told() {
    let text = run("info");
    text.out_has("16384 bytes at 0xffffa00000000000, physical 0x100000, 0x101000");
    text.out_has("at most 256 open at a time");
    let unprivileged = || SimulatedDriver::with(|driver| driver.privileged = false);
    let text = run_with(unprivileged, "info");
    text.succeeded();
    text.out_has("its addresses are told to holders of SeDebugPrivilege");
    let document = run_with(unprivileged, "info --json").json();
    assert!(document["information"]["session_address"].is_null());
    assert!(document["information"]["session_physical_addresses"].is_null());
}
