//! What only ring 0 shows of the accessors: SMAP; memory that ends where the system's part of the
//! address space begins; pages that cannot be brought in. And what memory shows that changes with
//! each access. Each with the one test of the accessors' matrix in the lab that must notice.

use super::Mutant;

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
        name: "a page that cannot be brought in is nobody's to handle",
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
];
