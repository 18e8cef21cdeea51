//! The matrix covers every function.

use std::collections::BTreeSet;

use accessor_matrix::names;
use usermode_accessors::ddi::{Family, LIST};

#[test]
fn every_listed_function_that_accesses_memory_is_in_the_matrix() {
    let tried: BTreeSet<_> = names().collect();
    let missing: Vec<_> = LIST
        .iter()
        // An exception filter accesses no memory.
        .filter(|row| row.family != Family::ExceptionFilter)
        .filter_map(|row| row.rust_name)
        .filter(|name| !tried.contains(name))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}
