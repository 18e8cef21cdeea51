//! The matrix of accessors: the driver that runs it in ring 0, and what the Windows program counted.

use crate::{
    cargo,
    error::Error,
    places, program,
    step::Step,
    toolchain::{Target, Toolchain},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Tells the Windows program where to put its figures, and the test in ring 0 where they are.
pub const FIGURES: &str = "RINGCOPY_ACCESSOR_FIGURES";

/// Tells the test in ring 0 where to put its own.
const FIGURES_OF_RING_0: &str = "RINGCOPY_ACCESSOR_FIGURES_OF_RING_0";

/// Tells the test in ring 0 where the driver is.
pub const DRIVER: &str = "RINGCOPY_ACCESSOR_DRIVER";

/// Builds the driver.
///
/// # Errors
///
/// If the build fails; the error holds what the compiler said.
pub fn build() -> Result<PathBuf, Error> {
    let step = Step::start("building the accessors' test driver");
    let target_dir = places::target().join("windows");
    program::run(
        &step,
        cargo::build(
            &Toolchain::of_rustc()?,
            Target::Windows,
            &places::root().join("crates/wdk-build-linux"),
            &target_dir,
        )
        .args(["--package", "accessor-matrix-driver"]),
    )?;
    let built = target_dir.join(Target::Windows.triple()).join("release");
    let driver = places::images().join("accessor-matrix.sys");
    fs::create_dir_all(places::images()).map_err(Error::file(&driver))?;
    fs::copy(built.join("accessor_matrix_driver.dll"), &driver).map_err(Error::file(&driver))?;
    step.done();
    Ok(driver)
}

/// Where the Windows program's figures are.
pub fn figures() -> PathBuf {
    places::target().join("wine/accessor-matrix.tsv")
}

fn figures_of_ring_0() -> PathBuf {
    places::images().join("accessor-matrix.tsv")
}

/// Tells a test in ring 0 where everything is.
pub fn tell(command: &mut Command, driver: &Path) {
    command
        .env(DRIVER, driver)
        .env(FIGURES, figures())
        .env(FIGURES_OF_RING_0, figures_of_ring_0());
}

/// Says what the Windows program counted.
///
/// # Errors
///
/// If it has left no figures.
pub fn report_wine() -> Result<(), Error> {
    report("Wine", &figures())
}

/// Says what the driver counted.
///
/// # Errors
///
/// If the test has left no figures.
pub fn report_ring_0() -> Result<(), Error> {
    report("ring 0", &figures_of_ring_0())
}

fn report(place: &str, file: &Path) -> Result<(), Error> {
    let text = fs::read_to_string(file).map_err(Error::file(file))?;
    let (families, ran, skipped) = summed(&text);
    let ran = grouped(ran);
    eprint!("accessor matrix ({place}): {ran} cases in {families} families");
    if skipped > 0 {
        eprint!(", and {} that cannot be arranged there", grouped(skipped));
    }
    eprintln!();
    Ok(())
}

/// Families, cases that ran, and cases that were skipped.
fn summed(figures: &str) -> (usize, u64, u64) {
    let (mut families, mut ran, mut skipped) = (0, 0, 0);
    for line in figures.lines() {
        let mut columns = line
            .split('\t')
            .skip(1)
            .filter_map(|column| column.parse::<u64>().ok());
        families += 1;
        ran += columns.next().unwrap_or_default();
        skipped += columns.sum::<u64>();
    }
    (families, ran, skipped)
}

/// A number, with its digits in groups.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::{grouped, summed};

    #[test]
    fn figures_are_summed_over_families() {
        let figures = "copies\t100\t1\t2\nfills\t20\t0\t3\n";
        assert_eq!(summed(figures), (2, 120, 6));
    }

    #[test]
    fn long_numbers_are_grouped() {
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1 234 567");
    }
}
