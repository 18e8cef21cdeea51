//! The lab's kernel, its mailbox, the stand-in for KMDF and `wdk-build` are tools for any driver: they depend
//! on nothing of this project's driver, and do not name it.

#![forbid(unsafe_code)]

use std::{collections::BTreeSet, ffi::OsStr, fs};

use ringcopy_tests::{tracked_files, tree};

/// The folders of the tools.
const TOOLS: [&str; 5] = [
    "tests/lab/kernel",
    "tests/lab/mailbox",
    "tests/wdf",
    "tests/wdf/sddl",
    "crates/wdk-build-linux/wdk-build",
];

/// The folders on which they may depend, besides each other.
const SHARED: [&str; 1] = ["crates/nt-status"];

/// Where they name the driver, and why.
const NAMED: [(&str, &str); 2] = [
    (
        "tests/lab/kernel/src/options.rs",
        "the service's name, where the host gives none",
    ),
    (
        "tests/wdf/src/wine/queue_hold.rs",
        "an event by which the tests in Wine hold a queue",
    ),
];

/// The names of the tools' own packages.
const OWN: [&str; 3] = [
    "ringcopy-lab-kernel",
    "ringcopy-lab-mailbox",
    "ringcopy_lab_mailbox",
];

#[test]
fn a_tool_depends_on_other_tools_alone() {
    for tool in TOOLS {
        let folder = tree().join(tool);
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        for line in manifest.lines() {
            assert!(
                !line.contains(".workspace = true") || !line.contains("ringcopy"),
                "{line}"
            );
            let path = line
                .split("path = \"")
                .nth(1)
                .and_then(|rest| rest.split('"').next());
            let Some(path) = path.filter(|_| line.contains('{')) else {
                continue;
            };
            let named = folder.join(path).canonicalize().unwrap();
            let known = TOOLS.iter().chain(&SHARED);
            let is_known = known
                .map(|known| tree().join(known))
                .any(|known| known.canonicalize().is_ok_and(|known| known == named));
            assert!(is_known, "{tool}: {path}");
        }
    }
}

#[test]
fn a_tool_does_not_name_the_driver() {
    let mut naming = BTreeSet::new();
    for tool in TOOLS {
        for path in tracked_files(tool) {
            // A page may say where the tool comes from.
            let name = path.display().to_string();
            let is_text = |extension: &OsStr| extension == "md" || extension == "lock";
            if path.extension().is_some_and(is_text) {
                continue;
            }
            let text = fs::read_to_string(tree().join(&path)).unwrap_or_default();
            let others = OWN.iter().fold(text, |text, own| text.replace(own, ""));
            if others.to_lowercase().contains("ringcopy") {
                naming.insert(name);
            }
        }
    }
    let known = NAMED.map(|(path, _)| path.to_owned());
    assert_eq!(naming, BTreeSet::from(known));
}
