//! The driver, the accessors and the client, broken on purpose, one guard at a time. A mutant that
//! no test notices is a test that cannot fail.
//!
//! A mutant is a piece of a source file and what stands in its place. It is built in a copy of the
//! tree; then the one test that is there to notice it must fail: in the lab, under Wine, or here.

mod accessor_matrix;
mod accessors;
mod client;
mod driver;
mod lab_host;

use crate::{
    accessors::DRIVER as MATRIX_DRIVER,
    cargo,
    error::Error,
    lab::Lab,
    places, program,
    step::Step,
    toolchain::{Target, Toolchain},
    wine,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

struct Mutant {
    name: &'static str,
    file: &'static str,
    /// Stands in the file exactly once.
    original: &'static str,
    broken: &'static str,
    /// A test of `ringcopy-tests`, as `binary::test`; of those for Wine, of `usermode-accessors`;
    /// of those for the host, of their package, whose own binary is `lib`.
    caught_by: &'static str,
}

/// A driver that mutants are built into, and the variable that tells a test in the lab where it is.
struct Image {
    package: &'static str,
    file: &'static str,
    variable: &'static str,
}

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

/// Builds each mutant and runs its test, which must fail.
///
/// # Errors
///
/// If a mutant does not apply, does not build, or goes unnoticed.
pub fn run(lab: &Lab) -> Result<(), Error> {
    let tree = Tree::copy()?;
    let count = [
        run_in_lab(&tree, lab, &DRIVER, driver::MUTANTS)?,
        run_in_lab(&tree, lab, &ACCESSOR_MATRIX, accessor_matrix::MUTANTS)?,
        run_under_wine(&tree)?,
        run_here(&tree)?,
    ];
    let count: usize = count.iter().sum();
    eprintln!("{count} of {count} mutants caught");
    Ok(())
}

/// Those that a test in the lab notices.
fn run_in_lab(tree: &Tree, lab: &Lab, image: &Image, mutants: &[Mutant]) -> Result<usize, Error> {
    for mutant in mutants {
        let driver = tree.build(mutant, image)?;
        expect_failure(lab, mutant, image, &driver)?;
    }
    Ok(mutants.len())
}

/// Those that the accessors' own tests notice.
fn run_under_wine(tree: &Tree) -> Result<usize, Error> {
    let session = wine::Session::start()?;
    for mutant in accessors::MUTANTS {
        let unnoticed = mutant.unnoticed();
        let Some((program, test)) = mutant.caught_by.split_once("::") else {
            return Err(unnoticed);
        };
        let step = Step::start(format!("running a mutant under Wine: {}", mutant.name));
        let failed = tree.with(mutant, |sources| {
            wine::fails(&session, sources, program, test)
        })?;
        step.done();
        if !failed {
            return Err(unnoticed);
        }
        eprintln!("  caught by {}", mutant.caught_by);
    }
    Ok(accessors::MUTANTS.len())
}

/// Those that the tests of these packages notice.
fn run_here(tree: &Tree) -> Result<usize, Error> {
    run_here_in(tree, "ringcopy-client", client::MUTANTS)?;
    run_here_in(tree, "ringcopy-lab", lab_host::MUTANTS)?;
    Ok(client::MUTANTS.len() + lab_host::MUTANTS.len())
}

fn run_here_in(tree: &Tree, package: &str, mutants: &[Mutant]) -> Result<(), Error> {
    let target_dir = tree.target_dir.with_file_name("host");
    for mutant in mutants {
        let Some((binary, test)) = mutant.caught_by.split_once("::") else {
            return Err(mutant.unnoticed());
        };
        let step = Step::start(format!("running a mutant: {}", mutant.name));
        let output = tree.with(mutant, |sources| {
            let cargo = || {
                let mut cargo = program::cargo();
                cargo
                    .current_dir(sources)
                    .args(["test", "--package", package])
                    .arg(if binary == "lib" { "--lib" } else { "--test" })
                    .args((binary != "lib").then_some(binary))
                    .arg("--target-dir")
                    .arg(&target_dir)
                    // What is built to be run once should be built soon: anew is what changed,
                    // and a test that is not fast does.
                    .env("CARGO_INCREMENTAL", "1")
                    .env("CARGO_PROFILE_DEV_OPT_LEVEL", "0")
                    .env("CARGO_PROFILE_DEV_DEBUG", "0");
                cargo
            };
            program::run(&step, cargo().arg("--no-run"))?;
            program::outcome_of(cargo().args(["--", "--exact", test]))
        })?;
        step.done();
        mutant.expect_failed(&output)?;
    }
    Ok(())
}

impl Mutant {
    const fn unnoticed(&self) -> Error {
        Error::MutantUnnoticed {
            name: self.name,
            caught_by: self.caught_by,
        }
    }

    /// Looks through what its test printed.
    fn expect_failed(&self, output: &str) -> Result<(), Error> {
        // A test that did not run has not failed.
        if output.contains("0 passed; 1 failed") {
            eprintln!("  caught by {}", self.caught_by);
            Ok(())
        } else {
            Err(self.unnoticed())
        }
    }
}

/// The driver without a mutation, built in the place where mutants are.
///
/// # Errors
///
/// If it does not build.
pub fn unbroken_driver() -> Result<PathBuf, Error> {
    let tree = Tree::copy()?;
    let step = Step::start("building the driver in another folder");
    let driver = tree.build_as_it_is(&step, &DRIVER)?;
    step.done();
    Ok(driver)
}

/// A copy of the sources, kept between runs so that each build is a small one.
struct Tree {
    sources: PathBuf,
    target_dir: PathBuf,
}

impl Tree {
    fn copy() -> Result<Self, Error> {
        let folder = places::target().join("mutants");
        let tree = Self {
            sources: folder.join("sources"),
            target_dir: folder.join("build"),
        };
        copy_changed(&places::root(), &tree.sources)?;
        Ok(tree)
    }

    fn build(&self, mutant: &Mutant, image: &Image) -> Result<PathBuf, Error> {
        let step = Step::start(format!("building a mutant: {}", mutant.name));
        let driver = self.with(mutant, |_| self.build_as_it_is(&step, image))?;
        step.done();
        Ok(driver)
    }

    /// Lets `work` at the sources while they are those of the mutant.
    fn with<T>(
        &self,
        mutant: &Mutant,
        work: impl FnOnce(&Path) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let path = self.sources.join(mutant.file);
        let original = fs::read_to_string(&path).map_err(Error::file(&path))?;
        if original.matches(mutant.original).count() != 1 {
            return Err(Error::MutantStale {
                name: mutant.name,
                file: mutant.file,
            });
        }
        let broken = original.replacen(mutant.original, mutant.broken, 1);
        fs::write(&path, broken).map_err(Error::file(&path))?;
        let done = work(&self.sources);
        fs::write(&path, original).map_err(Error::file(&path))?;
        done
    }

    fn build_as_it_is(&self, step: &Step, image: &Image) -> Result<PathBuf, Error> {
        program::run(
            step,
            cargo::build(
                &Toolchain::of_rustc()?,
                Target::Windows,
                &self.sources.join("crates/wdk-build-linux"),
                &self.target_dir,
            )
            .args(["--package", image.package]),
        )?;
        Ok(self
            .target_dir
            .join(Target::Windows.triple())
            .join("release")
            .join(image.file))
    }
}

/// Copies what differs, so that what is the same keeps its time stamp and is not built again, and
/// removes what is gone. Links are left out: none is a source, and an editor's lock on a file is one
/// that leads nowhere.
fn copy_changed(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(Error::file(to))?;
    let entries = |folder: &Path| -> Result<Vec<fs::DirEntry>, Error> {
        fs::read_dir(folder)
            .and_then(Iterator::collect)
            .map_err(Error::file(folder))
    };
    for entry in entries(to)? {
        let source = from.join(entry.file_name());
        if !source.symlink_metadata().is_ok_and(|is| !is.is_symlink()) {
            let path = entry.path();
            if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            }
            .map_err(Error::file(&path))?;
        }
    }
    for entry in entries(from)? {
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(Error::file(&source))?;
        if kind.is_dir() {
            if !["target", ".git"]
                .iter()
                .any(|skipped| entry.file_name() == *skipped)
            {
                copy_changed(&source, &copy)?;
            }
        } else if kind.is_file() {
            let bytes = fs::read(&source).map_err(Error::file(&source))?;
            if fs::read(&copy).ok().as_ref() != Some(&bytes) {
                fs::write(&copy, bytes).map_err(Error::file(&copy))?;
            }
        }
    }
    Ok(())
}

