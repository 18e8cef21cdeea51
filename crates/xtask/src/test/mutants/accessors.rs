//! The guards of `usermode-accessors`, each with the one of its own tests that must notice, on
//! Windows or in what stands in for it.

use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a locked operation may be misaligned",
        file: "crates/usermode-accessors/src/guarded/interlocked.rs",
        original: "        Mode::User => probe::check(destination, size, size),",
        broken: "        Mode::User => probe::check_range(destination, size),",
        caught_by: "valid_interlocked::natural_alignment_is_demanded_in_either_mode",
    },
    Mutant {
        name: "a string is looked at beyond its cap",
        file: "crates/usermode-accessors/src/guarded/string.rs",
        original: "let count = maximum.min(within);",
        broken: "let count = within;",
        caught_by: "faults_words::a_string_that_does_not_end_faults_behind_its_last_character",
    },
    Mutant {
        name: "what stands before a string counts as a part of it",
        file: "crates/usermode-accessors/src/arch/x86_64/string.rs",
        original: "            \"shl eax, cl\",\n",
        broken: "",
        caught_by: "valid_long::the_end_of_a_string_is_found_in_every_place_of_a_block",
    },
    Mutant {
        name: "a short fill is not guarded",
        file: "crates/usermode-accessors/src/arch/x86_64/fill.rs",
        original: "        (\".Laccess_fill\", \".Lend_fill\", \".Lnone_arrived_fill\"),\n",
        broken: "",
        caught_by: "faults::a_fill_stops_exactly_where_writable_memory_ends",
    },
    Mutant {
        name: "no fence follows streaming stores",
        file: "crates/usermode-accessors/src/arch/x86_64/nontemporal.rs",
        original: "        \".Llanding_copy_nontemporal:\",\n        \"sfence\",\n",
        broken: "        \".Llanding_copy_nontemporal:\",\n",
        caught_by: "lib::arch::x86_64::tests::a_fence_follows_the_streaming_stores",
    },
    Mutant {
        name: "a call that raises is not guarded",
        file: "crates/usermode-accessors/src/arch/x86_64/raising.rs",
        original: "[(\".Laccess_call\", \".Llanding_call\", \".Llanding_call\")]",
        broken: "[]",
        caught_by: "raising::windows::every_code_is_caught_with_its_flags_and_parameters",
    },
    Mutant {
        name: "a copy claims more than has arrived",
        file: "crates/usermode-accessors/src/arch/x86_64/stores.rs",
        original: "            concat!(\"mov r10d, \", $bytes),",
        broken: "            concat!(\"mov r10d, 2 * \", $bytes),",
        caught_by: "faults_edges::a_destination_that_ends_at_any_byte_takes_every_byte_before",
    },
    Mutant {
        name: "a copy stops at the block, not at the byte",
        file: "crates/usermode-accessors/src/arch/x86_64/again.rs",
        original: "            \"mov dword ptr [rcx + {code}], 0\",\n            \"jmp 4f\",",
        broken: "            \"mov r11, r10\",\n            \"jmp 4f\",",
        caught_by: "faults_edges::a_source_that_ends_at_any_byte_gives_every_byte_before",
    },
    Mutant {
        name: "a guard page is tried again",
        file: "crates/usermode-accessors/src/arch/x86_64/again.rs",
        original: "            \"je 3f\",\n",
        broken: "",
        caught_by: "faults_edges::a_guard_page_stops_a_copy_at_any_byte_and_is_met_once",
    },
    Mutant {
        name: "a guard page is tried again by a backward move",
        file: "crates/usermode-accessors/src/arch/x86_64/backward.rs",
        original: "        \"je 3f\",\n",
        broken: "",
        caught_by: "faults_edges::a_guard_page_stops_a_backward_move_at_any_byte",
    },
    Mutant {
        name: "a copy that goes on after a fault finds user memory closed",
        file: "crates/usermode-accessors/src/arch/x86_64/again.rs",
        original: "            \"stac\",\n",
        broken: "",
        caught_by: "lib::arch::x86_64::tests::user_memory_is_open_for_the_access_and_closed_after_it_and_after_a_fault",
    },
    Mutant {
        name: "user memory stays open",
        file: "crates/usermode-accessors/src/arch/x86_64.rs",
        original: "            \"clac\",\n",
        broken: "",
        caught_by: "lib::arch::x86_64::tests::user_memory_is_open_for_the_access_and_closed_after_it_and_after_a_fault",
    },
    Mutant {
        name: "a fault closes the window of a caller further up",
        file: "crates/usermode-accessors/src/arch/x86_64.rs",
        original: "            \"3:\",\n            \"stac\",\n",
        broken: "            \"3:\",\n",
        caught_by: "lib::arch::x86_64::tests::user_memory_that_was_open_stays_open",
    },
    Mutant {
        name: "the filter takes every exception",
        file: "crates/usermode-accessors/src/arch/x86_64.rs",
        original: "    \"xor eax, eax\", // EXCEPTION_CONTINUE_SEARCH\n    \"ret\",\n",
        broken: "",
        caught_by: "exceptions::any_other_exception_is_not_caught",
    },
    Mutant {
        name: "a move upward over its own source goes in blocks",
        file: "crates/usermode-accessors/src/guarded.rs",
        original: "        unsafe { arch::guarded_copy_upward(to, from, length) }",
        broken: "        unsafe { arch::guarded_copy(to, from, length) }",
        caught_by: "valid_long::long_moves_keep_what_overlaps",
    },
    Mutant {
        name: "the other word of a fault is left over from the one before",
        file: "crates/usermode-accessors/src/arch/x86_64.rs",
        original: "    \"mov qword ptr [r9 + {address}], {unknown}\",\n",
        broken: "",
        caught_by: "exceptions::an_exception_without_address_leaves_it_unknown",
    },
];
