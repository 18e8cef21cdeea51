//! An overlapping device copy ends its process, and no handler runs.

use std::{env, process::Command};

use usermode_accessors::ddi;

/// Set in the child process: the distance between source and destination.
const DISTANCE: &str = "USERMODE_ACCESSORS_TEST_DISTANCE";
const LENGTH: usize = 8;

/// Runs in the child process. It does nothing if the variable is not set.
#[test]
fn copies_at_the_distance_it_is_told() {
    let Ok(distance) = env::var(DISTANCE) else {
        return;
    };
    let distance: usize = distance.parse().unwrap();
    let mut memory = [0_u8; 4 * LENGTH];
    let source = memory.as_mut_ptr();
    // SAFETY: both ranges are inside the array.
    unsafe { ddi::copy_device_memory(source.wrapping_add(distance), source, LENGTH) };
}

fn survives(distance: usize) -> bool {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "copies_at_the_distance_it_is_told"])
        .env(DISTANCE, distance.to_string())
        .output()
        .unwrap()
        .status
        .success()
}

#[test]
fn an_overlap_of_one_byte_is_fatal_and_adjacent_ranges_are_not() {
    assert!(!survives(0));
    assert!(!survives(LENGTH - 1));
    assert!(survives(LENGTH));
}
