//! How `ringcopy-lab` reports that its virtual machine ended: field case F12. QEMU is a script here
//! that ends as the real one would. `lab_endings` has the real one.

#![forbid(unsafe_code)]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    thread,
    time::Duration,
};

use ringcopy_lab::scripted_qemu::{GUEST_RESET, HOST_SIGNAL, ScriptedQemu, booted};

/// Runs until a signal asks it to end, as QEMU does. Its input ends with the lab.
const UNTIL_ASKED: &str = r#"
    trap 'echo "{\"event\": \"SHUTDOWN\", \"data\": {\"reason\": \"host-signal\"}}"; exit 0' INT TERM
    echo started >&2
    while read -r order; do :; done
    read -r never"#;

const INTERRUPTED: &str = "interrupted: ";

fn qemu() -> &'static ScriptedQemu {
    static QEMU: OnceLock<ScriptedQemu> = OnceLock::new();
    QEMU.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("endings");
        ScriptedQemu::write(&folder).unwrap()
    })
}

fn lab(script: &str) -> Command {
    let mut lab = qemu().program(env!("CARGO_BIN_EXE_ringcopy-lab"), "--image", script);
    lab.stdout(Stdio::piped()).stderr(Stdio::piped());
    lab
}

/// Runs a command in a lab whose QEMU is a script. Returns standard error.
fn said(qemu: &str) -> String {
    failure(&lab(qemu).args(["--", "info"]).output().unwrap())
}

/// Returns the standard error of a lab that failed: one sentence, and maybe lines of a log after
/// it.
fn failure(output: &Output) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{said}");
    let sentences = said.lines().filter(|line| line.starts_with("ringcopy"));
    assert_eq!(sentences.count(), 1, "{said}");
    said
}

fn is_interrupted_alone(said: &str) {
    assert_eq!(said.matches(INTERRUPTED).count(), 1, "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
}

#[test]
fn a_qemu_that_was_asked_to_end_was_interrupted() {
    is_interrupted_alone(&said(HOST_SIGNAL));
}

#[test]
fn each_end_is_reported_once() {
    for (end, sentence) in [
        (GUEST_RESET, "a triple fault"),
        ("kill -KILL $$", "QEMU was killed"),
        ("exit 0", "did not say why); it said nothing"),
    ] {
        let said = said(end);
        assert_eq!(said.matches(sentence).count(), 1, "{said}");
    }
}

#[test]
fn a_failed_qemu_is_quoted() {
    let said = said("echo qemu: no such accelerator >&2; exit 1");
    assert!(said.contains("QEMU failed (exit code 1)"), "{said}");
    assert!(said.ends_with("qemu: no such accelerator\n"), "{said}");
}

#[test]
fn a_missing_qemu_is_named() {
    let mut lab = lab("");
    lab.env("RINGCOPY_QEMU", "/no-qemu");
    let said = failure(&lab.args(["--", "info"]).output().unwrap());
    assert!(said.contains("no-qemu: No such file"), "{said}");
    assert!(said.contains("install QEMU"), "{said}");
}

#[test]
fn a_machine_that_ends_during_a_command_is_reported_once() {
    for (end, sentence) in [
        (HOST_SIGNAL, INTERRUPTED),
        (GUEST_RESET, "a triple fault"),
        ("kill -KILL $$", "QEMU was killed"),
        ("exit 1", "exit code 1"),
    ] {
        let said = said(&(booted() + end));
        assert_eq!(said.matches(sentence).count(), 1, "{said}");
    }
}

#[test]
fn a_document_names_the_interruption() {
    let output = lab(HOST_SIGNAL).args(["--", "info", "--json"]).output();
    let output = output.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let error = document["error"].as_str().unwrap();
    assert!(error.starts_with(INTERRUPTED), "{error}");
}

/// A lab that runs, in a process group of its own, whose leader it is.
fn running() -> (Child, BufReader<impl Read>) {
    let mut lab = lab(UNTIL_ASKED);
    let mut lab = lab
        .process_group(0)
        .args(["--verbose", "--", "info"])
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(lab.stderr.take().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    assert_eq!(line, "started\n");
    (lab, errors)
}

fn ends_interrupted(signal: &str, of: impl Fn(u32) -> String) {
    let (lab, mut errors) = running();
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{signal} {}", of(lab.id()))])
        .status();
    assert!(sent.unwrap().success());
    let mut output = lab.wait_with_output().unwrap();
    errors.read_to_end(&mut output.stderr).unwrap();
    is_interrupted_alone(&failure(&output));
}

#[test]
fn ctrl_c_is_an_interruption() {
    // A terminal sends it to the whole group.
    ends_interrupted("INT", |process| format!("-{process}"));
}

#[test]
fn a_lab_that_is_asked_to_end_ends_its_machine() {
    for signal in ["TERM", "INT", "HUP"] {
        ends_interrupted(signal, |process| process.to_string());
    }
}

#[test]
fn a_lab_that_is_killed_leaves_no_qemu() {
    let mut lab = lab(r#"echo "$$" >&2; exec sleep 60"#);
    let mut lab = lab.args(["--verbose", "--", "info"]).spawn().unwrap();
    let mut qemu = String::new();
    let mut errors = BufReader::new(lab.stderr.take().unwrap());
    errors.read_line(&mut qemu).unwrap();
    let state = Path::new("/proc").join(qemu.trim()).join("stat");
    assert!(state.exists());
    lab.kill().unwrap();
    lab.wait().unwrap();
    // A process that ended and that nothing has waited for is a zombie.
    let runs = || fs::read_to_string(&state).is_ok_and(|stat| !stat.contains(") Z "));
    for _ in 0..1000 {
        if !runs() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("QEMU still runs");
}
