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
mod other_checkout;

use crate::{
    accessors::DRIVER as MATRIX_DRIVER,
    cargo,
    error::Error,
    lab::Lab,
    places, program, setup,
    step::Step,
    toolchain::{Target, Toolchain},
    wine,
};
use std::{
    cell::Cell,
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

/// All of them, by what notices them.
const ALL: [&[Mutant]; 5] = [
    driver::MUTANTS,
    accessor_matrix::MUTANTS,
    accessors::MUTANTS,
    client::MUTANTS,
    lab_host::MUTANTS,
];

/// Builds each mutant and runs its test, which must fail: all of them, or those whose names contain
/// `only`.
///
/// # Errors
///
/// If there is no such mutant, or one does not apply, does not build, or goes unnoticed.
pub fn run(only: Option<&str>) -> Result<(), Error> {
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
        return Err(Error::NoSuchMutant);
    }
    setup::for_tests()?;
    let lab = Lab::prepare()?;
    let tree = Tree::copy()?;
    let progress = Progress::of(count);
    run_in_lab(&progress, &tree, &lab, &DRIVER, &driver)?;
    run_in_lab(&progress, &tree, &lab, &ACCESSOR_MATRIX, &matrix)?;
    run_under_wine(&progress, &tree, &accessors)?;
    run_here(&progress, &tree, "ringcopy-client", &client)?;
    run_here(&progress, &tree, "ringcopy-lab", &lab_host)?;
    eprintln!("{count} of {count} mutants caught");
    Ok(())
}

/// How far a run has come.
struct Progress {
    begun: Cell<usize>,
    count: usize,
}

impl Progress {
    const fn of(count: usize) -> Self {
        Self {
            begun: Cell::new(0),
            count,
        }
    }

    /// Tries a mutant: `failed` says whether its test failed.
    fn attempt(
        &self,
        mutant: &Mutant,
        failed: impl FnOnce(&Step) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        self.begun.set(self.begun.get() + 1);
        let (number, count) = (self.begun.get(), self.count);
        let step = Step::start(format!("[{number} of {count}] {}", mutant.name));
        if !failed(&step)? {
            return Err(Error::MutantUnnoticed {
                name: mutant.name,
                caught_by: mutant.caught_by,
            });
        }
        step.done();
        eprintln!("  caught by {}", mutant.caught_by);
        Ok(())
    }
}

/// Those that a test in the lab notices.
fn run_in_lab(
    progress: &Progress,
    tree: &Tree,
    lab: &Lab,
    image: &Image,
    mutants: &[&Mutant],
) -> Result<(), Error> {
    for mutant in mutants {
        progress.attempt(mutant, |step| {
            let driver = tree.with(mutant, |_| tree.build_as_it_is(step, image))?;
            let (binary, test) = mutant.test();
            let mut cargo = program::cargo();
            cargo
                .current_dir(places::root())
                .args(["test", "--quiet", "--package", "ringcopy-tests"])
                .args(["--test", binary, "--", "--ignored", "--exact", test])
                .stdin(Stdio::null());
            lab.tell(&mut cargo);
            cargo.env(image.variable, driver);
            Ok(has_failed(&program::outcome_of(&mut cargo)?))
        })?;
    }
    Ok(())
}

/// Those that the accessors' own tests notice.
fn run_under_wine(progress: &Progress, tree: &Tree, mutants: &[&Mutant]) -> Result<(), Error> {
    if mutants.is_empty() {
        return Ok(());
    }
    let session = wine::Session::start()?;
    for mutant in mutants {
        progress.attempt(mutant, |_| {
            let (program, test) = mutant.test();
            tree.with(mutant, |sources| {
                wine::fails(&session, sources, program, test)
            })
        })?;
    }
    Ok(())
}

/// Those that the tests of a package notice.
fn run_here(
    progress: &Progress,
    tree: &Tree,
    package: &str,
    mutants: &[&Mutant],
) -> Result<(), Error> {
    let target_dir = tree.target_dir.with_file_name("host");
    for mutant in mutants {
        progress.attempt(mutant, |step| {
            let (binary, test) = mutant.test();
            tree.with(mutant, |sources| {
                let cargo = || {
                    let mut cargo = program::cargo();
                    cargo
                        .current_dir(sources)
                        .args(["test", "--package", package])
                        .arg(if binary == "lib" { "--lib" } else { "--test" })
                        .args((binary != "lib").then_some(binary))
                        .arg("--target-dir")
                        .arg(&target_dir)
                        // What is built to be run once should be built soon.
                        .env("CARGO_INCREMENTAL", "1")
                        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "0")
                        .env("CARGO_PROFILE_DEV_DEBUG", "0");
                    cargo
                };
                program::run(step, cargo().arg("--no-run"))?;
                let output = program::outcome_of(cargo().args(["--", "--exact", test]))?;
                Ok(has_failed(&output))
            })
        })?;
    }
    Ok(())
}

/// Whether a run of one test printed that it failed. A test that did not run has not.
fn has_failed(output: &str) -> bool {
    output.contains("0 passed; 1 failed")
}

impl Mutant {
    /// What the file's text becomes, however its lines end.
    fn of(&self, text: &str) -> Result<String, Error> {
        let text = text.replace("\r\n", "\n");
        if text.matches(self.original).count() != 1 {
            return Err(Error::MutantStale {
                name: self.name,
                file: self.file,
            });
        }
        Ok(text.replacen(self.original, self.broken, 1))
    }

    /// The test program that must notice, and the test in it.
    fn test(&self) -> (&'static str, &'static str) {
        self.caught_by
            .split_once("::")
            .unwrap_or((self.caught_by, ""))
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
        let folder = places::target().join(other_checkout::FOLDER);
        let tree = Self {
            sources: folder.join("sources"),
            target_dir: folder.join("build"),
        };
        copy_changed(&places::root(), &tree.sources)?;
        Ok(tree)
    }

    /// Lets `work` at the sources while they are those of the mutant.
    fn with<T>(
        &self,
        mutant: &Mutant,
        work: impl FnOnce(&Path) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let path = self.sources.join(mutant.file);
        let text = fs::read_to_string(&path).map_err(Error::file(&path))?;
        let broken = mutant.of(&text)?;
        fs::write(&path, broken).map_err(Error::file(&path))?;
        let done = work(&self.sources);
        fs::write(&path, text).map_err(Error::file(&path))?;
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
            let bytes = other_checkout::bytes_of(&source).map_err(Error::file(&source))?;
            if fs::read(&copy).ok().as_ref() != Some(&bytes) {
                fs::write(&copy, bytes).map_err(Error::file(&copy))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod staleness {
    use super::{ALL, places};
    use std::fs;

    #[test]
    fn every_mutant_fits_its_file() {
        let root = places::root();
        let stale: Vec<String> = ALL
            .into_iter()
            .flatten()
            .filter_map(|mutant| {
                let text = fs::read_to_string(root.join(mutant.file)).unwrap_or_default();
                mutant.of(&text).err()
            })
            .map(|error| error.to_string())
            .collect();
        assert_eq!(stale, Vec::<String>::new());
    }
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
        fs::write(tree.join("src/lib.rs"), "sources\n").unwrap();
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
        let copied = fs::read(copy.join("src/lib.rs")).unwrap();
        assert_eq!(copied, b"sources\r\n");
        fs::remove_dir_all(&scratch).unwrap();
    }
}
