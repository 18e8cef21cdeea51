//! The list of Microsoft's functions against the code. That each listed function exists is for the
//! compiler: the list names them by path.

use std::collections::BTreeSet;

use usermode_accessors::ddi::{Availability, Family, LIST, Row};

const PUBLIC: usize = 244;
const RESERVED: usize = 33;

/// The files in which functions of the module are written out.
const WRITTEN_OUT: [&str; 9] = [
    include_str!("../src/ddi/copy.rs"),
    include_str!("../src/ddi/copy_within_user.rs"),
    include_str!("../src/ddi/device.rs"),
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

const fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Every function that the sources define, by name.
fn defined() -> BTreeSet<&'static str> {
    let written = WRITTEN_OUT.iter().flat_map(|source| {
        source
            .split("pub unsafe fn ")
            .skip(1)
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
fn the_list_has_every_function_and_no_other() {
    let listed: BTreeSet<_> = LIST.iter().filter_map(|row| row.rust_name).collect();
    assert_eq!(listed, defined());
    assert_eq!(listed.len(), PUBLIC);
}

#[test]
fn no_file_of_the_module_is_left_out_of_this_test() {
    let mut files: Vec<_> = MODULE
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .collect();
    files.retain(|file| !["list", "scalar"].contains(file));
    assert_eq!(files.len(), WRITTEN_OUT.len());
}

#[test]
fn public_functions_are_offered_and_reserved_ones_are_not() {
    let (public, reserved): (Vec<&Row>, Vec<&Row>) = LIST
        .iter()
        .partition(|row| row.availability == Availability::Public);
    assert_eq!((public.len(), reserved.len()), (PUBLIC, RESERVED));
    assert!(public.iter().all(|row| row.rust_name.is_some()));
    assert!(reserved.iter().all(|row| row.rust_name.is_none()));
    assert!(reserved.iter().all(|row| row.ddi.starts_with("Rtl")));
    let names: BTreeSet<_> = LIST.iter().map(|row| row.ddi).collect();
    assert_eq!(names.len(), LIST.len(), "a function is listed twice");
}

#[test]
fn every_function_bears_microsofts_name() {
    for row in LIST {
        let Some(rust_name) = row.rust_name else {
            continue;
        };
        let theirs = match row.family {
            // `Rtl` is on all of these, and tells nothing.
            Family::Volatile | Family::Device => row.ddi.strip_prefix("Rtl").unwrap(),
            _ => row.ddi,
        };
        assert_eq!(rust_name.replace('_', ""), theirs.to_lowercase());
    }
}

#[test]
fn families_are_whole() {
    let count = |family| {
        let public = LIST.iter().filter(|row| row.rust_name.is_some());
        public.filter(|row| row.family == family).count()
    };
    assert_eq!(count(Family::Copy), 13);
    assert_eq!(count(Family::Fill), 6);
    assert_eq!(count(Family::Structure), 12);
    assert_eq!(count(Family::ScalarRead), 93);
    assert_eq!(count(Family::ScalarWrite), 93);
    assert_eq!(count(Family::StringLength), 4);
    assert_eq!(count(Family::Interlocked), 12);
    assert_eq!(count(Family::Volatile), 6);
    assert_eq!(count(Family::Device), 5);
}