fn expect_failure(lab: &Lab, mutant: &Mutant, image: &Image, driver: &Path) -> Result<(), Error> {
    let unnoticed = || mutant.unnoticed();
    let (binary, test) = mutant.caught_by.split_once("::").ok_or_else(unnoticed)?;
    let mut command = program::cargo();
    command
        .current_dir(places::root())
        .args([
            "test",
            "--quiet",
            "--package",
            "ringcopy-tests",
            "--test",
            binary,
        ])
        .args(["--", "--ignored", "--exact", test])
        .stdin(Stdio::null());
    lab.tell(&mut command);
    command.env(image.variable, driver);
    mutant.expect_failed(&program::outcome_of(&mut command)?)
}

#[cfg(all(test, unix))]
mod tests {
    use super::copy_changed;
    use std::{env, fs, os::unix::fs::symlink, process};

    #[test]
    fn sources_are_copied_and_links_are_not() {
        let scratch = env::temp_dir().join(format!("ringcopy-copied-{}", process::id()));
        let (tree, copy) = (scratch.join("tree"), scratch.join("copy"));
        fs::create_dir_all(tree.join("src")).unwrap();
        fs::create_dir_all(&copy).unwrap();
        fs::write(tree.join("src/lib.rs"), "sources").unwrap();
        // As an editor locks a file.
        symlink("somebody@somewhere.1", tree.join("src/.#lib.rs")).unwrap();
        symlink("src", tree.join("linked")).unwrap();
        // What an earlier run has left.
        fs::write(copy.join("gone.rs"), "").unwrap();
        fs::write(copy.join("linked"), "").unwrap();

        copy_changed(&tree, &copy).unwrap();

        let names = |folder: &str| -> Vec<_> {
            fs::read_dir(copy.join(folder))
                .unwrap()
                .map(|entry| entry.unwrap().file_name())
                .collect()
        };
        assert_eq!(names("."), ["src"]);
        assert_eq!(names("src"), ["lib.rs"]);
        assert_eq!(fs::read(copy.join("src/lib.rs")).unwrap(), b"sources");
        fs::remove_dir_all(&scratch).unwrap();
    }
}
