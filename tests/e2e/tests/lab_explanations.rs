//! What the client says about memory that the real driver refuses: field cases F15 and F16.

#![forbid(unsafe_code)]

use ringcopy_client::{cli, protocol::Reach};
use ringcopy_lab::Lab;
use ringcopy_tests::{boot, run_client};

/// Runs a command that has to fail. Returns what it writes on standard error.
fn failure(lab: &Lab, command: &str) -> String {
    let run = run_client(lab, command, None);
    assert_eq!(run.code, cli::FAILURE, "{command}: {}", run.err);
    run.err
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn advice_fits_the_kind_of_memory() {
    let lab = boot(Reach::all());
    for engine in ["native", "system"] {
        let read = format!("read --engine {engine} --length 16");
        for address in ["0xffff900000000000", "0x10000", "0x0000900000000000"] {
            let said = failure(&lab, &format!("{read} --virtual {address}"));
            assert!(!said.contains("`ringcopy ranges`"), "{address}: {said}");
            assert!(!said.contains(" 0 bytes before"), "{address}: {said}");
        }
        let said = failure(&lab, &format!("{read} --physical 0xa0000"));
        assert!(said.contains("no RAM at 0xa0000"), "{said}");
        assert!(said.contains("`ringcopy ranges`"), "{said}");
    }
    let said = failure(&lab, "read --virtual 0x0000900000000000 --length 1");
    assert!(said.contains("neither user memory nor"), "{said}");
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn memory_that_runs_out_has_a_name_and_advice() {
    let lab = boot(Reach::all());
    let said = failure(&lab, "copy --length 64MiB");
    assert!(said.contains("STATUS_NO_MEMORY"), "{said}");
    assert!(said.contains("ask for fewer bytes"), "{said}");
    assert!(!said.contains("0x"), "{said}");
}
