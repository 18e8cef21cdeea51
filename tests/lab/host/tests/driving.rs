//! What the program for any driver says when it cannot drive one. QEMU is a script.

use std::{path::Path, process::Command, sync::OnceLock};

use ringcopy_lab::scripted_qemu::{GUEST_RESET, HOST_SIGNAL, ScriptedQemu};

/// The program, in a lab whose QEMU is a script.
fn driving(script: &str) -> Command {
    static QEMU: OnceLock<ScriptedQemu> = OnceLock::new();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("driving");
    let qemu = QEMU.get_or_init(|| ScriptedQemu::write(&folder).unwrap());
    qemu.program(env!("CARGO_BIN_EXE_lab"), "--driver", script)
}

#[test]
fn loading_another_driver_is_interrupted() {
    let output = driving(HOST_SIGNAL).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "lab: interrupted\n"
    );
}

#[test]
fn a_driver_that_cannot_be_driven_so_is_told_in_a_sentence() {
    for (arguments, sentence) in [
        (&["--read", "4"][..], "--device <NAME>"),
        (
            &["--device", "x", "--read", "1", "--write", "00"],
            "cannot be used with",
        ),
        (
            &["--device", "x", "--ioctl", "code"],
            "lab: invalid value 'code' for '<CODE>'",
        ),
        (
            &["--device", "x", "--write", "0"],
            "lab: invalid value '0' for '<BYTES>'",
        ),
        (
            &["--device", "x", "--write", "@no-such-file"],
            "lab: no-such-file: No such file",
        ),
        (
            &["--script", "no-such-file"],
            "lab: no-such-file: No such file",
        ),
        (&["--parameter", "Mode"], "NAME=VALUE is needed"),
        (
            &["--driver", "no-such.sys"],
            "cannot be used multiple times",
        ),
    ] {
        let output = driving(HOST_SIGNAL).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(said.contains(sentence), "{arguments:?}: {said}");
    }
}

/// Exit code 1, and everything as one document.
#[test]
fn what_was_wrong_is_data() {
    let mut driving = driving(GUEST_RESET);
    let output = driving.arg("--json").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["clean"], false);
    assert_eq!(document["verdicts"][0]["name"], "stopped");
    assert_eq!(document["verdicts"][0]["text"], "a triple fault");
}
