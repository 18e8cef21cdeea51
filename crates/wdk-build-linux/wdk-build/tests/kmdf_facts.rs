//! Checks the facts about KMDF against the framework's documentation. The compiler checks the layouts,
//! and the build script the indices of the functions.

const FACTS: &str = include_str!("../facts/kmdf.tsv");

/// A framework refuses a driver whose table is longer than its own. Functions are in the order in
/// which versions added them, so the last one names the version of a table: 1.31, by its
/// requirements (`WdfDeviceSetDeviceInterfaceStateEx` in the documentation of wdfdevice.h).
#[test]
fn function_table_ends_where_that_of_the_oldest_framework_does() {
    let last = FACTS
        .lines()
        .rfind(|row| row.starts_with("function\t"))
        .and_then(|row| row.split('\t').nth(1));
    assert_eq!(last, Some("WdfDeviceSetDeviceInterfaceStateEx"));
}
