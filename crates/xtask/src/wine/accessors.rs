//! The accessors' Windows test programs, under Wine: a second opinion on structured exceptions, by
//! people who never saw this project.

use super::Session;
use crate::{accessors, error::Error, places, setup, step::Step, windows_programs};
use std::{fs, path::Path, process::Command};

/// What runs each test program. One that never ends, as a routine does which a fault leads back to its
/// own instruction, is killed with all that it has started: after much longer than any takes.
const TESTS_RUNNER: &str = "timeout --kill-after=10 600 wine";

/// What the tests print.
const TESTS_LOG: &str = "tests.log";

/// Runs them.
///
/// # Errors
///
/// What is missing, or that a test failed; the test has said why.
pub fn test() -> Result<(), Error> {
    setup::for_wine()?;
    let session = Session::start()?;
    let step = Step::start("running the accessors' tests under Wine");
    step.detail("building");
    let (ran, output) = session.run_tests(
        &places::root(),
        &windows_programs::folder(),
        &["--package", "accessor-matrix", "--lib", "--tests"],
    )?;
    drop(session);
    let passed: u32 = output.lines().filter_map(passed_of).sum();
    // A program that an exception ended without a word still ends with status 0 under Wine: what
    // counts is that each program which began has also told that it passed.
    if ran.is_err() || passed == 0 || starting(&output, "running ") != starting(&output, RESULT_OK)
    {
        return Err(Error::Failed {
            program: "the accessors' tests under Wine".to_owned(),
            output,
        });
    }
    step.done();
    eprintln!("under Wine: {passed} passed");
    accessors::report_wine()
}

/// Whether the one test of `program` with this name fails, of the sources in a folder.
///
/// What is built goes to a folder of its own: cargo knows a program by its sources' names and times,
/// and would take one of these for one of the tree's.
///
/// # Errors
///
/// If it does not run, for example because it does not build.
pub fn fails(session: &Session, sources: &Path, program: &str, test: &str) -> Result<bool, Error> {
    let target: &[&str] = match program {
        "lib" => &["--lib"],
        program => &["--test", program],
    };
    let exactly = ["--", "--exact", test];
    let target_dir = sources.with_file_name("wine");
    let (ran, output) = session.run_tests(sources, &target_dir, &[target, &exactly].concat())?;
    if starting(&output, "running 1 test") == 1 {
        return Ok(ran.is_err() || starting(&output, RESULT_OK) == 0);
    }
    Err(Error::Failed {
        program: format!("{program}::{test} under Wine"),
        output,
    })
}

/// How the line begins in which a test program tells that it passed.
const RESULT_OK: &str = "test result: ok. ";

/// How many tests passed, in a line that tells.
fn passed_of(line: &str) -> Option<u32> {
    line.strip_prefix(RESULT_OK)?
        .split(' ')
        .next()?
        .parse()
        .ok()
}

fn starting(output: &str, with: &str) -> usize {
    output.lines().filter(|line| line.starts_with(with)).count()
}

impl Session {
    /// Runs tests of the sources in a folder. Whether cargo was content, and what they printed.
    fn run_tests(
        &self,
        sources: &Path,
        target_dir: &Path,
        arguments: &[&str],
    ) -> Result<(Result<(), Error>, String), Error> {
        let profile = windows_programs::PROFILE;
        let mut cargo = windows_programs::of_tree(sources, target_dir, "test", profile)?;
        self.run_by(&mut cargo);
        cargo
            .args(["--package", "usermode-accessors"])
            .args(arguments)
            .env(windows_programs::RUNNER, TESTS_RUNNER);
        let ran = self.run_into(TESTS_LOG, &mut cargo);
        let log = self.log(TESTS_LOG);
        let output = fs::read_to_string(&log).map_err(Error::file(&log))?;
        Ok((ran, output))
    }

    /// Has `cargo` run what it builds here.
    pub fn run_by(&self, cargo: &mut Command) {
        cargo
            .env(windows_programs::RUNNER, "wine")
            .env(accessors::FIGURES, accessors::figures());
        self.set_environment(cargo);
    }
}

#[cfg(test)]
mod tests {
    use super::passed_of;

    #[test]
    fn results_are_told_from_failures() {
        assert_eq!(passed_of("test result: ok. 12 passed; 0 failed"), Some(12));
        assert_eq!(passed_of("test result: FAILED. 12 passed; 1 failed"), None);
        assert_eq!(passed_of("test copies ... ok"), None);
    }
}
