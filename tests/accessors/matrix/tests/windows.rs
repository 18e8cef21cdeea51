//! The matrix in a Windows program.
#![cfg(windows)]

use std::{env, fmt::Write as _, fs, ptr::without_provenance_mut};

use accessor_matrix::{Arena, Family, Need, Room, run};

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
fn an_arena_has_what_it_says() {
    let arena = ProcessArena::allocate();
    assert!(!arena.can(Need::PagingOut));
    assert_ne!(arena.raise_status(), without_provenance_mut(0));
}
