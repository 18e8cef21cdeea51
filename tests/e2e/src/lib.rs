//! What the end-to-end tests have in common: where the images are, how a lab is started, and how
//! it has to end.

#![forbid(unsafe_code)]

mod abuse;
pub mod authority;
mod canary;
mod copies;
pub mod entries;
pub mod inf;
mod outcome;
pub mod package;
pub mod soak;
pub mod traces;

use std::{
    env,
    io::{self, Write as _},
    path::{Path, PathBuf},
    thread,
};

use ringcopy_client::{Device, OpenAccess, protocol::Reach};
use ringcopy_lab::{Lab, Options, Process, token};

pub use abuse::{LENGTH, Victim, batch, scatter, with_victim};
pub use canary::{Canary, pattern};
pub use copies::{Call, copy_memory_each};
pub use outcome::{Outcome, Served, outcome, refused};

/// Tells whoever runs the tests how much this one has tried, though it passes.
pub fn tell(what: &str) {
    let thread = thread::current();
    let test = thread.name().unwrap_or("a test");
    drop(writeln!(io::stderr(), "{test}: {what}"));
}

/// The token of an administrator who may debug.
pub const PRIVILEGED: u64 = token::ADMINISTRATORS | token::DEBUG_PRIVILEGE;

/// The driver, as built for this run.
#[must_use]
pub fn driver() -> PathBuf {
    artefact("RINGCOPY_DRIVER")
}

/// The folder of the whole project.
///
/// # Panics
/// Never: this package lies two folders deep in it.
#[must_use]
pub fn tree() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
}

/// The program behind `cargo xtask`.
#[must_use]
pub fn xtask() -> PathBuf {
    artefact("RINGCOPY_XTASK")
}

/// # Panics
/// If the test was not started by `cargo xtask test`, which builds what is tested.
#[must_use]
fn artefact(variable: &str) -> PathBuf {
    env::var_os(variable).map_or_else(
        || panic!("{variable} is not set: run cargo xtask test"),
        PathBuf::from,
    )
}

/// A lab of one processor for the driver, under this policy.
#[must_use]
pub fn options(policy: Reach) -> Options {
    Options {
        policy: Some(policy),
        processors: 1,
        ..Options::new(
            artefact("RINGCOPY_LAB_KERNEL"),
            [artefact("RINGCOPY_WDFLDR"), driver()],
        )
    }
}

/// Starts a lab.
///
/// # Panics
/// If it does not start.
#[must_use]
pub fn boot(policy: Reach) -> Lab {
    Lab::boot(options(policy)).unwrap_or_else(|error| panic!("{error}"))
}

/// Does `round` until it tells that the second processor has had its part in it: when that is, is the
/// host's business.
///
/// # Panics
/// If that never happens.
#[track_caller]
pub fn until_it_happened(mut round: impl FnMut() -> bool) {
    const MOST: u32 = 200;
    assert!((0..MOST).any(|_| round()), "not in {MOST} rounds");
}

/// Starts a process with all privileges.
///
/// # Panics
/// If the lab is gone.
#[must_use]
pub fn privileged(lab: &Lab) -> Process<'_> {
    lab.process(PRIVILEGED)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Opens the device for reads and writes.
///
/// # Panics
/// If that fails.
#[must_use]
pub fn open<'p, 'l>(process: &'p mut Process<'l>) -> Device<'p, Process<'l>> {
    Device::open(process, OpenAccess::ReadWrite).unwrap_or_else(|error| panic!("{error}"))
}

/// Ends a lab, in which the driver may have left nothing behind and broken nothing.
///
/// # Panics
/// If it has.
pub fn finish(lab: Lab) {
    let report = lab.finish().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(report.bugcheck, None, "{}", report.log.join("\n"));
    assert_eq!(report.leaks, Vec::<String>::new());
}
