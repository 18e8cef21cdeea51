//! The pages of the repository name files that exist.

#![forbid(unsafe_code)]

use std::{fs, path::Path};

use ringcopy_tests::{tracked_files, tree};

/// The targets of links to files, as the page writes them.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter_map(|target| target.split('#').next())
        // rustdoc checks links to items.
        .filter(|target| {
            !target.is_empty() && !target.contains("://") && !target.starts_with("crate::")
        })
}

/// The paths from the root that the page has as code.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let code = text.split('`').skip(1).step_by(2);
    code.filter(|code| {
        let folder = ["src/", "crates/", "tests/", "inf/", ".vscode/"];
        folder.iter().any(|folder| code.starts_with(folder))
            && !code.contains(|letter: char| letter.is_whitespace() || "*{<…".contains(letter))
    })
}

#[test]
fn links_and_paths_in_pages_lead_to_files() {
    let mut missing = Vec::new();
    for page in tracked_files("*.md") {
        let text = fs::read_to_string(tree().join(&page)).unwrap();
        let folder = page.parent().unwrap_or_else(|| Path::new(""));
        let linked = links(&text).map(|link| folder.join(link));
        // A page of a crate may name paths from the crate's own folder.
        let named = paths(&text).map(|path| {
            let beside = folder.join(path);
            if tree().join(&beside).exists() {
                beside
            } else {
                path.into()
            }
        });
        let absent = linked
            .chain(named)
            .filter(|path| !tree().join(path).exists());
        missing.extend(absent.map(|path| format!("{}: no {}", page.display(), path.display())));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// The table of who is trusted with what names a test for each of its lines.
#[test]
fn every_line_of_who_is_trusted_is_seen_by_a_test() {
    let page = fs::read_to_string(tree().join("SECURITY.md")).unwrap();
    let sources: String = tracked_files("tests/e2e/tests/lab_*.rs")
        .into_iter()
        .map(|path| fs::read_to_string(tree().join(path)).unwrap())
        .collect();
    let table = page.split("| who | may | seen by |").nth(1).unwrap();
    let lines: Vec<_> = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert!(!lines.is_empty());
    for line in lines {
        let (_, named) = line.trim_end_matches(" |").rsplit_once('|').unwrap();
        let tests: Vec<_> = named.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "{line}");
        for test in tests {
            let known = sources.contains(&format!("fn {test}()"));
            assert!(known, "there is no test {test}");
        }
    }
}
