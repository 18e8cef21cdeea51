//! The matrix in a Windows program.
#![cfg(windows)]

use std::{
    env,
    fmt::Write as _,
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use accessor_matrix::{Arena, Family, Race, Room, run, run_race};

mod process;
use process::ProcessArena;

/// Where the figures go, a line for each family: its name, the cases that ran, and for each
/// [`Need`] the cases that were skipped.
const FIGURES: &str = "RINGCOPY_ACCESSOR_FIGURES";

#[test]
fn every_family_passes() {
    process::fail_on_unhandled_exceptions();
    let mut room = Box::new(Room::new());
    let arena = ProcessArena::allocate();
    let mut figures = String::new();
    for family in Family::ALL {
        arena.arrange_used_up();
        let tally = run(*family, &arena, &mut room);
        if let Some(failure) = tally.failure() {
            panic!("{}: {failure}", family.name());
        }
        write!(figures, "{}\t{}", family.name(), tally.ran).unwrap();
        for skipped in tally.skipped {
            write!(figures, "\t{skipped}").unwrap();
        }
        figures.push('\n');
    }
    print!("{figures}");
    if let Some(file) = env::var_os(FIGURES) {
        fs::write(file, figures).unwrap();
    }
}

#[test]
fn every_access_is_exact_while_its_page_changes() {
    process::fail_on_unhandled_exceptions();
    let mut room = Box::new(Room::new());
    for race in Race::ALL {
        for change in race.changes() {
            let arena = ProcessArena::for_race(*change);
            let (base, stop) = (arena.base(), AtomicBool::new(false));
            let end = thread::scope(|scope| {
                scope.spawn(|| process::keep_changing(base, *change, &stop));
                let end = run_race(*race, &arena, &mut room);
                stop.store(true, Ordering::Relaxed);
                end
            });
            let what = format!("{}, {change:?}", race.name());
            if let Some(failure) = end.failure() {
                panic!("{what}: {failure}");
            }
            assert!(end.complete > 0 && end.stopped > 0, "{what}: {end:?}");
        }
    }
}
