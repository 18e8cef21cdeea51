//! Mutants: the driver, the accessors and the client with one guard removed. They test the tests: a
//! test that no mutant fails may be a test that cannot fail.
//!
//! Each mutant is a patch file in `crates/xtask/mutants`. It is built in a copy of the tree. Then one
//! test must fail: in the lab, under Wine, or on the host.

mod mutant;
mod tree;

use crate::{
    accessors::{DRIVER as MATRIX_DRIVER, UMACCESS_DRIVER},
    framework,
    lab::Lab,
    lab_kernel, lab_test_driver, paths, program, setup,
    step::Step,
    wine,
};
use anyhow::{Result, bail};
use mutant::Mutant;
use std::{
    cell::{Cell, RefCell},
    path::PathBuf,
    process::Stdio,
};
use tree::{Image, Tree};

const DRIVER: Image = Image {
    package: "ringcopy",
    file: "ringcopy.dll",
    name: "ringcopy.sys",
    variable: "RINGCOPY_DRIVER",
};

const FRAMEWORK: Image = Image {
    package: "wdfldr",
    file: "wdfldr.dll",
    name: "WDFLDR.SYS",
    variable: "RINGCOPY_WDFLDR",
};

const ACCESSOR_MATRIX: Image = Image {
    package: "accessor-matrix-driver",
    file: "accessor_matrix_driver.dll",
    name: "accessor-matrix.sys",
    variable: MATRIX_DRIVER,
};

const UMACCESS: Image = Image {
    package: "umaccess-matrix-driver",
    file: "umaccess_matrix_driver.dll",
    name: "umaccess-matrix.sys",
    variable: UMACCESS_DRIVER,
};

/// Mutants that are tested in one way.
struct Group {
    /// The folder of the patch files, in `crates/xtask/mutants`.
    folder: &'static str,
    tested: Tested,
}

/// The tests that must notice mutants.
enum Tested {
    /// The end-to-end tests, with this driver.
    InLab(Image),
    /// The end-to-end tests, with the lab's kernel.
    OfLab,
    /// The accessors' Windows tests.
    UnderWine,
    /// The tests of this package.
    OnHost(&'static str),
}

const GROUPS: [Group; 10] = [
    Group {
        folder: "driver",
        tested: Tested::InLab(DRIVER),
    },
    Group {
        folder: "accessor_matrix",
        tested: Tested::InLab(ACCESSOR_MATRIX),
    },
    Group {
        folder: "umaccess",
        tested: Tested::InLab(UMACCESS),
    },
    Group {
        folder: "framework",
        tested: Tested::InLab(FRAMEWORK),
    },
    Group {
        folder: "lab_kernel",
        tested: Tested::OfLab,
    },
    Group {
        folder: "accessors",
        tested: Tested::UnderWine,
    },
    Group {
        folder: "client",
        tested: Tested::OnHost("ringcopy-client"),
    },
    Group {
        folder: "lab_host",
        tested: Tested::OnHost("ringcopy-lab"),
    },
    Group {
        folder: "lab_program",
        tested: Tested::OnHost("ringcopy-tests"),
    },
    Group {
        folder: "xtask",
        tested: Tested::OnHost("xtask"),
    },
];

/// Builds each mutant and runs its test, which must fail: all mutants, or those whose names contain
/// `only`.
pub fn run(only: Option<&str>) -> Result<()> {
    let mut chosen = Vec::new();
    for group in GROUPS {
        let mut mutants = Mutant::read_all(group.folder)?;
        mutants.retain(|mutant| only.is_none_or(|words| mutant.name.contains(words)));
        chosen.push((mutants, group.tested));
    }
    let count = chosen.iter().map(|(mutants, _)| mutants.len()).sum();
    if count == 0 {
        bail!("no mutant's name contains these words; all are in crates/xtask/mutants");
    }
    setup::for_tests()?;
    let run = Run {
        begun: Cell::new(0),
        unnoticed: RefCell::default(),
        count,
        lab: Lab::prepare()?,
        framework_test: framework::build_test_driver()?,
        lab_test: lab_test_driver::build()?,
        tree: Tree::copy()?,
    };
    for (mutants, tested) in &chosen {
        match tested {
            Tested::InLab(image) => {
                let build = |step: &Step| run.tree.build(step, image);
                run.in_lab(image.variable, mutants, build);
            }
            Tested::OfLab => {
                let target_dir = run.tree.target_dir.with_file_name("kernel");
                let build =
                    |step: &Step| lab_kernel::build_in(step, &run.tree.sources, &target_dir);
                run.in_lab(Lab::KERNEL, mutants, build);
            }
            Tested::UnderWine => run.under_wine(mutants)?,
            Tested::OnHost(package) => run.on_host(package, mutants),
        }
    }
    let unnoticed = run.unnoticed.into_inner();
    let caught = count.saturating_sub(unnoticed.len());
    eprintln!("{caught} of {count} mutants caught");
    if !unnoticed.is_empty() {
        bail!(
            "mutants that their tests did not notice: {}",
            unnoticed.join(", ")
        );
    }
    Ok(())
}

struct Run {
    begun: Cell<usize>,
    /// The mutants that could not be built, or whose tests did not fail. The run goes on after one.
    unnoticed: RefCell<Vec<String>>,
    count: usize,
    lab: Lab,
    /// The driver with which mutants of the framework are tested.
    framework_test: PathBuf,
    /// The driver with which mutants of the lab's kernel are tested.
    lab_test: PathBuf,
    tree: Tree,
}

impl Run {
    /// Tries a mutant. `failed` returns whether its test failed.
    fn attempt(&self, mutant: &Mutant, failed: impl FnOnce(&Step) -> Result<bool>) {
        self.begun.set(self.begun.get() + 1);
        let (number, count) = (self.begun.get(), self.count);
        let step = Step::start(format!("[{number} of {count}] {}", mutant.name));
        let why = match failed(&step) {
            Ok(true) => None,
            Ok(false) => Some(format!("{} did not fail", mutant.caught_by)),
            Err(error) => Some(format!("{error:#}")),
        };
        if let Some(why) = why {
            eprintln!("  unnoticed: {why}");
            self.unnoticed
                .borrow_mut()
                .push(format!("\"{}\"", mutant.name));
            return;
        }
        step.done();
        eprintln!("  caught by {}", mutant.caught_by);
    }

