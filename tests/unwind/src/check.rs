//! Checks that a fault of a guarded routine returns.

use crate::{
    codes::{self, Code},
    guarded_routine::{GuardedRoutine, Scope},
    instruction,
};

/// The handler of C's `__try`.
const HANDLER: &str = "__C_specific_handler";

/// The routine that guards a call, not an access.
const CALL: &str = "usermode_accessors_call";

/// Base registers of accesses to the routine's own frame and to its caller's record, which are valid. The
/// routine that guards a call reads the arguments through X10.
const OWN: [u32; 5] = [0, 9, 10, 29, instruction::SP];

/// Base registers of accesses that may fault.
const FOREIGN: [u32; 3] = [1, 19, 20];

/// Makes all checks.
///
/// # Errors
///
/// Describes the check that failed.
pub fn guarded_routine(routine: &GuardedRoutine) -> Result<(), String> {
    if routine.handler != HANDLER {
        return Err(format!("handled by {}", routine.handler));
    }
    scopes(routine)?;
    coverage(routine)?;
    clamp(routine)?;
    prologue(routine)?;
    epilogue(routine)
}

fn length(routine: &GuardedRoutine) -> i64 {
    i64::try_from(routine.code.len()).unwrap_or(i64::MAX) * 4
}

/// Checks that each scope is a range of the routine, with its filter, and that the landing pad is in the
/// routine after the scope. A landing pad inside its scope would fault without end.
fn scopes(routine: &GuardedRoutine) -> Result<(), String> {
    if routine.scopes.is_empty() {
        return Err("no scope".to_owned());
    }
    let filter = if routine.name == CALL {
        "usermode_accessors_call_filter"
    } else {
        "usermode_accessors_filter"
    };
    let length = length(routine);
    let mut landed = 0;
    for scope in &routine.scopes {
        let Scope {
            begin, end, target, ..
        } = *scope;
        if scope.filter != filter {
            return Err(format!("filtered by {}", scope.filter));
        }
        if !(0 <= begin && begin < end && end <= length) {
            return Err(format!("a scope from {begin} to {end} of {length}"));
        }
        if [begin, end, target].iter().any(|place| place % 4 != 0) {
            return Err("a scope between instructions".to_owned());
        }
        if !(end <= target && target < length) {
            return Err(format!("a scope to {end} that leads to {target}"));
        }
        if begin < landed {
            return Err("scopes that overlap, or lead backward".to_owned());
        }
        landed = end;
    }
    Ok(())
}

/// Checks that all instructions that may fault are guarded, and that each scope has such an instruction.
fn coverage(routine: &GuardedRoutine) -> Result<(), String> {
    let mut used = vec![false; routine.scopes.len()];
    for (index, word) in routine.code.iter().copied().enumerate() {
        let offset = i64::try_from(index).unwrap_or(i64::MAX) * 4;
        let scope = routine
            .scopes
            .iter()
            .position(|scope| scope.begin <= offset && offset < scope.end);
        if instruction::may_change_unsaved(word) {
            return Err(format!("{offset}: changes a register that is not saved"));
        }
        let may_fault = instruction::base(word).map_or_else(
            || routine.name == CALL && instruction::is_indirect_call(word),
            |base| FOREIGN.contains(&base),
        );
        let is_own = instruction::base(word).is_none_or(|base| OWN.contains(&base));
        if !may_fault && !is_own {
            return Err(format!("{offset}: an access with an unknown base"));
        }
        match (may_fault, scope) {
            (true, None) => return Err(format!("{offset}: not guarded")),
            (true, Some(scope)) => used[scope] = true,
            (false, Some(_)) if instruction::base(word).is_some() => {
                return Err(format!("{offset}: guards an access to its own frame"));
            }
            (false, _) => {}
        }
    }
    if !used.iter().all(|used| *used) {
        return Err("a scope that guards nothing".to_owned());
    }
    if routine.name == CALL {
        // A dispatcher may look up the address that the call returns to.
        for scope in &routine.scopes {
            let last = usize::try_from(scope.end / 4 - 1).unwrap_or(0);
            if !instruction::is_no_operation(routine.code[last]) {
                return Err("the call returns to where its scope ends".to_owned());
            }
        }
    }
    Ok(())
}

