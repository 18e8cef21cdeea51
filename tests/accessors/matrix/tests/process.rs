//! The matrix in a process: a Windows program, or a program of the host. Outside Windows no
//! exception is caught, so the cases that raise one are skipped there.

use std::{
    env,
    fmt::Write as _,
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use accessor_matrix::{Arena, Change, Family, KernelMemory, Race, run, run_race};

mod arena;
use arena::ProcessArena;

/// Names the file for the figures. A line holds the name of a family, the number of cases that ran,
/// and for each [`Need`](accessor_matrix::Need) the number of cases that were skipped.
const FIGURES: &str = "RINGCOPY_ACCESSOR_FIGURES";

#[test]
fn every_family_passes() {
    let mut kernel = Box::new(KernelMemory::new());
    let arena = ProcessArena::allocate();
    let mut figures = String::new();
    // A page that changes with each access takes an exception handler.
    let families = Family::ALL
        .iter()
        .filter(|family| cfg!(windows) || **family != Family::Alternating);
    for family in families {
        arena.arrange_used_up();
        let tally = run(*family, &arena, &mut kernel);
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

/// Ends the other thread when the race ends, also by a panic.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn every_access_is_exact_while_its_page_changes() {
    let mut kernel = Box::new(KernelMemory::new());
    for race in Race::ALL {
        let changes = race.changes().iter();
        for change in changes.filter(|change| cfg!(windows) || **change == Change::Rewrite) {
            let arena = ProcessArena::for_race(*change);
            let (base, stop) = (arena.base(), AtomicBool::new(false));
            let result = thread::scope(|scope| {
                scope.spawn(|| arena::keep_changing(base, *change, &stop));
                let _stop = StopOnDrop(&stop);
                run_race(*race, &arena, &mut kernel)
            });
            let what = format!("{}, {change:?}", race.name());
            if let Some(failure) = result.failure() {
                panic!("{what}: {failure}");
            }
            assert!(
                result.complete > 0 && result.stopped > 0,
                "{what}: {result:?}"
            );
        }
    }
}
