//! `ringcopy vm-test`.

use std::io;

use serde_json::{Value, json};

use super::{Connect, Console, Stop, View, arguments::VmTestArguments, record::Document};
use crate::{
    explain,
    machine::Machine,
    suites::abuse,
    vm_test::{self, Exercise, Options, Outcome},
};

pub(super) fn perform(
    arguments: &VmTestArguments,
    machine: &mut dyn Machine,
    connect: &mut Connect<'_, '_>,
    view: &mut View<'_, '_>,
    document: &mut Document,
) -> Result<(), Stop> {
    let options = Options {
        folder: arguments.folder.clone(),
        loads: arguments.loads,
        give_up: arguments.give_up,
    };
    let mut client = Client { connect, view };
    match vm_test::run(machine, &mut client, &options)? {
        Outcome::Restart => document.detail("state", "restart"),
        Outcome::Done { passed, report } => {
            document.detail("state", "done");
            document.detail("passed", passed);
            document.detail("report", report.display().to_string());
            if !passed {
                document.fault();
            }
            view.line(&format!("report: {}", report.display()))?;
        }
    }
    Ok(())
}

/// This very client.
struct Client<'p, 'c, 't, 'v, 'o> {
    connect: &'p mut Connect<'c, 't>,
    view: &'p mut View<'v, 'o>,
}

impl Exercise for Client<'_, '_, '_, '_, '_> {
    fn command(&mut self, name: &str) -> Result<Value, String> {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        super::run(
            ["ringcopy", "--json", name],
            &mut Console {
                out: &mut out,
                err: &mut err,
                input: &mut io::empty(),
                terminal: false,
                progress: false,
            },
            self.connect,
        );
        serde_json::from_slice(&out).map_err(|error| format!("no document: {error}"))
    }

    fn abuse(&mut self) -> Result<Value, String> {
        let outcome = (self.connect)()
            .map_err(Into::into)
            .and_then(|mut transport| abuse::run(&mut *transport))
            .map_err(|error| explain(&error))?;
        Ok(json!({ "requests": outcome.requests, "wrong": outcome.wrong }))
    }

    fn say(&mut self, line: &str) {
        // A reader that has gone away ends the output, not the test.
        let _: io::Result<()> = self.view.line(line);
    }
}
