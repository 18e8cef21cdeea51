//! The built library's leaves: all are there, and what must hold does. Then each thing that must
//! hold is broken in turn, in what was read, and has to be noticed.

#![forbid(unsafe_code)]

use ringcopy_unwind::{
    check, instruction,
    leaf::{self, Leaf, PREFIX},
};
use std::{collections::BTreeMap, env, fs};

/// The library, built for `aarch64-pc-windows-msvc`.
const LIBRARY: &str = "RINGCOPY_AARCH64_LIBRARY";

fn library() -> Vec<u8> {
    let file = env::var_os(LIBRARY).expect("the library to look at");
    fs::read(file).unwrap()
}

fn leaves() -> BTreeMap<String, Leaf> {
    leaf::all(&library()).unwrap()
}

/// The leaves that `src/arch/aarch64` offers.
fn expected() -> Vec<String> {
    let widths = |name: &str, widths: &[usize]| -> Vec<String> {
        widths
            .iter()
            .map(|width| format!("{name}{width}"))
            .collect()
    };
    let mut names: Vec<String> = ["call", "copy", "copy_backward", "copy_nontemporal", "fill"]
        .map(str::to_owned)
        .to_vec();
    for name in ["read", "read_acquire", "write", "write_release"] {
        names.extend(widths(name, &[1, 2, 4, 8]));
    }
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
    let in_assembly: Vec<String> = leaf::names(&library)
        .unwrap()
        .into_iter()
        .filter(|name| !name.ends_with("_filter"))
        .collect();
    assert_eq!(in_assembly, expected());
    let with_data: Vec<String> = leaf::all(&library).unwrap().into_keys().collect();
    assert_eq!(with_data, expected());
}

#[test]
#[ignore = "needs the library for Windows on Arm: cargo xtask test runs it"]
fn a_fault_of_every_leaf_is_handled_and_leads_to_its_landing_pad() {
    for (name, leaf) in leaves() {
        assert_eq!(check::leaf(&leaf), Ok(()), "{name}");
    }
}

#[test]
#[ignore = "needs the library for Windows on Arm: cargo xtask test runs it"]
fn whatever_does_not_hold_is_noticed() {
    type Break = fn(&mut Leaf);
    let breaks: [(&str, Break); 13] = [
        ("another handler", |leaf| leaf.handler.push('x')),
        ("another filter", |leaf| leaf.scopes[0].filter.push('x')),
        ("no scope", |leaf| leaf.scopes.clear()),
        ("a scope that begins late", |leaf| {
            leaf.scopes[0].begin = leaf.scopes[0].end;
        }),
        ("a scope that misses its instructions", |leaf| {
            for scope in &mut leaf.scopes {
                scope.begin = 0;
                scope.end = 4;
            }
        }),
        ("a scope of everything", |leaf| {
            leaf.scopes[0].begin = 0;
        }),
        ("a scope past the end", |leaf| {
            leaf.scopes[0].end += 0x1_0000;
        }),
        ("a landing pad past the end", |leaf| {
            leaf.scopes[0].target += 0x1_0000;
        }),
        ("a landing pad under its own guard", |leaf| {
            leaf.scopes[0].target = leaf.scopes[0].begin;
        }),
        ("a pair that is restored from elsewhere", |leaf| {
            let last = leaf.codes.iter().position(|code| *code == 0xE4).unwrap();
            leaf.codes[last - 1] += 1;
        }),
        ("a code without its instruction", |leaf| {
            leaf.codes.insert(0, 0xE1);
        }),
        ("an epilogue with another's codes", |leaf| {
            leaf.epilogues[0].0 -= 1;
        }),
        ("a register that is not saved", |leaf| {
            let middle = leaf.code.len() / 2;
            leaf.code[middle] = 0xD280_0015; // mov x21, #0
        }),
    ];
    for (name, leaf) in leaves() {
        for (what, break_it) in breaks {
            let mut broken = leaf.clone();
            break_it(&mut broken);
            assert!(check::leaf(&broken).is_err(), "{name}: {what}");
        }
    }
}

#[test]
#[ignore = "needs the library for Windows on Arm: cargo xtask test runs it"]
fn a_scope_that_loses_one_access_is_noticed() {
    let mut lost = 0;
    for (name, leaf) in leaves() {
        for (index, scope) in leaf.scopes.iter().enumerate() {
            for offset in (scope.begin..scope.end).step_by(4) {
                let word = leaf.code[usize::try_from(offset / 4).unwrap()];
                if instruction::base(word).is_none() && !instruction::is_indirect_call(word) {
                    continue;
                }
                let mut late = leaf.clone();
                late.scopes[index].begin = offset + 4;
                assert!(check::leaf(&late).is_err(), "{name}: from {offset} on");
                let mut early = leaf.clone();
                early.scopes[index].end = offset;
                assert!(check::leaf(&early).is_err(), "{name}: to {offset}");
                lost += 1;
            }
        }
    }
    assert!(lost >= leaves().len(), "{lost}");
}
