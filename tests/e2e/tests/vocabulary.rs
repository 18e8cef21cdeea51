//! No tracked file has a word of the table "Words we do not use" in `CONTRIBUTING.md`.

#![forbid(unsafe_code)]

use std::fs;

use ringcopy_tests::{tracked_files, tree};

/// Files whose words are not ours to choose, and the page itself.
const LEFT_OUT: &str = "Cargo.lock LICENSE corpus/ .tsv CONTRIBUTING.md";

/// The words of the table in a page, each with the words to use.
fn table(page: &str) -> Vec<(&str, &str)> {
    page.split("\n## ")
        .filter(|section| section.starts_with("Words we do not use\n"))
        .flat_map(str::lines)
        .filter_map(|line| line.trim_matches(['|', ' ']).split_once(" | "))
        // The head of the table, and the rule below it.
        .skip(2)
        .flat_map(|(words, instead)| words.split(", ").map(move |word| (word, instead)))
        .collect()
}

/// The words of a line in lower case, with the parts of its identifiers.
fn words(line: &str) -> Vec<String> {
    let mut spaced = String::new();
    for letter in line.chars() {
        if letter.is_uppercase() && spaced.ends_with(char::is_lowercase) {
            spaced.push(' ');
        }
        spaced.push(letter);
    }
    let words = spaced.split(|letter: char| !letter.is_alphabetic());
    words.map(str::to_lowercase).collect()
}

/// The places of these words in a text.
fn found(table: &[(&str, &str)], name: &str, text: &str) -> Vec<String> {
    let mut places = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for word in words(line) {
            let row = table.iter().find(|(not, _)| *not == word);
            places.extend(row.map(|(not, but)| format!("{name}:{number}: {not}: use {but}")));
        }
    }
    places
}

#[test]
fn words_are_found_in_text_and_in_identifiers() {
    let page = "\n## Words we do not use\n\n| not | but |\n| --- | --- |\n| gizmo, gizmos | tool |";
    let text = "A gizmology.\nGizmos, `my_gizmo`, TheGizmo2, MY_GIZMOS\n";
    let places = found(&table(&format!("{page}\n## Style\n| a | b |")), "f", text);
    let expected =
        ["gizmos", "gizmo", "gizmo", "gizmos"].map(|word| format!("f:2: {word}: use tool"));
    assert_eq!(places, expected);
}

#[test]
fn tracked_files_keep_to_the_vocabulary() {
    let page = fs::read_to_string(tree().join("CONTRIBUTING.md")).unwrap();
    let table = table(&page);
    assert!(!table.is_empty());
    let mut places = Vec::new();
    for path in tracked_files("*") {
        let name = path.display().to_string();
        let mut left_out = LEFT_OUT.split(' ');
        if !left_out.any(|part| name.contains(part)) {
            let text = fs::read_to_string(tree().join(&path)).unwrap_or_default();
            places.extend(found(&table, &name, &text));
        }
    }
    assert!(places.is_empty(), "{}", places.join("\n"));
}
