//! The guards of the client, each with the one of its own tests that must notice.

use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a disagreement is told one byte too far",
        file: "crates/client/src/verify/compare.rs",
        original: "byte: byte.map(|byte| byte as u64),",
        broken: "byte: byte.map(|byte| byte as u64 + 1),",
        caught_by: "commands::verify::every_byte_of_a_piece_is_compared",
    },
    Mutant {
        name: "the last byte of a piece is not compared",
        file: "crates/client/src/verify/compare.rs",
        original: "self.answer() == other.answer() && self.bytes == other.bytes",
        broken: "self.answer() == other.answer()\n            \
                 && self.bytes.split_last().map(|(_, rest)| rest)\n                \
                 == other.bytes.split_last().map(|(_, rest)| rest)",
        caught_by: "commands::verify::every_byte_of_a_piece_is_compared",
    },
    Mutant {
        name: "a read goes on in what holds other memory",
        file: "crates/client/src/cli/read/output.rs",
        original: "        if earlier != *request {",
        broken: "        if false && earlier != *request {",
        caught_by: "commands::resume::a_read_goes_on_where_it_stopped_and_loses_nothing",
    },
    Mutant {
        name: "a read goes on in a file that is too long for it",
        file: "crates/client/src/cli/read/output.rs",
        original: "        if written > request.total() {",
        broken: "        if false && written > request.total() {",
        caught_by: "commands::resume::a_file_that_grew_by_itself_is_not_gone_on_with",
    },
    Mutant {
        name: "a read begins anew where it could go on",
        file: "crates/client/src/cli/read/output.rs",
        original: "            (Some(text), true) => output.go_on(&text, &request),",
        broken: "            (Some(_), true) => output.start(&request),",
        caught_by: "commands::resume::a_read_that_went_on_is_told_as_one",
    },
    Mutant {
        name: "an unfinished read is written over",
        file: "crates/client/src/cli/read/output.rs",
        original: "            (Some(_), false) if fs::metadata",
        broken: "            (Some(_), false) if false && fs::metadata",
        caught_by: "commands::resume::a_read_goes_on_where_it_stopped_and_loses_nothing",
    },
    Mutant {
        name: "a hole is zeros that nobody knows of",
        file: "crates/client/src/cli/read/output.rs",
        original: "            put_line(sidecar, &line)\n",
        broken: "            put_line(sidecar, &\"\").map(|()| drop(line))\n",
        caught_by: "commands::resume::a_read_that_went_on_is_told_as_one",
    },
    Mutant {
        name: "a complete read leaves its sidecar behind",
        file: "crates/client/src/cli/read/output.rs",
        original: "        if let Some((_, path)) = sidecar {",
        broken: "        if let Some((_, path)) = sidecar.filter(|_| false) {",
        caught_by: "commands::resume::a_read_goes_on_where_it_stopped_and_loses_nothing",
    },
    Mutant {
        name: "an installation that failed leaves its service behind",
        file: "crates/client/src/machine/service.rs",
        original: "        done.push(Done::Service);\n",
        broken: "",
        caught_by: "installation::an_installation_that_fails_or_is_interrupted_changes_nothing",
    },
    Mutant {
        name: "somebody else's service is uninstalled",
        file: "crates/client/src/machine/service.rs",
        original: "    let service = own_service(machine)?;\n    if let Some(service) = &service {",
        broken: "    let service = machine.service()?;\n    if let Some(service) = &service {",
        caught_by: "installation::a_service_of_somebody_elses_is_left_alone",
    },
    Mutant {
        name: "a policy keeps bits that nobody knows",
        file: "crates/client/src/machine/policy.rs",
        original: "Reach::from_bits_truncate(reach)",
        broken: "Reach::from_bits_retain(reach)",
        caught_by: "machine_commands::a_policy_that_is_set_has_no_bits_that_nobody_knows",
    },
    Mutant {
        name: "what is not as it has to be is found well",
        file: "crates/client/src/cli/doctor.rs",
        original: "    let verdict = if fact == wanted {",
        broken: "    let verdict = if fact == wanted || true {",
        caught_by: "machine_commands::what_is_missing_is_named_with_what_to_do",
    },
    Mutant {
        name: "nobody looks at Verifier's settings after a restart",
        file: "crates/client/src/vm_test/mod.rs",
        original: "        if !verifier::names_driver(&settings) {",
        broken: "        if false && !verifier::names_driver(&settings) {",
        caught_by: "under_verifier::settings_that_a_restart_did_not_keep_are_found",
    },
    Mutant {
        name: "allocations that will fail are not waited for",
        file: "crates/client/src/vm_test/verifier.rs",
        original: "Duration::from_mins(QUIET_MINUTES)",
        broken: "Duration::from_mins(QUIET_MINUTES - 1)",
        caught_by: "under_verifier::low_resources_are_waited_for",
    },
    Mutant {
        name: "a step that fails takes the report with it",
        file: "crates/client/src/vm_test/mod.rs",
        original: "                self.find(format!(\"{name}: {sentence}\"));\n",
        broken: "                return Err(Failure(sentence));\n",
        caught_by: "under_verifier::an_engine_that_is_not_in_use_is_skipped_and_one_that_failed_is_found",
    },
    Mutant {
        name: "a step is not written down before it is taken",
        file: "crates/client/src/vm_test/mod.rs",
        original: "        self.progress.running = Some(name.into());\n        self.save()?;\n",
        broken: "        self.progress.running = Some(name.into());\n",
        caught_by: "under_verifier::each_step_is_written_down_before_it_is_taken",
    },
    Mutant {
        name: "Verifier stays on at the end",
        file: "crates/client/src/vm_test/verifier.rs",
        original: "    run(machine, &[\"/reset\"], &[0, 2])",
        broken: "    run(machine, &[\"/querysettings\"], &[0, 2])",
        caught_by: "under_verifier::two_restarts_lead_to_a_report_and_nothing_is_left",
    },
];
