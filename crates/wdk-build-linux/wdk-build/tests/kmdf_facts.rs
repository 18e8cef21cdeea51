//! Holds the framework's headers to the facts about KMDF 1.31 to 1.33: `facts/functions.tsv` (index
//! and name of every function) and `facts/layouts.tsv` (sizes of structs and places of members, in
//! bytes, on x64; an empty member means the struct itself).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rows(facts: &str) -> Vec<Vec<&str>> {
    facts
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect())
        .collect()
}

/// Lines of `header` that begin with `before`, without it, cut off at the first of `after`.
fn lines_with<'a>(header: &'a str, before: &str, after: &[char]) -> Vec<&'a str> {
    header
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix(before))
        .filter_map(|line| line.split(after).next())
        .collect()
}

#[test]
fn function_table_is_in_the_frameworks_order() {
    let header = read("include/wdf/function_table.h");
    let declared: Vec<&str> = header
        .lines()
        .map(|line| line.trim().trim_end_matches(" = 0,").trim_end_matches(','))
        .filter_map(|line| line.strip_suffix("TableIndex"))
        .collect();

    let facts = read("facts/functions.tsv");
    let mut expected = vec![""; declared.len()];
    for row in rows(&facts) {
        let index: usize = row[0].parse().expect("an index");
        expected[index] = row[1];
    }
    assert_eq!(declared, expected);
}

/// A framework refuses a driver whose table is longer than its own. The functions stand in the order
/// in which versions brought them, so the last one tells which version a table is of: 1.31, say its
/// requirements (`WdfDeviceSetDeviceInterfaceStateEx` in the documentation of wdfdevice.h).
#[test]
fn function_table_ends_where_that_of_the_oldest_framework_does() {
    let facts = read("facts/functions.tsv");
    let last = rows(&facts).pop().expect("a function");
    assert_eq!(last, ["457", "WdfDeviceSetDeviceInterfaceStateEx"]);
}

#[test]
fn every_function_type_is_that_of_a_function_in_the_table() {
    let facts = read("facts/functions.tsv");
    let known: BTreeSet<String> = rows(&facts)
        .iter()
        .map(|row| format!("PFN_{}", row[1].to_uppercase()))
        .collect();

    let header = read("include/wdf/functions.h");
    let types: Vec<&str> = header
        .lines()
        .filter(|line| line.starts_with("typedef"))
        .map(|line| {
            let (_, name) = line.split_once("(*").expect("a pointer to a function");
            name.split(')').next().expect("its name")
        })
        .collect();
    assert!(!types.is_empty());
    for name in types {
        assert!(known.contains(name), "{name} is not in the table");
    }
}

/// The size of each struct, and the place of each of its members, as facts.
fn layout_facts(facts: &str) -> BTreeMap<&str, BTreeMap<&str, &str>> {
    let mut layouts = BTreeMap::<_, BTreeMap<_, _>>::new();
    for row in rows(facts) {
        layouts.entry(row[0]).or_default().insert(row[1], row[2]);
    }
    layouts
}

/// The same as a header asserts it, so that the compiler compares it with the declarations.
fn asserted_layouts(header: &str) -> BTreeMap<&str, BTreeMap<&str, &str>> {
    let mut layouts = BTreeMap::<_, BTreeMap<_, _>>::new();
    for line in lines_with(header, "_Static_assert(sizeof(struct ", &[',']) {
        let (name, bytes) = line.split_once(") == ").expect("a size");
        layouts.entry(name).or_default().insert("", bytes);
    }
    for line in lines_with(header, "_Static_assert(offsetof(struct ", &['"']) {
        let (name, rest) = line.split_once(", ").expect("a member");
        let (member, bytes) = rest.split_once(") == ").expect("an offset");
        layouts
            .entry(name)
            .or_default()
            .insert(member, bytes.trim_end_matches([',', ' ']));
    }
    layouts
}

fn assert_layouts(declarations: &str, assertions: &str) {
    let facts = read("facts/layouts.tsv");
    let facts = layout_facts(&facts);
    let asserted = asserted_layouts(assertions);

    let structs: BTreeSet<&str> = lines_with(declarations, "typedef struct ", &[' '])
        .into_iter()
        .chain(lines_with(declarations, "struct ", &[' ']))
        .filter(|name| declarations.contains(&format!("struct {name} {{")))
        .collect();
    for name in structs {
        // A part of another struct, whose members the facts give through it.
        if name == "_WDF_VERSION" {
            continue;
        }
        assert_eq!(asserted.get(name), facts.get(name), "{name}");
        assert!(facts.contains_key(name), "no facts about {name}");
    }
}

#[test]
fn layouts_that_drivers_see_are_all_asserted_as_in_the_facts() {
    assert_layouts(
        &read("include/wdf/structs.h"),
        &read("include/wdf/layout_asserts.h"),
    );
}

#[test]
fn layouts_of_the_binding_are_all_asserted_as_in_the_facts() {
    let header = read("include/wdf/binding.h");
    assert_layouts(&header, &header);
}
