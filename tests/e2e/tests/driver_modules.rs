//! The modules of the driver use each other in one direction only, as the table in `src/lib.rs`
//! shows.

#![forbid(unsafe_code)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use ringcopy_tests::tree;

/// Adds the text of each source file to that of its module: the first part of its path in `src/`.
fn read(folder: &Path, texts: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let inside = path.strip_prefix(tree().join("src")).unwrap();
            let module = inside.with_extension("").iter().next().unwrap().to_owned();
            let text = texts.entry(module.into_string().unwrap()).or_default();
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// Returns the modules that the `use` items of `text` name.
fn used(text: &str, modules: &BTreeSet<String>) -> BTreeSet<String> {
    text.split("\nuse crate::")
        .skip(1)
        .filter_map(|rest| rest.split(';').next())
        .flat_map(|paths| paths.split(|letter: char| !(letter == '_' || letter.is_alphanumeric())))
        .filter(|word| modules.contains(*word))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_modules_of_the_driver_form_no_circle() {
    let mut texts = BTreeMap::new();
    read(&tree().join("src"), &mut texts);
    texts.remove("lib");
    let mut left: BTreeSet<_> = texts.keys().cloned().collect();
    assert!(used(&texts["state"], &left).contains("engine"));
    while !left.is_empty() {
        let uses_none = |module: &&String| {
            let used = used(&texts[*module], &left);
            used.iter().all(|other| other == *module)
        };
        let lowest: BTreeSet<_> = left.iter().filter(uses_none).cloned().collect();
        assert!(!lowest.is_empty(), "a circle among {left:?}");
        left.retain(|module| !lowest.contains(module));
    }
}
