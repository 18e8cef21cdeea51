//! The guards of the lab's host, each with the one of its own tests that must notice.

use super::mutant::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "an interruption is told as a triple fault",
        file: "tests/lab/host/src/end.rs",
        original: "(Some(ENDED_BY_QEMU), Some(\"host-signal\")) => Self::Interrupted,",
        broken: "(Some(ENDED_BY_QEMU), Some(\"host-signal\")) => stopped(\"a triple fault\"),",
        caught_by: "endings::f12_a_qemu_that_was_asked_to_end_was_interrupted",
    },
    Mutant {
        name: "the end of a machine is told twice",
        file: "tests/lab/host/src/main.rs",
        original: "code == cli::SUCCESS || !lab.is_gone()",
        broken: "code == cli::SUCCESS || !lab.is_gone() || true",
        caught_by: "endings::f12_a_machine_that_ends_during_a_command_is_reported_once",
    },
    Mutant {
        name: "Ctrl-C is nobody's business",
        file: "tests/lab/host/src/main.rs",
        original: "        listen(&options.interrupted)?;\n",
        broken: "        let _ = listen;\n",
        caught_by: "endings::f12_a_lab_that_is_asked_to_end_ends_its_machine",
    },
];
