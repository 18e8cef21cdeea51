//! Holds the lint tables of all manifests equal to the root's.
//!
//! A package of the root's workspace can inherit the root's table. Other workspaces can't, and neither
//! can a package that forbids unsafe code: clap's derive allows a group that contains two of the
//! root's forbidden lints, and a forbidden lint cannot be allowed.

use crate::paths;
use fs_err as fs;
use std::path::Path;

/// Lines that the tables of some packages have in addition, and why.
const ADDITIONS: [(&[&str], &[&str], &str); 5] = [
    (
        &[
            "crates/client",
            "crates/xtask",
            "tests/e2e",
            "tests/lab/host",
            "tests/wdf/sddl",
        ],
        &[NO_UNSAFE_CODE],
        "they have no unsafe code",
    ),
    (
        &["crates/client", "tests/lab/host", "tests/wdf/sddl"],
        &["rust: unreachable_pub = \"warn\""],
        "they are libraries with private modules",
    ),
    (
        &["crates/client", "tests/lab/host"],
        &["clippy: redundant_pub_crate = \"allow\""],
        "it asks for what `unreachable_pub` forbids",
    ),
    (
        &["tests/lab/host"],
        &["clippy: missing_errors_doc = \"allow\""],
        "its documentation says in a sentence when a function fails",
    ),
    (
        &["tests/wdf/sddl"],
        &[
            "clippy: unwrap_used = \"deny\"",
            "clippy: expect_used = \"deny\"",
            "clippy: panic = \"deny\"",
            "clippy: indexing_slicing = \"deny\"",
            "clippy: arithmetic_side_effects = \"deny\"",
        ],
        "it is a part of a driver",
    ),
];

/// The manifest without a lint table: a small test, in a project of the user's own.
const WITHOUT_TABLE: &str = "crates/xtask/src/new/template/lab-test/Cargo.toml";

/// A table with this line may leave out the root's lints about unsafe code.
const NO_UNSAFE_CODE: &str = "rust: unsafe_code = \"forbid\"";
const ABOUT_UNSAFE_CODE: [&str; 4] = [
    "unsafe_op_in_unsafe_fn",
    "multiple_unsafe_ops_per_block",
    "undocumented_unsafe_blocks",
    "unnecessary_safety_doc",
];

/// Returns the lines of a manifest's table, each with the number of the line and the tool's name, as
/// in `clippy: all = "deny"`. An inherited table is the line `workspace = true`.
fn table(manifest: &str) -> Vec<(usize, String)> {
    let mut tool = None;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(manifest.lines().map(str::trim)) {
        if line.starts_with('[') {
            let section = line.trim_matches(['[', ']']);
            let section = section.strip_prefix("workspace.").unwrap_or(section);
            tool = section
                .strip_prefix("lints")
                .map(|tool| tool.trim_start_matches('.'));
        } else if let Some(tool) = tool
            && !line.is_empty()
            && !line.starts_with('#')
        {
            let tool = if tool.is_empty() {
                String::new()
            } else {
                format!("{tool}: ")
            };
            lines.push((number, format!("{tool}{line}")));
        }
    }
    lines
}

fn may_add(file: &str, line: &str) -> bool {
    let folder = file.trim_end_matches("/Cargo.toml");
    ADDITIONS
        .iter()
        .any(|(folders, lines, _)| folders.contains(&folder) && lines.contains(&line))
}

/// Returns a sentence for each line of a manifest's table that drifted from the root's.
fn drift(file: &str, manifest: &str, root: &str) -> Vec<String> {
    let (table, root) = (table(manifest), table(root));
    let has = |table: &[(usize, String)], line: &str| table.iter().any(|(_, known)| known == line);
    if table.is_empty() {
        return vec![format!(
            "{file} has no lint table; give it `[lints]` with `workspace = true`"
        )];
    }
    if has(&table, "workspace = true") && table.len() == 1 {
        return Vec::new();
    }
    let added = table
        .iter()
        .filter(|(_, line)| !has(&root, line) && line != "workspace = true")
        .filter(|(_, line)| !may_add(file, line))
        .map(|(number, line)| {
            format!("{file}:{number} has `{line}`, which is not in the root's Cargo.toml")
        });
    let without_unsafe = has(&table, NO_UNSAFE_CODE);
    let missing = root
        .iter()
        .filter(|(_, line)| !has(&table, line) && line != "workspace = true")
        .filter(|(_, line)| {
            !(without_unsafe && ABOUT_UNSAFE_CODE.iter().any(|lint| line.contains(lint)))
        })
        .map(|(number, line)| {
            format!("{file} lacks `{line}`, line {number} of the root's Cargo.toml")
        });
    added.chain(missing).collect()
}

fn manifests_below(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && name != "target" && name != ".git" {
            manifests_below(&path, found);
        } else if name == "Cargo.toml" {
            let path = path.strip_prefix(paths::root()).unwrap();
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn every_lint_table_is_the_roots() {
    let root = paths::root();
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap();
    let mut manifests = Vec::new();
    manifests_below(&root, &mut manifests);
    assert!(manifests.len() > 10, "{manifests:?}");
    let drifted: Vec<String> = manifests
        .iter()
        .filter(|file| *file != WITHOUT_TABLE)
        .flat_map(|file| drift(file, &read(file), &read("Cargo.toml")))
        .collect();
    assert_eq!(drifted, Vec::<String>::new());
}

#[test]
fn a_drifted_line_is_named() {
    const ROOT: &str = "[workspace.lints.rust]\na = 1\nunsafe_op_in_unsafe_fn = 2\n";
    const WITHOUT_UNSAFE: &str = "[lints.rust]\na = 1\nunsafe_code = \"forbid\"\n";
    const WHOLE: &str = "[lints.rust]\nunsafe_op_in_unsafe_fn = 2\n# Why.\na = 1\n[b]\nc = 3\n";
    for (file, manifest, expected) in [
        ("x", "[lints]\nworkspace = true\n", ""),
        ("x", WHOLE, ""),
        ("crates/xtask/Cargo.toml", WITHOUT_UNSAFE, ""),
        ("x", WITHOUT_UNSAFE, "x:3 has `rust: unsafe_code"),
        ("x", "[package]\na = 1\n", "x has no lint table"),
        (
            "x",
            "[lints.rust]\na = 1\n",
            "x lacks `rust: unsafe_op_in_unsafe_fn = 2`, line 3 of",
        ),
        (
            "x",
            &WHOLE.replace("# Why.", "b = 1"),
            "x:3 has `rust: b = 1`",
        ),
        ("x", &WHOLE.replace("rust", "clippy"), "x:2 has `clippy: "),
    ] {
        let drifted = drift(file, manifest, ROOT);
        let first = drifted.first().map_or("", String::as_str);
        assert!(
            first.starts_with(expected) && first.is_empty() == expected.is_empty(),
            "{manifest}: {first}"
        );
    }
}
