//! The lab, the stand-in for KMDF and `wdk-build` are tools for any driver: they depend on nothing of this
//! project's driver, and do not name it.

#![forbid(unsafe_code)]

use std::{collections::BTreeSet, ffi::OsStr, fs};

use ringcopy_tests::{tracked_files, tree};

/// The folders of the tools.
const TOOLS: [&str; 9] = [
    "crates/driver-events",
    "crates/numbers",
    "crates/transport",
    "tests/lab/host",
    "tests/lab/kernel",
    "tests/lab/mailbox",
    "tests/wdf",
    "tests/wdf/sddl",
    "crates/wdk-build-linux/wdk-build",
];

/// The folders on which they may depend, besides each other.
const SHARED: [&str; 1] = ["crates/nt-status"];

/// Where they name the driver, and why.
const NAMED: [(&str, &str); 1] = [(
    "tests/wdf/src/wine/queue_hold.rs",
    "an event by which the tests in Wine hold a queue",
)];

/// The names of the tools' own packages and variables, in small letters with underscores.
const OWN: [&str; 6] = [
    "ringcopy_driver_events",
    "ringcopy_lab",
    "ringcopy_numbers",
    "ringcopy_qemu",
    "ringcopy_transport",
    "ringcopy_wdfldr",
];

/// Whether a text has the driver's name in another than those.
fn names_driver(text: &str) -> bool {
    let text = text.to_lowercase().replace('-', "_");
    let others = OWN.iter().fold(text, |text, own| text.replace(own, ""));
    others.contains("ringcopy")
}

#[test]
fn a_tool_depends_on_other_tools_alone() {
    for tool in TOOLS {
        let folder = tree().join(tool);
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        for line in manifest.lines() {
            assert!(!names_driver(line), "{line}");
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
            if names_driver(&text) {
                naming.insert(name);
            }
        }
    }
    let known = NAMED.map(|(path, _)| path.to_owned());
    assert_eq!(naming, BTreeSet::from(known));
}
