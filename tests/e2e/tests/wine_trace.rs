//! The driver's events in Wine, where the KMDF stand-in has the functions for them and prints a line
//! for each.

#![forbid(unsafe_code)]

use std::{collections::BTreeSet, fs};

use ringcopy_client::trace::{PROVIDER, PROVIDER_NAME, Raw};
use ringcopy_tests::artefact;

#[test]
#[ignore = "needs Wine: cargo xtask test runs it"]
fn wine_prints_the_events_of_a_run() {
    let log = fs::read(artefact("RINGCOPY_WINE_LOG")).unwrap();
    let names: BTreeSet<_> = String::from_utf8_lossy(&log)
        .lines()
        .filter_map(Raw::of_line)
        .map(|event| {
            assert_eq!(event.provider, PROVIDER);
            let event = event.decode().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(event.provider, PROVIDER_NAME);
            event.name
        })
        .collect();
    for name in [
        "Settings",
        "Loaded",
        "Opened",
        "RequestRefused",
        "CopyStopped",
        "Unloaded",
    ] {
        assert!(names.contains(name), "no {name} in {names:?}");
    }
}
