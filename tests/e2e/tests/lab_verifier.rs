//! The rules of Driver Verifier: each is broken on purpose, and the lab ends the run over that rule.

#![forbid(unsafe_code)]

use std::{path::Path, sync::Mutex, thread};

use ringcopy_client::protocol::Reach;
use ringcopy_lab::{
    Lab, LabError,
    rules::{Breach, Rule},
};
use ringcopy_tests::options;

/// Labs that run at once.
const AT_ONCE: usize = 4;

/// Breaks a rule in a lab of its own; a sentence if the run does not end over that rule.
fn stopped_over(rule: Rule) -> Result<(), String> {
    let name = rule.description().name;
    let lab = Lab::boot(options(Reach::empty())).map_err(|error| error.to_string())?;
    match lab.break_rule(rule) {
        Err(LabError::Stopped { log, .. }) => {
            let expected = format!("VIOLATION of {name} ");
            if log.contains(&expected) {
                Ok(())
            } else {
                Err(format!("{name}: another end: {log}"))
            }
        }
        other => Err(format!("{name}: the run went on: {other:?}")),
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn each_rule_of_the_kernel_is_checked() {
    let kernel: Vec<_> = Rule::ALL
        .iter()
        .filter(|rule| rule.description().breach == Breach::Kernel)
        .collect();
    let missed = Mutex::new(Vec::new());
    let check = |rules: &[&Rule]| {
        for &&rule in rules {
            if let Err(error) = stopped_over(rule) {
                missed.lock().unwrap().push(error);
            }
        }
    };
    thread::scope(|scope| {
        for part in kernel.chunks(kernel.len().div_ceil(AT_ONCE)) {
            scope.spawn(|| check(part));
        }
    });
    let missed = missed.into_inner().unwrap();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn each_other_rule_has_a_mutant() {
    let mutants = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/xtask/mutants/driver");
    for rule in Rule::ALL {
        if let Breach::Mutant(name) = rule.description().breach {
            let patch = mutants.join(format!("{name}.patch"));
            assert!(patch.is_file(), "{} is missing", patch.display());
        }
    }
}
