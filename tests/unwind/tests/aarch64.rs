//! The guarded routines of the built library: all are present, and pass the checks. Then each property
//! is broken in turn in the decoded data, and the checks must notice.

#![forbid(unsafe_code)]

use ringcopy_unwind::{
    check,
    guarded_routine::{self, GuardedRoutine, PREFIX},
    instruction,
};
use std::{collections::BTreeMap, env, fs};

/// The library, built for `aarch64-pc-windows-msvc`.
const LIBRARY: &str = "RINGCOPY_AARCH64_LIBRARY";

fn library() -> Vec<u8> {
    let file = env::var_os(LIBRARY).expect("the library to look at");
    fs::read(file).unwrap()
}

fn routines() -> BTreeMap<String, GuardedRoutine> {
    guarded_routine::all(&library()).unwrap()
}

/// The routines that `src/arch/aarch64` offers.
fn expected() -> Vec<String> {
    let widths = |name: &str, widths: &[usize]| -> Vec<String> {
        widths
            .iter()
            .map(|width| format!("{name}{width}"))
            .collect()
    };
    let mut names = vec![
        "call".to_owned(),
        "copy_closed".to_owned(),
        "fill".to_owned(),
    ];
    for copy in ["copy", "copy_backward", "copy_nontemporal"] {
        names.extend(["from", "to", "within"].map(|side| format!("{copy}_{side}_user")));
    }
    for name in ["read", "read_acquire", "write", "write_release"] {
        names.extend(widths(name, &[1, 2, 4, 8]));
    }
    names.extend(
        widths("read", &[1, 2, 4, 8])
            .iter()
            .map(|name| format!("{name}_closed")),
    );
    for name in ["and", "or", "compare_exchange"] {
        names.extend(widths(name, &[4, 8]));
    }
    names.extend(widths("scan", &[1, 2]));
    let mut names: Vec<String> = names
        .into_iter()
        .map(|name| format!("{PREFIX}{name}"))
        .collect();
    names.sort();
    names
}

#[test]
#[ignore = "needs the library for Windows on Arm: cargo xtask test runs it"]
fn every_function_in_assembly_but_the_filters_has_unwind_data() {
    let library = library();
    let in_assembly: Vec<String> = guarded_routine::names(&library)
        .unwrap()
        .into_iter()
        .filter(|name| !name.ends_with("_filter"))
        .collect();
    assert_eq!(in_assembly, expected());
    let with_data: Vec<String> = guarded_routine::all(&library)
        .unwrap()
        .into_keys()
        .collect();
    assert_eq!(with_data, expected());
}

#[test]
#[ignore = "needs the library for Windows on Arm: cargo xtask test runs it"]
fn a_fault_of_every_guarded_routine_is_handled_and_leads_to_its_landing_pad() {
    for (name, routine) in routines() {
        assert_eq!(check::guarded_routine(&routine), Ok(()), "{name}");
    }
}

#[test]
#[ignore = "needs the library for Windows on Arm: cargo xtask test runs it"]
fn each_broken_property_is_noticed() {
    type Break = fn(&mut GuardedRoutine);
    let breaks: [(&str, Break); 13] = [
        ("another handler", |routine| routine.handler.push('x')),
        ("another filter", |routine| {
            routine.scopes[0].filter.push('x');
        }),
        ("no scope", |routine| routine.scopes.clear()),
        ("a scope that begins late", |routine| {
            routine.scopes[0].begin = routine.scopes[0].end;
        }),
        ("a scope that misses its instructions", |routine| {
            for scope in &mut routine.scopes {
                scope.begin = 0;
                scope.end = 4;
            }
        }),
        ("a scope of everything", |routine| {
            routine.scopes[0].begin = 0;
        }),
        ("a scope past the end", |routine| {
            routine.scopes[0].end += 0x1_0000;
        }),
        ("a landing pad past the end", |routine| {
            routine.scopes[0].target += 0x1_0000;
        }),
        ("a landing pad under its own guard", |routine| {
            routine.scopes[0].target = routine.scopes[0].begin;
        }),
        ("a pair that is restored from elsewhere", |routine| {
            let last = routine.codes.iter().position(|code| *code == 0xE4).unwrap();
            routine.codes[last - 1] += 1;
        }),
        ("a code without its instruction", |routine| {
            routine.codes.insert(0, 0xE1);
        }),
        ("an epilogue with another's codes", |routine| {
            routine.epilogues[0].0 -= 1;
        }),
        ("a register that is not saved", |routine| {
            let middle = routine.code.len() / 2;
            routine.code[middle] = 0xD280_0015; // mov x21, #0
        }),
    ];
    for (name, routine) in routines() {
        for (what, break_it) in breaks {
            let mut broken = routine.clone();
            break_it(&mut broken);
            assert!(check::guarded_routine(&broken).is_err(), "{name}: {what}");
        }
    }
}

#[test]
#[ignore = "needs the library for Windows on Arm: cargo xtask test runs it"]
fn a_clamp_that_loses_one_instruction_is_noticed() {
    const NO_OPERATION: u32 = 0xD503_201F;
    let mut lost = 0;
    for (name, routine) in routines() {
        let barrier = routine
            .code
            .iter()
            .position(|word| instruction::is_speculation_barrier(*word));
        let Some(barrier) = barrier else {
            continue;
        };
        let selections = (1..barrier).filter(|at| {
            instruction::clamped([0, routine.code[at - 1]], routine.code[*at]).is_some()
        });
        for at in selections.flat_map(|at| [at - 1, at]).chain([barrier]) {
            let mut broken = routine.clone();
            broken.code[at] = NO_OPERATION;
            assert!(check::guarded_routine(&broken).is_err(), "{name}: {at}");
            lost += 1;
        }
    }
    assert!(lost >= routines().len(), "{lost}");
}

#[test]
#[ignore = "needs the library for Windows on Arm: cargo xtask test runs it"]
fn a_scope_that_loses_one_access_is_noticed() {
    let mut lost = 0;
    for (name, routine) in routines() {
        for (index, scope) in routine.scopes.iter().enumerate() {
            for offset in (scope.begin..scope.end).step_by(4) {
                let word = routine.code[usize::try_from(offset / 4).unwrap()];
                if instruction::base(word).is_none() && !instruction::is_indirect_call(word) {
                    continue;
                }
                let mut late = routine.clone();
                late.scopes[index].begin = offset + 4;
                assert!(
                    check::guarded_routine(&late).is_err(),
                    "{name}: from {offset} on"
                );
                let mut early = routine.clone();
                early.scopes[index].end = offset;
                assert!(
                    check::guarded_routine(&early).is_err(),
                    "{name}: to {offset}"
                );
                lost += 1;
            }
        }
    }
    assert!(lost >= routines().len(), "{lost}");
}
