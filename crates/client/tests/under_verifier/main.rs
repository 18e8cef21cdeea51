//! The test under Driver Verifier, on a system on paper: across restarts, crashes and Ctrl-C.

#![cfg(feature = "program")]
#![forbid(unsafe_code)]

mod at_once;
mod findings;
#[path = "../folder/mod.rs"]
mod folder;
mod foreign_memory;
mod interruptions;
#[path = "../simulated/system/mod.rs"]
mod system;

use std::{cell::Cell, fs, path::PathBuf, rc::Rc};

use folder::Folder;
use ringcopy_client::vm_test::{Ended, Exercise, Kind, Options, run};
use serde_json::{Value, json};
use system::SimulatedSystem;

/// The test's settings, with its report in a folder.
fn options(folder: &Folder) -> Options {
    Options {
        folder: folder.at().into(),
        loads: 5,
        give_up: false,
        kind: Kind::default(),
    }
}

fn report(folder: &Folder) -> Value {
    serde_json::from_slice(&folder.read("ringcopy-vm-test.json")).unwrap()
}

/// A client that returns prepared results.
struct Client {
    selftest: Value,
    verify: Value,
    abuse: Result<Value, String>,
    said: Vec<String>,
    commands: u32,
    /// Whether the driver is loaded.
    driver: Rc<Cell<bool>>,
    /// Where to look for what is written down as under way, and what was there.
    watched: Option<PathBuf>,
    running: Vec<Value>,
    trying: Vec<Value>,
    info: Value,
    /// The pieces of foreign memory that were compared.
    pieces: Vec<String>,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            selftest: json!({ "succeeded": true, "operations": [], "error": null }),
            verify: json!({ "succeeded": true, "disagreements": 0, "error": null }),
            abuse: Ok(json!({ "requests": 10, "wrong": [] })),
            said: Vec::new(),
            commands: 0,
            driver: Rc::new(Cell::new(true)),
            watched: None,
            running: Vec::new(),
            trying: Vec::new(),
            info: json!({
                "information": {
                    "native_engine": "STATUS_SUCCESS",
                    "reach": ["system virtual", "physical"],
                },
                "error": null,
            }),
            pieces: Vec::new(),
        }
    }
}

impl Exercise for Client {
    fn command(&mut self, arguments: &[&str]) -> Result<Value, String> {
        self.commands += 1;
        self.reach()?;
        match arguments {
            ["selftest"] => Ok(self.selftest.clone()),
            ["verify"] => Ok(self.verify.clone()),
            ["info"] => Ok(self.info.clone()),
            ["ranges"] => Ok(json!({
                "ranges": [{ "base": "0x100000", "length": 0x10_0000 }],
                "error": null,
            })),
            ["verify", kind, range] => {
                self.note_progress();
                self.pieces.push(format!("{kind} {range}"));
                Ok(self.verify.clone())
            }
            arguments => panic!("{arguments:?} is no part of the test"),
        }
    }

    fn abuse(&mut self) -> Result<Value, String> {
        self.note_progress();
        self.reach()?;
        self.abuse.clone()
    }

    fn say(&mut self, line: &str) {
        self.said.push(line.into());
    }
}

impl Client {
    /// Notes what is written down as under way.
    fn note_progress(&mut self) {
        if let Some(path) = &self.watched {
            let text = fs::read_to_string(path).unwrap();
            let progress: Value = serde_json::from_str(&text).unwrap();
            self.running.push(progress["running"].clone());
            self.trying.push(progress["trying"].clone());
        }
    }

    fn reach(&self) -> Result<(), String> {
        if self.driver.get() {
            Ok(())
        } else {
            Err("there is no driver".into())
        }
    }
}

/// Returns an empty folder, a system with the driver installed, and a client without defects.
fn begin(folder: &str) -> (Folder, SimulatedSystem, Client) {
    let (system, client) = (SimulatedSystem::installed(), Client::default());
    (Folder::new(folder), system, client)
}

/// Runs the test until it asks for a restart, and restarts the system.
fn run_and_restart(system: &mut SimulatedSystem, client: &mut Client, folder: &Folder) {
    let ended = run(system, client, &options(folder));
    assert_eq!(ended, Ok(Ended::Restart));
    system.restart();
}

/// Runs and restarts until it is done.
fn complete(system: &mut SimulatedSystem, client: &mut Client, folder: &Folder) -> bool {
    complete_as(Kind::default(), system, client, folder)
}

/// The same for another kind of test.
fn complete_as(
    kind: Kind,
    system: &mut SimulatedSystem,
    client: &mut Client,
    folder: &Folder,
) -> bool {
    client.driver = system.loaded.clone();
    let options = Options {
        kind,
        ..options(folder)
    };
    for _ in 0..4 {
        match run(system, client, &options).unwrap() {
            Ended::Restart => system.restart(),
            Ended::Done { passed, .. } => return passed,
        }
    }
    panic!("more restarts than rounds");
}

#[test]
fn two_restarts_lead_to_a_report_and_nothing_is_left() {
    let (folder, mut system, mut client) = begin("complete");
    assert!(complete(&mut system, &mut client, &folder));
    assert_eq!(
        folder.names(),
        ["ringcopy-vm-test.json", "ringcopy-vm-test.txt"]
    );
    assert_eq!(system.disk, SimulatedSystem::installed().disk);
    assert!(system.verifier.is_off());
    let settings: Vec<_> = system
        .ran
        .iter()
        .filter(|line| line.contains("/driver"))
        .collect();
    assert_eq!(
        settings,
        [
            "verifier.exe /standard /driver ringcopy.sys",
            "verifier.exe /flags 0x209BB /faults 600   8 /driver ringcopy.sys"
        ]
    );
    let report = report(&folder);
    assert_eq!(report["passed"], true);
    for round in 0..2 {
        let steps = &report["rounds"][round]["steps"];
        for step in [
            "load",
            "selftest",
            "verify",
            "abuse",
            "load and unload",
            "statistics",
        ] {
            assert!(!steps[step].is_null(), "{step}");
        }
        assert_eq!(steps["load and unload"]["times"], 5);
    }
    // Once before all, then for each round the load and five more.
    assert_eq!(system.starts, 1 + 2 * 6);
}
