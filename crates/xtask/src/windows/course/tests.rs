//! The course on a simulated machine.

use super::{table::TRACE, *};
use clap::ValueEnum as _;

/// A machine on which every command does what it has to, but for some.
#[derive(Default)]
struct Simulated {
    /// Names of entries that do the opposite.
    broken: &'static [&'static str],
    /// Names of entries that cannot be run.
    missing: &'static [&'static str],
    security: &'static str,
    traced: bool,
    ran: Vec<&'static str>,
}

impl Machine for Simulated {
    fn run(&mut self, _: usize, entry: &Entry) -> Result<Ran> {
        self.ran.push(entry.name);
        ensure!(!self.missing.contains(&entry.name), "cannot run it");
        let broken = self.broken.contains(&entry.name);
        let output = match entry.expected {
            Expected::SuccessWithout(text) if broken => text,
            _ if entry.name == SECURITY_STATUS.name => self.security,
            _ => "",
        };
        self.traced |= entry.name == TRACE.name && !broken;
        Ok(Ran {
            succeeded: matches!(entry.expected, Expected::SuccessWithout(_))
                || (entry.expected == Expected::Success) != broken,
            output: output.to_owned(),
        })
    }

    fn is_traced(&self) -> bool {
        self.traced
    }

    fn say(&mut self, _: &str) {}
}

fn names(of: &[Group]) -> Vec<&'static str> {
    let entries = COURSE.iter().filter(|entry| of.contains(&entry.group));
    entries.map(|entry| entry.name).collect()
}

#[test]
fn a_good_package_runs_through() {
    let mut machine = Simulated::default();
    drive(&mut machine, None).unwrap();
    assert_eq!(
        machine.ran,
        names(&[Group::Course, Group::Traced, Group::Undo, Group::Look])
    );
}

#[test]
fn withheld_memory_is_left_alone_before_the_driver_is_loaded() {
    for (security, expected) in [("0\n", false), ("1\n", false), ("2\r\n", true)] {
        let mut machine = Simulated {
            security,
            ..Simulated::default()
        };
        drive(&mut machine, None).unwrap();
        let at = |name| machine.ran.iter().position(|ran| *ran == name);
        let engine = at("leave withheld memory alone");
        assert_eq!(engine.is_some(), expected, "{security:?}");
        assert!(engine < at("under Driver Verifier"));
    }
}

#[test]
fn each_failure_is_named_ends_the_course_and_undoes_it() {
    let of_course = names(&[Group::Course]);
    let undone = names(&[Group::Undo, Group::Look]);
    let traced = names(&[Group::Traced, Group::Undo, Group::Look]);
    for entry in COURSE.iter().filter(|entry| entry.group != Group::Withheld) {
        let name: &'static [&'static str] = Vec::leak(vec![entry.name]);
        for (broken, missing) in [(name, &[][..]), (&[], name)] {
            let mut machine = Simulated {
                broken,
                missing,
                ..Simulated::default()
            };
            let error = drive(&mut machine, None).unwrap_err().to_string();
            assert_eq!(error, format!("failed: {}", entry.name));
            let until = of_course.iter().position(|name| *name == entry.name);
            let begun = until.map_or(&of_course[..], |until| &of_course[..=until]);
            let is_traced = begun.contains(&TRACE.name) && entry.name != TRACE.name;
            let after = if is_traced { &traced } else { &undone };
            assert_eq!(machine.ran, [begun, after].concat());
        }
    }
}

#[test]
fn the_parts_are_the_course() {
    let parts = Part::value_variants();
    assert!(COURSE.is_sorted_by_key(|entry| entry.part));
    let mut machine = Simulated::default();
    for part in parts {
        drive(&mut machine, Some(*part)).unwrap();
    }
    let mut whole = Simulated::default();
    drive(&mut whole, None).unwrap();
    assert_eq!(machine.ran, whole.ran);
}

#[test]
fn a_part_after_a_failure_undoes_what_was_begun() {
    for traced in [false, true] {
        let mut machine = Simulated {
            traced,
            ..Simulated::default()
        };
        drive(&mut machine, Some(Part::Undo)).unwrap();
        let expected: &[Group] = if traced {
            &[Group::Traced, Group::Undo, Group::Look]
        } else {
            &[Group::Undo, Group::Look]
        };
        assert_eq!(machine.ran, names(expected));
    }
}

#[test]
fn reports_have_names_of_their_own() {
    let mut names: Vec<_> = COURSE.iter().map(|entry| entry.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), COURSE.len());
}

#[test]
fn people_are_told_the_same_commands() {
    let page = crate::paths::root().join("tests/vm/README.md");
    let page = fs::read_to_string(page).unwrap();
    let told: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("> "))
        .collect();
    let commands: Vec<_> = COURSE.iter().map(Entry::typed).collect();
    assert_eq!(told, commands);
}
