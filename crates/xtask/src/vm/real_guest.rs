//! Both ends of the protocol: the host's course against the real `ringcopy guest`, on a simulated Windows.

#[path = "../../../client/tests/simulated/console/mod.rs"]
mod console;
#[path = "../../../client/tests/simulated/driver/mod.rs"]
mod driver;
#[path = "../../../client/tests/simulated/system/mod.rs"]
mod system;

use super::{
    conversation::Conversation,
    course::{Verification, drive},
    pseudo_terminal::{self, Port},
};
use anyhow::Result;
use console::{Output, run_on, to};
use driver::SimulatedDriver;
use fs_err as fs;
use ringcopy_client::cli;
use std::{path::Path, sync::atomic::AtomicBool, thread, time::Duration};
use system::{Disk, SimulatedSystem};

static GOES_ON: AtomicBool = AtomicBool::new(false);

/// How long the host waits for a message of a guest that runs beside it.
const PATIENCE: Duration = Duration::from_mins(5);

/// Starts the guest again after each restart, until its machine is shut down. Returns how often it was
/// started, and what the last one said.
fn serve(system: &mut SimulatedSystem, port: &Port, folder: &Path) -> (u32, Output) {
    let line = format!(
        "guest --port {} --folder {}",
        port.path().display(),
        folder.display()
    );
    let mut starts = 0;
    loop {
        let output = run_on(Some(system), &mut to(SimulatedDriver::default), &line);
        starts += 1;
        if system.ends != Some(true) {
            return (starts, output);
        }
        system.restart();
    }
}

/// Runs the course on a system. Returns the commands that failed, the summary, and how often the guest was
/// started.
fn course(
    system: &mut SimulatedSystem,
    no_restart: bool,
    reports: &Path,
) -> (Vec<&'static str>, String, u32) {
    let folder = tempfile::tempdir().unwrap();
    let (terminal, port) = pseudo_terminal::pair().unwrap();
    let verification = Verification {
        no_restart,
        loads: Some(3),
    };
    let talk = move || -> Result<_> {
        let mut summary = String::new();
        let mut conversation = Conversation::new(terminal, PATIENCE, &GOES_ON, |_| ());
        let failed = drive(&mut conversation, verification, reports, &mut summary)?;
        conversation.shut_down()?;
        Ok((failed, summary))
    };
    thread::scope(|scope| {
        // The guest ends with the conversation, whose end of the port is then gone.
        let host = scope.spawn(talk);
        let (starts, output) = serve(system, &port, folder.path());
        let (failed, summary) = host.join().unwrap().unwrap();
        assert_eq!(output.code, cli::SUCCESS, "{}{}", output.out, output.err);
        (failed, summary, starts)
    })
}

/// Returns a system with a package that is not installed.
fn system(package: &Path) -> SimulatedSystem {
    fs::write(package.join("ringcopy.sys"), "MZ driver").unwrap();
    fs::write(package.join("ringcopy.cer"), "certificate").unwrap();
    SimulatedSystem {
        package: Some(package.into()),
        ..SimulatedSystem::default()
    }
}

#[test]
fn the_whole_course_passes_with_the_real_guest() {
    for (no_restart, starts) in [(false, 3), (true, 1)] {
        let (package, reports) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut system = system(package.path());
        let (failed, summary, started) = course(&mut system, no_restart, reports.path());
        assert_eq!(failed, [""; 0], "{summary}");
        assert_eq!(started, starts);
        assert_eq!(system.ends, Some(false), "it was shut down");
        assert_eq!(system.disk, Disk::default(), "nothing stayed");
        assert!(system.verifier.is_off());
        let report = fs::read_to_string(reports.path().join("ringcopy-vm-test.txt")).unwrap();
        assert!(report.contains("nothing found"), "{report}");
    }
}
