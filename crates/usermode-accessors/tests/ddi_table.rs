//! Compares Microsoft's list of functions, the list of this crate, and the code. The compiler checks that
//! each listed function exists, because the list names it by path.

use std::collections::BTreeSet;

use usermode_accessors::{
    Mode,
    ddi::{self, Availability, Family, LIST, Row},
};

/// The names that Microsoft documents, and whether they are for drivers.
const PUBLISHED: &str = include_str!("published_functions.tsv");

/// The files in which functions of the module are written out.
const WRITTEN_OUT: [&str; 10] = [
    include_str!("../src/ddi/copy.rs"),
    include_str!("../src/ddi/copy_within_user.rs"),
    include_str!("../src/ddi/device.rs"),
    include_str!("../src/ddi/exception_filter.rs"),
    include_str!("../src/ddi/fill.rs"),
    include_str!("../src/ddi/interlocked.rs"),
    include_str!("../src/ddi/string.rs"),
    include_str!("../src/ddi/structure.rs"),
    include_str!("../src/ddi/unicode_string.rs"),
    include_str!("../src/ddi/volatile.rs"),
];

/// The files in which names are given to macros that make functions.
const MADE: [&str; 2] = [
    include_str!("../src/ddi/scalar/mod.rs"),
    include_str!("../src/ddi/scalar/table.rs"),
];

const MODULE: &str = include_str!("../src/ddi/mod.rs");
const README: &str = include_str!("../README.md");

/// Returns the published names with this availability.
fn published(availability: &str) -> BTreeSet<&'static str> {
    let lines = PUBLISHED.lines().filter(|line| !line.starts_with('#'));
    let rows = lines.map(|line| line.split_once('\t').unwrap());
    rows.filter(|row| row.1 == availability)
        .map(|row| row.0)
        .collect()
}

fn listed(availability: Availability) -> impl Iterator<Item = &'static Row> {
    LIST.iter()
        .filter(move |row| row.availability == availability)
}

const fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Returns the names of the functions that the sources define.
fn defined() -> BTreeSet<&'static str> {
    let written = WRITTEN_OUT.iter().flat_map(|source| {
        let starts = ["pub unsafe fn ", "pub const fn "];
        starts
            .into_iter()
            .flat_map(|start| source.split(start).skip(1))
            .map(|rest| rest.split(|letter| !is_name(letter)).next().unwrap())
    });
    let made = MADE.iter().flat_map(|source| {
        source
            .split(|letter| !is_name(letter))
            .filter(|word| word.starts_with("read_") || word.starts_with("write_"))
    });
    written.chain(made).collect()
}

#[test]
fn the_published_names_are_sorted_and_each_is_public_or_reserved() {
    let lines: Vec<_> = PUBLISHED
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert!(lines.is_sorted());
    let names: BTreeSet<_> = published("public")
        .union(&published("reserved"))
        .copied()
        .collect();
    assert_eq!(names.len(), lines.len());
}

#[test]
fn every_published_function_is_listed_and_no_other() {
    for (word, availability) in [
        ("public", Availability::Public),
        ("reserved", Availability::Reserved),
    ] {
        let names: BTreeSet<_> = listed(availability).map(|row| row.ddi).collect();
        assert_eq!(names, published(word));
        assert_eq!(names.len(), listed(availability).count(), "one twice");
    }
}

#[test]
fn every_listed_function_is_defined_and_no_other() {
    let names: BTreeSet<_> = LIST.iter().filter_map(|row| row.rust_name).collect();
    assert_eq!(names, defined());
}

#[test]
fn this_test_reads_every_file_of_the_module() {
    let mut files: Vec<_> = MODULE
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .collect();
    files.retain(|file| !["list", "scalar"].contains(file));
    assert_eq!(files.len(), WRITTEN_OUT.len());
}

#[test]
fn public_functions_are_offered_and_reserved_ones_are_not() {
    assert!(listed(Availability::Public).all(|row| row.rust_name.is_some()));
    assert!(listed(Availability::Reserved).all(|row| row.rust_name.is_none()));
}

#[test]
fn every_function_has_microsofts_name() {
    for row in LIST {
        let Some(rust_name) = row.rust_name else {
            continue;
        };
        let theirs = match row.family {
            // All of these names begin with `Rtl`.
            Family::Volatile | Family::Device => row.ddi.strip_prefix("Rtl").unwrap(),
            _ => row.ddi,
        };
        assert_eq!(rust_name.replace('_', ""), theirs.to_lowercase());
    }
}

#[test]
fn the_readme_states_their_number() {
    let count = published("public").len();
    assert!(README.contains(&format!("{count} in all")));
}

#[test]
fn the_exception_filter_depends_only_on_the_mode() {
    assert_eq!(ddi::uma_exception_filter(Mode::User), 1);
    assert_eq!(ddi::uma_exception_filter(Mode::Kernel), 0);
    assert_eq!(ddi::EXCEPTION_EXECUTE_HANDLER, 1);
    assert_eq!(ddi::EXCEPTION_CONTINUE_SEARCH, 0);
}
