//! Checks the function types of `include/wdf/functions.h` against the facts about KMDF, and the
//! facts against the framework's documentation. The build script makes the rest of the headers from
//! the facts, or has the compiler check it.

use std::collections::BTreeSet;

const FUNCTIONS: &str = include_str!("../facts/functions.tsv");

/// A framework refuses a driver whose table is longer than its own. Functions are in the order in
/// which versions added them, so the last one names the version of a table: 1.31, by its
/// requirements (`WdfDeviceSetDeviceInterfaceStateEx` in the documentation of wdfdevice.h).
#[test]
fn function_table_ends_where_that_of_the_oldest_framework_does() {
    let last = FUNCTIONS.lines().last();
    assert_eq!(last, Some("457\tWdfDeviceSetDeviceInterfaceStateEx"));
}

#[test]
fn every_function_type_is_that_of_a_function_in_the_table() {
    let known: BTreeSet<String> = FUNCTIONS
        .lines()
        .filter_map(|row| Some(row.split_once('\t')?.1.to_uppercase()))
        .collect();
    let types: Vec<&str> = include_str!("../include/wdf/functions.h")
        .lines()
        .filter_map(|line| line.strip_prefix("typedef")?.split_once("(*PFN_"))
        .filter_map(|(_, rest)| rest.split(')').next())
        .collect();
    assert!(!types.is_empty());
    for name in types {
        assert!(known.contains(name), "no {name} in the table");
    }
}
