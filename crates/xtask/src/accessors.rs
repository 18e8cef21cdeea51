//! The drivers that use the accessors in ring 0: the matrix, with the counts of its cases, and the example.

use crate::{driver, paths};
use anyhow::Result;
use fs_err as fs;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The variable with the file of the Windows program's counts, for it and for the test in ring 0.
pub const FIGURES: &str = "RINGCOPY_ACCESSOR_FIGURES";

/// The variable with the file of the counts in ring 0.
const FIGURES_OF_RING_0: &str = "RINGCOPY_ACCESSOR_FIGURES_OF_RING_0";

/// The variable with the path of the driver.
pub const DRIVER: &str = "RINGCOPY_ACCESSOR_DRIVER";

/// The variable with the path of the example's driver.
const EXAMPLE: &str = "RINGCOPY_EXAMPLE_DRIVER";

/// The variable with the path of the driver with the feature `umaccess`.
pub const UMACCESS_DRIVER: &str = "RINGCOPY_UMACCESS_DRIVER";

/// The drivers.
pub struct Drivers {
    matrix: PathBuf,
    example: PathBuf,
    umaccess: PathBuf,
}

/// Builds the driver that runs the matrix in ring 0, that with the feature `umaccess`, and that of the
/// accessors' example.
pub fn build() -> Result<Drivers> {
    let [matrix, example] = driver::build_files(
        "building the accessors' test drivers",
        &["accessor-matrix-driver", "method-neither-example"],
        [
            ("accessor_matrix_driver.dll", "accessor-matrix.sys"),
            ("method_neither_example.dll", "method-neither.sys"),
        ],
    )?;
    // By itself: packages that are built at once share the features of the crate.
    let [umaccess] = driver::build_files(
        "building the accessors' test driver over a stand-in for umaccess.lib",
        &["umaccess-matrix-driver"],
        [("umaccess_matrix_driver.dll", "umaccess-matrix.sys")],
    )?;
    Ok(Drivers {
        matrix,
        example,
        umaccess,
    })
}

/// Returns the file of the Windows program's counts.
pub fn figures() -> PathBuf {
    paths::target().join("wine/accessor-matrix.tsv")
}

fn figures_of_ring_0() -> PathBuf {
    paths::images().join("accessor-matrix.tsv")
}

/// Sets the variables of a test in ring 0.
pub fn set_variables(command: &mut Command, drivers: &Drivers) {
    command
        .env(DRIVER, &drivers.matrix)
        .env(EXAMPLE, &drivers.example)
        .env(UMACCESS_DRIVER, &drivers.umaccess)
        .env(FIGURES, figures())
        .env(FIGURES_OF_RING_0, figures_of_ring_0());
}

/// Prints the counts of the Windows program.
pub fn report_wine() -> Result<()> {
    report("Wine", &figures())
}

/// Prints the counts in ring 0.
pub fn report_ring_0() -> Result<()> {
    report("ring 0", &figures_of_ring_0())
}

fn report(environment: &str, file: &Path) -> Result<()> {
    let text = fs::read_to_string(file)?;
    let (families, ran, skipped) = summed(&text);
    let ran = grouped(ran);
    eprint!("accessor matrix ({environment}): {ran} cases in {families} families");
    if skipped > 0 {
        eprint!(", and {} that cannot be arranged there", grouped(skipped));
    }
    eprintln!();
    Ok(())
}

/// Returns the numbers of families, of cases that ran, and of skipped cases.
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

/// Returns a number with its digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
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
