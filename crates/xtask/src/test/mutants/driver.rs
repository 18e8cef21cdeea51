//! The guards of the driver and of what it is made of, each with the one test in the lab that must
//! notice.

use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "the probe lets every range pass",
        file: "crates/usermode-accessors/src/probe.rs",
        original: "        _ => Err(Status::ACCESS_VIOLATION),",
        broken: "        _ => Ok(()),",
        caught_by: "lab_selftest::passes_under_every_policy",
    },
    Mutant {
        name: "alignment is not checked",
        file: "crates/usermode-accessors/src/probe.rs",
        original: "        return Err(Status::DATATYPE_MISALIGNMENT);",
        broken: "        return Ok(());",
        caught_by: "lab_selftest::passes_under_every_policy",
    },
    Mutant {
        name: "the scope table is empty",
        file: "crates/usermode-accessors/src/arch/leaf.rs",
        original: "concat!(\".long (.Lscopes_end_\", $name, \" - .Lscopes_\", $name, \") / 16\"),",
        broken: "\".long 0\",",
        caught_by: "lab_selftest::passes_under_every_policy",
    },
    Mutant {
        name: "the count comes from a volatile register",
        file: "crates/usermode-accessors/src/arch/x86_64/copy.rs",
        original: "Llanding_copy_upward:\",\n        \"mov rax, [rsp + 32]\",",
        broken: "Llanding_copy_upward:\",\n        \"mov rax, r9\",",
        caught_by: "lab_matrix::writes_that_stop_at_every_byte_before_an_edge",
    },
    Mutant {
        name: "user memory is not opened under SMAP",
        file: "crates/usermode-accessors/src/arch/x86_64.rs",
        original: "            \"stac\",\n            \"2:\",\n            concat!(\"call",
        broken: "            \"2:\",\n            concat!(\"call",
        caught_by: "lab_selftest::passes_under_every_policy",
    },
    Mutant {
        name: "all physical memory counts as RAM",
        file: "crates/mm-copy/src/physical.rs",
        original: "            .map_or(0, |range| range.bytes_from(address))",
        broken: "            .map_or(0, |_| u64::MAX)",
        caught_by: "lab_memory::physical_memory_is_read_to_the_last_byte_of_ram",
    },
    Mutant {
        name: "the window keeps its stale translation",
        file: "src/nt/window.rs",
        original: "\"invlpg [{}]\",",
        broken: "\"/* {} */\",",
        caught_by: "lab_selftest::passes_under_every_policy",
    },
    Mutant {
        name: "pool is never freed",
        file: "src/nt/pool.rs",
        original: "        unsafe { ExFreePoolWithTag(address, POOL_TAG) };",
        broken: "        let _ = (address, ExFreePoolWithTag);",
        caught_by: "lab_selftest::passes_under_every_policy",
    },
    Mutant {
        name: "a handle serves any process",
        file: "src/file.rs",
        original: "if self.owner.is_current()",
        broken: "if true",
        caught_by: "lab_access::a_handle_serves_the_process_that_opened_it",
    },
    Mutant {
        name: "a request is read twice",
        file: "src/ops/copy_through.rs",
        original: "    let mode = call.mode(mode);",
        broken: "    let mut again = <CopyThroughRequest as zerocopy::FromZeros>::new_zeroed();\n    \
                 call.capture_bytes(0, zerocopy::IntoBytes::as_mut_bytes(&mut again).into())?;\n    \
                 let (mode, length) = (call.mode(mode), again.length as usize);",
        caught_by: "lab_capture::a_request_is_carried_out_as_it_was_captured",
    },
    Mutant {
        name: "entries are read again after they were judged",
        file: "src/ops/copy_scatter.rs",
        original: "    let length = judged.output_length(entries)?;",
        broken: "    let length = judged.output_length(entries)?;\n    \
                 let captured = Captured::of(call, &judged)?;\n    \
                 let entries = captured.as_slice()?;",
        caught_by: "lab_capture::so_is_a_request_with_entries",
    },
    Mutant {
        name: "everybody may open the device",
        file: "crates/protocol/src/lib.rs",
        original: "(A;;GA;;;BA)",
        broken: "(A;;GA;;;WD)",
        caught_by: "lab_access::only_system_and_administrators_open_the_device",
    },
    Mutant {
        name: "physical memory needs no policy",
        file: "src/ops/copy_memory.rs",
        original: "|| file.reach.contains(needed)",
        broken: "|| true",
        caught_by: "lab_access::policy_and_privilege_decide_what_lies_in_reach",
    },
    Mutant {
        name: "a table that is not in RAM is walked",
        file: "crates/mm-copy/src/walk.rs",
        original: "Ok(_) | Err(_) => return Err(dead_end(Reason::TableNotRam { level }, false)),",
        broken: "Ok(_) | Err(_) => {}",
        caught_by: "lab_mosaic::both_engines_copy_ram_and_nothing_else",
    },
    Mutant {
        name: "a page that is out counts as present",
        file: "crates/mm-copy/src/entry.rs",
        original: "if raw & PRESENT == 0 {",
        broken: "if raw == 0 {",
        caught_by: "lab_mosaic::both_engines_copy_ram_and_nothing_else",
    },
    Mutant {
        name: "reserved bits of a large page count as its address",
        file: "crates/mm-copy/src/entry.rs",
        original: " || frame & offset_mask(level) != 0 {",
        broken: " {",
        caught_by: "lab_mosaic::both_engines_copy_ram_and_nothing_else",
    },
    Mutant {
        name: "the window shows itself",
        file: "src/engine/native.rs",
        original: "if self.machine.window.holds(address)",
        broken: "if false && self.machine.window.holds(address)",
        caught_by: "lab_engines::both_engines_come_to_the_same",
    },
    Mutant {
        name: "nobody hears of a fallback",
        file: "src/engine/mod.rs",
        original: "fell_back: true,",
        broken: "fell_back: false,",
        caught_by: "lab_fallback::the_automatic_choice_falls_back_and_says_so",
    },
    Mutant {
        name: "the native engine falls back unasked",
        file: "src/engine/mod.rs",
        original: "self.choice == Engine::Auto && ",
        broken: "self.choice != Engine::System && ",
        caught_by: "lab_fallback::the_automatic_choice_falls_back_and_says_so",
    },
    Mutant {
        name: "entries of a batch need no policy",
        file: "src/ops/copy_memory.rs",
        original: "match check_reach(call, source).and_then(|()| copier.copy(flags, source.address, target)) {",
        broken: "match copier.copy(flags, source.address, target) {",
        caught_by: "lab_batch::every_entry_is_held_to_the_policy",
    },
    Mutant {
        name: "entries of a scattered copy need no policy",
        file: "src/ops/copy_scatter.rs",
        original: "match check_reach(call, source).and_then(|()| judge::address(entry.target)) {",
        broken: "match judge::address(entry.target) {",
        caught_by: "lab_batch::every_entry_is_held_to_the_policy",
    },
    Mutant {
        name: "a scattered copy begins before its answer has a place",
        file: "src/ops/copy_scatter.rs",
        original: "    call.fill_response(length)?;",
        broken: "    let _ = Call::fill_response;",
        caught_by: "lab_abuse::responses_in_bad_memory",
    },
    Mutant {
        name: "the lengths of a batch are not summed",
        file: "crates/protocol/src/judge/entries.rs",
        original: "total.saturating_add(entry.source().length as u64)",
        broken: "total.max(entry.source().length as u64)",
        caught_by: "lab_batch::counts_and_lengths_end_at_their_limits",
    },
    Mutant {
        name: "a setting that was not read for want of memory counts as not set",
        file: "src/driver.rs",
        original: "=> Err(NtStatus::INSUFFICIENT_RESOURCES),",
        broken: "=> Ok(Some(0)),",
        caught_by: "lab_resources::loading_fails_cleanly_wherever_pool_runs_out",
    },
];
