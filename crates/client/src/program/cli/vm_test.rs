//! `ringcopy vm-test`: the test under Driver Verifier.

use std::io;

use serde_json::{Value, json};

use super::{Connect, Console, Stop, arguments::VmTestArguments, view::View};
use crate::{
    explain,
    machine::System,
    suites::abuse,
    vm_test::{self, Ended, Exercise, Kind, Options},
};

pub(super) fn run(
    arguments: &VmTestArguments,
    system: &mut dyn System,
    connect: &mut Connect<'_, '_>,
    view: &mut View<'_, '_>,
) -> Result<(), Stop> {
    let options = Options {
        folder: arguments.folder.clone(),
        loads: arguments.loads,
        give_up: arguments.give_up,
        kind: Kind {
            no_restart: arguments.no_restart,
            risky: arguments.risky,
        },
    };
    let mut client = Client { connect, view };
    match vm_test::run(system, &mut client, &options)? {
        Ended::Restart => view.document.detail("state", "restart"),
        Ended::Done { passed, report } => {
            view.document.detail("state", "done");
            view.document.detail("passed", passed);
            view.document.detail("report", report.display().to_string());
            if !passed {
                view.document.fault();
            }
            view.line(&format!("report: {}", report.display()))?;
        }
    }
    Ok(())
}

/// This client.
struct Client<'p, 'c, 't, 'v, 'o> {
    connect: &'p mut Connect<'c, 't>,
    view: &'p mut View<'v, 'o>,
}

impl Exercise for Client<'_, '_, '_, '_, '_> {
    fn command(&mut self, arguments: &[&str]) -> Result<Value, String> {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        super::run(
            ["ringcopy", "--json"].iter().chain(arguments),
            &mut Console::without_terminal(&mut out, &mut err, &mut io::empty()),
            self.connect,
        );
        serde_json::from_slice(&out).map_err(|error| format!("no document: {error}"))
    }

    fn abuse(&mut self) -> Result<Value, String> {
        let found = (self.connect)()
            .map_err(Into::into)
            .and_then(|mut transport| abuse::run(&mut *transport))
            .map_err(|error| explain(&error))?;
        Ok(json!({ "requests": found.requests, "wrong": found.wrong }))
    }

    fn say(&mut self, line: &str) {
        // If the output was closed, the test continues.
        let _: io::Result<()> = self
            .view
            .line(line)
            .and_then(|()| self.view.console.out.flush());
    }
}
