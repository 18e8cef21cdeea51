//! What the client says about memory that the real driver refuses: field cases F15 and F16.

#![forbid(unsafe_code)]

use ringcopy_client::{
    Transport, TransportError,
    cli::{self, Console},
    protocol::Reach,
};
use ringcopy_lab::Lab;
use ringcopy_tests::{PRIVILEGED, boot, finish};

/// What a command says on standard error, in a lab that allows all.
fn said(lab: &Lab, command: &[&str]) -> String {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = cli::run(
        std::iter::once(&"ringcopy").chain(command),
        &mut Console {
            out: &mut out,
            err: &mut err,
            input: &mut std::io::empty(),
            terminal: false,
            progress: false,
        },
        &mut || Ok::<_, TransportError>(Box::new(lab.process(PRIVILEGED)?) as Box<dyn Transport>),
    );
    let said = String::from_utf8(err).unwrap();
    assert_eq!(code, cli::FAILURE, "{command:?}: {said}");
    said
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn f15_advice_fits_the_kind_of_memory() {
    let lab = boot(Reach::all());
    let virtual_memory = ["0xffff900000000000", "0x10000", "0x0000900000000000"];
    for engine in ["native", "system"] {
        for address in virtual_memory {
            let said = said(
                &lab,
                &[
                    "read",
                    "--engine",
                    engine,
                    "--virtual",
                    address,
                    "--length",
                    "16",
                ],
            );
            assert!(!said.contains("`ringcopy ranges`"), "{address}: {said}");
            assert!(!said.contains(" 0 bytes before"), "{address}: {said}");
        }
        let said = said(
            &lab,
            &[
                "read",
                "--engine",
                engine,
                "--physical",
                "0xa0000",
                "--length",
                "16",
            ],
        );
        assert!(said.contains("no RAM at 0xa0000"), "{said}");
        assert!(said.contains("`ringcopy ranges`"), "{said}");
    }
    let said = said(
        &lab,
        &["read", "--virtual", "0x0000900000000000", "--length", "1"],
    );
    assert!(said.contains("neither user memory nor"), "{said}");
    finish(lab);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn f16_memory_that_runs_out_has_a_name_and_advice() {
    let lab = boot(Reach::all());
    let said = said(&lab, &["copy", "--length", "64MiB"]);
    assert!(said.contains("STATUS_NO_MEMORY"), "{said}");
    assert!(said.contains("ask for fewer bytes"), "{said}");
    assert!(!said.contains("0x"), "{said}");
    finish(lab);
}
