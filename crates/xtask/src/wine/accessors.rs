//! The accessors' Windows test programs under Wine, an independent implementation of structured
//! exceptions.

use super::session::Session;
use crate::{accessors, paths, setup, step::Step, windows_programs};
use anyhow::{Result, bail};
use fs_err as fs;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The command that runs each test program. A program that does not end is killed, with all that it
/// has started, after much longer than any program takes: a broken guarded routine can fault on one
/// instruction for ever.
const TESTS_RUNNER: &str = "timeout --kill-after=10 600 wine";

/// The log of the tests.
const TESTS_LOG: &str = "tests.log";

/// Runs the test programs.
pub fn test() -> Result<()> {
    setup::for_wine()?;
    let session = Session::start()?;
    let step = Step::start("running the accessors' tests under Wine");
    step.detail("building");
    let mut passed = 0;
    for arguments in [
        ["--package", "accessor-matrix", "--lib", "--tests"],
        ["--features", "umaccess", "--test", "umaccess"],
    ] {
        passed += session.count_passed(&arguments)?;
    }
    drop(session);
    step.done();
    eprintln!("under Wine: {passed} passed");
    accessors::report_wine()
}

/// Returns the paths of the programs that [`test`] ran at last.
pub fn that_ran() -> Result<Vec<PathBuf>> {
    let log = fs::read_to_string(paths::target().join("wine").join(TESTS_LOG))?;
    let paths = log.lines().filter_map(program_of);
    Ok(paths.map(|path| paths::root().join(path)).collect())
}

/// Returns the path in a line with which cargo starts a program: `Running unittests src/lib.rs (PATH)`.
fn program_of(line: &str) -> Option<&str> {
    let (_, path) = line
        .trim_start()
        .strip_prefix("Running ")?
        .split_once('(')?;
    path.strip_suffix(')')
}

/// Returns whether the test of `program` with this name fails, built from `sources`. It is an error if
/// the test does not run.
///
/// The target folder is another than the tree's: cargo identifies a program by the names and times of
/// its sources, and would mistake one for the other.
pub fn fails(session: &Session, sources: &Path, program: &str, test: &str) -> Result<bool> {
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
    bail!("{program}::{test} under Wine failed:\n{output}")
}

/// The beginning of the line with which a test program ends if it passed.
const RESULT_OK: &str = "test result: ok. ";

/// Returns the number of passed tests, if the line has it.
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
    /// Runs tests of the tree, and returns how many passed.
    fn count_passed(&self, arguments: &[&str]) -> Result<u32> {
        let target_dir = windows_programs::folder();
        let (ran, output) = self.run_tests(&paths::root(), &target_dir, arguments)?;
        let passed = output.lines().filter_map(passed_of).sum();
        // A program that an exception ends silently has exit status 0 under Wine. So each program that
        // began must have printed that it passed.
        let ended = starting(&output, "running ") == starting(&output, RESULT_OK);
        if ran.is_err() || passed == 0 || !ended {
            bail!("the accessors' tests under Wine failed:\n{output}");
        }
        Ok(passed)
    }

    /// Runs tests built from `sources`. Returns cargo's result, and the output.
    fn run_tests(
        &self,
        sources: &Path,
        target_dir: &Path,
        arguments: &[&str],
    ) -> Result<(Result<()>, String)> {
        let profile = windows_programs::PROFILE;
        let mut cargo = windows_programs::of_tree(sources, target_dir, "test", profile)?;
        self.run_by(&mut cargo);
        cargo
            .args(["--package", "usermode-accessors"])
            .args(arguments)
            .env(windows_programs::RUNNER, TESTS_RUNNER);
        let ran = self.run_into(TESTS_LOG, &mut cargo);
        let log = self.log(TESTS_LOG);
        let output = fs::read_to_string(&log)?;
        Ok((ran, output))
    }

    /// Makes `cargo` run what it builds in this session.
    pub fn run_by(&self, cargo: &mut Command) {
        cargo
            .env(windows_programs::RUNNER, "wine")
            .env(accessors::FIGURES, accessors::figures());
        self.set_environment(cargo);
    }
}

#[cfg(test)]
mod tests {
    use super::{passed_of, program_of};

    #[test]
    fn programs_are_found_in_what_cargo_prints() {
        let line = "     Running tests/process.rs (target/deps/process-1.exe)";
        assert_eq!(program_of(line), Some("target/deps/process-1.exe"));
        assert_eq!(program_of("running 1 test"), None);
    }

    #[test]
    fn passed_tests_are_counted_in_results_alone() {
        assert_eq!(passed_of("test result: ok. 12 passed; 0 failed"), Some(12));
        assert_eq!(passed_of("test result: FAILED. 12 passed; 1 failed"), None);
        assert_eq!(passed_of("test copies ... ok"), None);
    }
}
