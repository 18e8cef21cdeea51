//! Mutants: the driver, the accessors and the client with one guard removed. They test the tests: a
//! test that no mutant fails may be a test that cannot fail.
//!
//! Each mutant is built in a copy of the tree. Then one test must fail: in the lab, under Wine, or on
//! the host.

mod accessor_matrix;
mod accessors;
mod client;
mod driver;
mod lab_host;
mod mutant;
mod tree;

use crate::{
    accessors::DRIVER as MATRIX_DRIVER, lab::Lab, paths, program, setup, step::Step, wine,
};
use anyhow::{Result, bail};
use mutant::Mutant;
use std::{cell::Cell, path::PathBuf, process::Stdio};
use tree::{Image, Tree};

const DRIVER: Image = Image {
    package: "ringcopy",
    file: "ringcopy.dll",
    variable: "RINGCOPY_DRIVER",
};

const ACCESSOR_MATRIX: Image = Image {
    package: "accessor-matrix-driver",
    file: "accessor_matrix_driver.dll",
    variable: MATRIX_DRIVER,
};

/// All mutants, by where they are tested.
const ALL: [&[Mutant]; 5] = [
    driver::MUTANTS,
    accessor_matrix::MUTANTS,
    accessors::MUTANTS,
    client::MUTANTS,
    lab_host::MUTANTS,
];

/// Builds each mutant and runs its test, which must fail: all mutants, or those whose names contain
/// `only`.
pub fn run(only: Option<&str>) -> Result<()> {
    let chosen = |mutants: &'static [Mutant]| -> Vec<&'static Mutant> {
        let names = |mutant: &&Mutant| only.is_none_or(|words| mutant.name.contains(words));
        mutants.iter().filter(names).collect()
    };
    let [driver, matrix, accessors, client, lab_host] = ALL.map(chosen);
    let count = [&driver, &matrix, &accessors, &client, &lab_host]
        .iter()
        .map(|mutants| mutants.len())
        .sum();
    if count == 0 {
        bail!("no mutant's name contains these words; all are in crates/xtask/src/test/mutants");
    }
    setup::for_tests()?;
    let run = Run {
        begun: Cell::new(0),
        count,
        lab: Lab::prepare()?,
        tree: Tree::copy()?,
    };
    run.in_lab(&DRIVER, &driver)?;
    run.in_lab(&ACCESSOR_MATRIX, &matrix)?;
    run.under_wine(&accessors)?;
    run.on_host("ringcopy-client", &client)?;
    run.on_host("ringcopy-lab", &lab_host)?;
    eprintln!("{count} of {count} mutants caught");
    Ok(())
}

struct Run {
    begun: Cell<usize>,
    count: usize,
    lab: Lab,
    tree: Tree,
}

impl Run {
    /// Tries a mutant. `failed` returns whether its test failed.
    fn attempt(&self, mutant: &Mutant, failed: impl FnOnce(&Step) -> Result<bool>) -> Result<()> {
        self.begun.set(self.begun.get() + 1);
        let (number, count) = (self.begun.get(), self.count);
        let step = Step::start(format!("[{number} of {count}] {}", mutant.name));
        if !failed(&step)? {
            bail!(
                "the mutant \"{}\" went unnoticed: {} did not fail",
                mutant.name,
                mutant.caught_by
            );
        }
        step.done();
        eprintln!("  caught by {}", mutant.caught_by);
        Ok(())
    }

    /// Tries mutants with tests in the lab.
    fn in_lab(&self, image: &Image, mutants: &[&Mutant]) -> Result<()> {
        for mutant in mutants {
            self.attempt(mutant, |step| {
                let driver = self.tree.with(mutant, |_| self.tree.build(step, image))?;
                let (binary, test) = mutant.test();
                let mut cargo = program::cargo();
                cargo
                    .current_dir(paths::root())
                    .args(["test", "--quiet", "--package", "ringcopy-tests"])
                    .args(["--test", binary, "--", "--ignored", "--exact", test])
                    .stdin(Stdio::null());
                self.lab.set_variables(&mut cargo);
                cargo.env(image.variable, driver);
                Ok(has_failed(&program::output_even_of_failure(&mut cargo)?))
            })?;
        }
        Ok(())
    }

    /// Tries mutants with tests of `usermode-accessors`.
    fn under_wine(&self, mutants: &[&Mutant]) -> Result<()> {
        if mutants.is_empty() {
            return Ok(());
        }
        let session = wine::Session::start()?;
        for mutant in mutants {
            self.attempt(mutant, |_| {
                let (program, test) = mutant.test();
                self.tree.with(mutant, |sources| {
                    wine::fails(&session, sources, program, test)
                })
            })?;
        }
        Ok(())
    }

    /// Tries mutants with tests of `package`.
    fn on_host(&self, package: &str, mutants: &[&Mutant]) -> Result<()> {
        let target_dir = self.tree.target_dir.with_file_name("host");
        for mutant in mutants {
            self.attempt(mutant, |step| {
                let (binary, test) = mutant.test();
                self.tree.with(mutant, |sources| {
                    let cargo = || {
                        let mut cargo = program::cargo();
                        cargo
                            .current_dir(sources)
                            .args(["test", "--package", package])
                            .arg(if binary == "lib" { "--lib" } else { "--test" })
                            .args((binary != "lib").then_some(binary))
                            .arg("--target-dir")
                            .arg(&target_dir)
                            // A quick build, since the program runs once.
                            .env("CARGO_INCREMENTAL", "1")
                            .env("CARGO_PROFILE_DEV_OPT_LEVEL", "0")
                            .env("CARGO_PROFILE_DEV_DEBUG", "0");
                        cargo
                    };
                    program::run(step, cargo().arg("--no-run"))?;
                    let mut test = {
                        let mut cargo = cargo();
                        cargo.args(["--", "--exact", test]);
                        cargo
                    };
                    Ok(has_failed(&program::output_even_of_failure(&mut test)?))
                })
            })?;
        }
        Ok(())
    }
}

/// Returns whether a run of one test printed that it failed. A test that did not run has not failed.
fn has_failed(output: &str) -> bool {
    output.contains("0 passed; 1 failed")
}

/// Builds the driver without a mutation in the copy of the tree. Returns its path.
pub fn unbroken_driver() -> Result<PathBuf> {
    let tree = Tree::copy()?;
    let step = Step::start("building the driver in another folder");
    let driver = tree.build(&step, &DRIVER)?;
    step.done();
    Ok(driver)
}

#[cfg(test)]
mod tests {
    use super::{ALL, paths};
    use fs_err as fs;

    #[test]
    fn every_mutant_fits_its_file() {
        let stale: Vec<String> = ALL
            .into_iter()
            .flatten()
            .filter_map(|mutant| {
                let text = fs::read_to_string(paths::root().join(mutant.file)).unwrap_or_default();
                mutant.of(&text).err()
            })
            .map(|error| error.to_string())
            .collect();
        assert_eq!(stale, Vec::<String>::new());
    }
}