/// Returns the registers with user addresses of a routine, and for each that of the length, if it is
/// clamped too.
fn user_registers(name: &str) -> Vec<u32> {
    let mut registers = match name {
        _ if name == CALL || name.ends_with("_closed") => vec![],
        _ if name.ends_with("_from_user") => vec![2],
        _ if name.ends_with("_within_user") => vec![1, 2],
        _ => vec![1],
    };
    // Begins at the end of the range.
    if name.contains("_backward_") {
        registers.resize(2 * registers.len(), 3);
    }
    registers
}

/// Checks that the routine clamps its user addresses before its first branch and before it accesses
/// anything but its frame and the user limit, and that a barrier against speculation follows.
fn clamp(routine: &GuardedRoutine) -> Result<(), String> {
    let mut clamped = Vec::new();
    let mut unfenced = false;
    let mut before = [0; 2];
    for word in routine.code.iter().copied() {
        if let Some(register) = instruction::clamped(before, word) {
            clamped.push(register);
            unfenced = true;
        } else if instruction::is_speculation_barrier(word) {
            unfenced = false;
        } else if instruction::is_branch(word)
            || instruction::base(word).is_some_and(|base| FOREIGN.contains(&base))
        {
            break;
        }
        before = [before[1], word];
    }
    if unfenced {
        return Err("no barrier after a clamp".to_owned());
    }
    clamped.sort_unstable();
    let expected = user_registers(&routine.name);
    if clamped != expected {
        return Err(format!("clamps {clamped:?} and not {expected:?}"));
    }
    if !expected.is_empty() && !instruction::loads_limit(&routine.code) {
        return Err("clamps to a value that is not the limit".to_owned());
    }
    Ok(())
}

/// Checks that the codes undo the first instructions of the routine, the last one first.
fn prologue(routine: &GuardedRoutine) -> Result<(), String> {
    let mut codes = codes::decode(&routine.codes, 0)?;
    codes.pop();
    codes.reverse();
    let done: Vec<Code> = routine
        .code
        .iter()
        .map_while(|word| instruction::of_prologue(*word))
        .collect();
    if codes != done {
        return Err(format!(
            "the prologue does {done:?}, unwinding undoes {codes:?}"
        ));
    }
    let saves_pair = |code: &Code| matches!(code, Code::SavePair { first: 19, .. });
    if routine.name != CALL && !codes.iter().any(saves_pair) {
        return Err("X19 and X20 are used and not saved".to_owned());
    }
    // The filter gets X29, and uses it as the frame.
    if codes.last() != Some(&Code::SetFp) {
        return Err("X29 is not the frame".to_owned());
    }
    Ok(())
}

/// Checks that there is one epilogue, at the end, and that its codes are its instructions.
fn epilogue(routine: &GuardedRoutine) -> Result<(), String> {
    let [(index, place)] = routine.epilogues[..] else {
        return Err(format!("{} epilogues", routine.epilogues.len()));
    };
    let codes = codes::decode(&routine.codes, index)?;
    let start = routine.code.len().saturating_sub(codes.len());
    let done: Vec<Code> = routine.code[start..]
        .iter()
        .filter_map(|word| instruction::of_epilogue(*word))
        .collect();
    if codes != done {
        return Err(format!(
            "the epilogue does {done:?}, its codes are {codes:?}"
        ));
    }
    if place.is_some_and(|place| usize::try_from(place / 4) != Ok(start)) {
        return Err("the epilogue is not at its recorded offset".to_owned());
    }
    let begin = i64::try_from(start).unwrap_or(i64::MAX) * 4;
    if routine
        .scopes
        .iter()
        .any(|scope| scope.end > begin || scope.target > begin)
    {
        return Err("a guard in the epilogue".to_owned());
    }
    Ok(())
}
