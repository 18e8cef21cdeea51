//! The lists of importable names are sorted.

use std::{fs, path::Path};

#[test]
fn names_are_sorted_and_unique() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("import-libraries");
    for entry in fs::read_dir(folder).expect("the folder of lists") {
        let path = entry.expect("a list").path();
        let list = fs::read_to_string(&path).expect("text");
        let names: Vec<&str> = list
            .lines()
            .skip_while(|line| *line != "EXPORTS")
            .skip(1)
            .collect();
        assert!(!names.is_empty(), "{}", path.display());
        for pair in names.windows(2) {
            assert!(
                pair[0] < pair[1],
                "{}: {} after {}",
                path.display(),
                pair[1],
                pair[0]
            );
        }
    }
}
