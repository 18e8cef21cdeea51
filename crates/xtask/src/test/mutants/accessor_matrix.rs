//! Guards of the accessors that the matrix of accessors tests: SMAP, the end of user memory, pages that
//! cannot be brought in, memory that changes with each access, alignment, bounds, and moves. Each has
//! the test in the lab that must notice.

use super::mutant::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "SMAP is looked for in another control bit",
        file: "crates/usermode-accessors/src/arch/x86_64/processor.rs",
        original: "const CR4_SMAP: u64 = 1 << 21;",
        broken: "const CR4_SMAP: u64 = 1 << 22;",
        caught_by: "lab_accessors::every_family_passes",
    },
    Mutant {
        name: "the last byte of a range may be the system's",
        file: "crates/usermode-accessors/src/probe.rs",
        original: "match USER_LIMIT.checked_sub(length) {",
        broken: "match USER_LIMIT.checked_sub(length.saturating_sub(1)) {",
        caught_by: "lab_accessors::every_family_passes",
    },
    Mutant {
        name: "a page that cannot be brought in is not handled",
        file: "crates/usermode-accessors/src/arch/x86_64/mod.rs",
        original: "    \"cmp r8d, 0xC0000006\", // STATUS_IN_PAGE_ERROR\n    \"je 2f\",\n",
        broken: "",
        caught_by: "lab_accessors::every_family_passes",
    },
    Mutant {
        name: "a backward move that goes on after a fault finds user memory closed",
        file: "crates/usermode-accessors/src/arch/x86_64/backward.rs",
        original: "        \"stac\",\n",
        broken: "",
        caught_by: "lab_accessors::every_family_passes",
    },
    Mutant {
        name: "a string is captured by a descriptor that is read again",
        file: "crates/usermode-accessors/src/user/unicode_string.rs",
        original: "        let length = usize::from(length);\n",
        broken: "        UserSlice::from_parts(address, bytes.len(), mode).reader()?.read(&mut bytes)?;\n        \
                 let length = usize::from(UnicodeString::from_bytes(bytes).length);\n",
        caught_by: "lab_accessors::every_family_passes",
    },
    Mutant {
        name: "a locked operation may be misaligned",
        file: "crates/usermode-accessors/src/guarded/interlocked.rs",
        original: "        Mode::User => probe::check(destination, size, size),",
        broken: "        Mode::User => probe::check_range(destination, size),",
        caught_by: "lab_accessors::every_family_passes",
    },
    Mutant {
        name: "a string is looked at beyond its cap",
        file: "crates/usermode-accessors/src/guarded/string.rs",
        original: "let count = maximum.min(within);",
        broken: "let count = within;",
        caught_by: "lab_accessors::every_family_passes",
    },
    Mutant {
        name: "a move upward over its own source goes in blocks",
        file: "crates/usermode-accessors/src/guarded/mod.rs",
        original: "        unsafe { arch::guarded_copy_upward(to, from, length) }",
        broken: "        unsafe { arch::guarded_copy(to, from, length) }",
        caught_by: "lab_accessors::every_family_passes",
    },
];
