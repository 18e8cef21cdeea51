//! `ringcopy guest` on a serial port of Wine's, and the host's side of the conversation.

use super::{Installation, LOADS, check};
use crate::vm::{
    conversation::Conversation,
    pseudo_terminal::{self, Port},
};
use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use ringcopy_guest_protocol::{Command, Outcome};
use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

/// The port. Each time that Wine starts, it makes links for the host's own ports: `com1` and on.
const PORT: &str = "COM9";

/// How long the host waits for a message. A restart of Wine is the longest silence.
const PATIENCE: Duration = Duration::from_mins(5);

/// Has a guest go on with the test under Driver Verifier in `folder`, through its restarts, and reads its
/// report over the port.
pub fn goes_on_with_the_test(machine: &Installation, folder: &Path) -> Result<()> {
    let loads = LOADS.parse().ok();
    let reports = tempfile::tempdir()?;
    let commands = [
        (Command::Status, Outcome::Exit(0), "running"),
        // Test signing is off in Wine.
        (Command::Doctor, Outcome::Exit(1), "BAD  off"),
        (Command::Stop, Outcome::Exit(0), "unloaded"),
        (
            Command::VmTest {
                no_restart: false,
                risky: false,
                loads,
            },
            Outcome::Exit(0),
            "nothing found",
        ),
    ];
    let files = converse(machine, folder, |conversation| {
        for (command, expected, text) in commands {
            let (outcome, printed) = conversation.run(command)?;
            let good = outcome == expected && printed.contains(text);
            check(good, &format!("{command:?}"), &printed)?;
        }
        conversation.fetch(reports.path())
    })?;
    for name in ["ringcopy-vm-test.json", "ringcopy-vm-test.txt"] {
        check(
            files.iter().any(|file| file.as_str() == name),
            "the list of files",
            &format!("{files:?}"),
        )?;
        check(
            fs::read(reports.path().join(name))? == fs::read(folder.join(name))?,
            name,
            "it arrived as another file",
        )?;
    }
    Ok(())
}

/// Talks to a guest, which is started again after each restart of Wine, and shuts it down.
fn converse<T: Send>(
    machine: &Installation,
    folder: &Path,
    talk: impl FnOnce(&mut Conversation<'_>) -> Result<T> + Send,
) -> Result<T> {
    let (terminal, port) = pseudo_terminal::pair()?;
    let (has_ended, done) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let host = scope.spawn(|| {
            let mut conversation = Conversation::new(terminal, PATIENCE, &has_ended, |_| ());
            let talked = conversation
                .greeting()
                .and_then(|_| talk(&mut conversation));
            done.store(true, Ordering::Relaxed);
            talked
                .and_then(|talked| conversation.shut_down().map(|()| talked))
                // A guest in Wine does not notice that the other end of its port is gone.
                .inspect_err(|_| machine.session.end())
        });
        let served = serve(machine, &port, folder, &done);
        has_ended.store(true, Ordering::Relaxed);
        let Ok(talked) = host.join() else {
            bail!("the host has panicked");
        };
        match (talked, served) {
            (Err(host), Err(guest)) => Err(guest).with_context(|| format!("{host:#}")),
            (talked, served) => served.and(talked),
        }
    })
}

/// Runs the guest, and again after a restart, until the host is done.
fn serve(machine: &Installation, port: &Port, folder: &Path, done: &AtomicBool) -> Result<()> {
    let devices = machine.session.prefix.path().join("dosdevices");
    let link = devices.join(PORT.to_lowercase());
    let program = machine.package.join("ringcopy.exe").display().to_string();
    let folder = folder.display().to_string();
    loop {
        let _ = fs::remove_file(&link);
        fs::os::unix::fs::symlink(port.path(), &link)?;
        let ran = machine.wine(&[&program, "guest", "--port", PORT, "--folder", &folder])?;
        check(ran.succeeded, "ringcopy guest", &ran.text)?;
        if done.load(Ordering::Relaxed) {
            return Ok(fs::remove_file(&link)?);
        }
        machine.session.restart()?;
    }
}