    /// Tries mutants with tests in the lab, of an image whose path a variable tells the tests.
    fn in_lab(&self, variable: &str, mutants: &[Mutant], build: impl Fn(&Step) -> Result<PathBuf>) {
        for mutant in mutants {
            self.attempt(mutant, |step| {
                let image = self.tree.with(mutant, |_| build(step))?;
                let (binary, test) = mutant.test();
                let mut cargo = program::cargo();
                cargo
                    .current_dir(paths::root())
                    .args(["test", "--quiet", "--package", "ringcopy-tests"])
                    .args(["--test", binary, "--", "--ignored", "--exact", test])
                    .stdin(Stdio::null());
                self.lab.set_variables(&mut cargo);
                cargo.env(framework::TEST_DRIVER, &self.framework_test);
                lab_test_driver::set_variable(&mut cargo, &self.lab_test);
                cargo.env(variable, image);
                Ok(has_failed(&program::output_even_of_failure(&mut cargo)?))
            });
        }
    }

    /// Tries mutants with tests of `usermode-accessors`.
    fn under_wine(&self, mutants: &[Mutant]) -> Result<()> {
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
            });
        }
        Ok(())
    }

    /// Tries mutants with tests of `package`.
    fn on_host(&self, package: &str, mutants: &[Mutant]) {
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
                            .arg(match binary {
                                "lib" => "--lib",
                                "bin" => "--bins",
                                _ => "--test",
                            })
                            .args(Some(binary).filter(|name| !["lib", "bin"].contains(name)))
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
            });
        }
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
    use super::{GROUPS, Mutant, paths};
    use anyhow::{Result, bail};
    use fs_err as fs;
    use std::{collections::HashSet, path::Path};

    /// Collects the names of functions in the sources below a folder.
    fn functions_below(folder: &Path, names: &mut HashSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                functions_below(&path, names);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let after_fn = text.split("fn ").skip(1);
                names.extend(after_fn.filter_map(|rest| Some(rest.split_once('(')?.0.to_owned())));
            }
        }
    }

    /// Checks that a mutant can be applied, in a copy of its file, and that its test exists.
    fn check(mutant: &Mutant, functions: &HashSet<String>) -> Result<()> {
        let copy = tempfile::tempdir()?;
        let file = copy.path().join(&mutant.file);
        fs::create_dir_all(file.parent().unwrap_or(&file))?;
        fs::copy(paths::root().join(&mutant.file), file)?;
        mutant.apply(copy.path())?;
        let (_, test) = mutant.test();
        if !functions.contains(test.rsplit("::").next().unwrap_or_default()) {
            bail!(
                "the mutant \"{}\" names a test that does not exist: {}",
                mutant.name,
                mutant.caught_by
            );
        }
        Ok(())
    }

    #[test]
    fn every_mutant_fits_its_file() {
        let mut functions = HashSet::new();
        for folder in ["crates", "tests"] {
            functions_below(&paths::root().join(folder), &mut functions);
        }
        let mut errors = Vec::new();
        for group in GROUPS {
            for mutant in Mutant::read_all(group.folder).unwrap() {
                errors.extend(check(&mutant, &functions).err());
            }
        }
        let errors: Vec<String> = errors.iter().map(|error| format!("{error:#}")).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
}
