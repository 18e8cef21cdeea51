//! The matrix leaves no function out.

use std::collections::BTreeSet;

use accessor_matrix::names;
use usermode_accessors::ddi::LIST;

#[test]
fn every_function_of_microsofts_is_in_the_matrix() {
    let tried: BTreeSet<_> = names().collect();
    let missing: Vec<_> = LIST
        .iter()
        .filter_map(|row| row.rust_name)
        .filter(|name| !tried.contains(name))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}
