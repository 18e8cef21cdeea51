//! How the program reports that its virtual machine ended: field case F12. QEMU is a script here
//! that ends as the real one would. `lab_endings`, of the end-to-end tests, has the real one.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    thread,
    time::Duration,
};

use ringcopy_lab::small_image::SmallImage;
use ringcopy_lab_mailbox::{MAGIC, PHYSICAL_ADDRESS};

/// QEMU's last message and its exit code: `ShutdownCause` in "QEMU QMP Reference Manual".
const HOST_SIGNAL: &str =
    r#"echo '{"event": "SHUTDOWN", "data": {"guest": false, "reason": "host-signal"}}'; exit 0"#;
const GUEST_RESET: &str =
    r#"echo '{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}'; exit 0"#;

/// Runs until a signal asks it to end, as QEMU does. Its input ends with the lab.
const UNTIL_ASKED: &str = r#"
    trap 'echo "{\"event\": \"SHUTDOWN\", \"data\": {\"reason\": \"host-signal\"}}"; exit 0' INT TERM
    echo started >&2
    while read -r order; do :; done
    read -r never"#;

/// Makes the machine look like one that listens, with its driver loaded.
fn booted() -> String {
    let bytes = MAGIC.to_le_bytes().map(|byte| format!("\\{byte:03o}"));
    let magic = bytes.concat();
    format!(
        r#"for word; do case $word in *mem-path=*) memory="${{word##*mem-path=}}"; esac; done
        printf '{magic}' | dd of="$memory" bs=1 seek={PHYSICAL_ADDRESS} conv=notrunc 2>&-
        "#
    )
}

const INTERRUPTED: &str = "interrupted: ";

/// A folder with a script that stands in for QEMU, and with files that stand in for images. They
/// are written before the first program is started: a file cannot be run while it is open for
/// writing in a process that another thread has just forked.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("endings");
        fs::create_dir_all(&folder).unwrap();
        let qemu = folder.join("qemu");
        fs::write(&qemu, "#!/bin/sh\neval \"$AS_QEMU\"\n").unwrap();
        fs::set_permissions(&qemu, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.join("kernel"), "").unwrap();
        fs::write(folder.join("driver.sys"), SmallImage::default().bytes()).unwrap();
        folder
    })
}

fn lab(qemu: &str) -> Command {
    let folder = folder();
    let mut lab = Command::new(env!("CARGO_BIN_EXE_ringcopy-lab"));
    lab.arg("--kernel")
        .arg(folder.join("kernel"))
        .arg("--image")
        .arg(folder.join("driver.sys"))
        .env("RINGCOPY_QEMU", folder.join("qemu"))
        .env("AS_QEMU", qemu)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    lab
}

/// The program that drives any driver, in a lab whose QEMU is a script.
fn driving(qemu: &str) -> Command {
    let folder = folder();
    let mut driving = Command::new(env!("CARGO_BIN_EXE_lab"));
    driving
        .arg("--kernel")
        .arg(folder.join("kernel"))
        .arg("--driver")
        .arg(folder.join("driver.sys"))
        .env("RINGCOPY_QEMU", folder.join("qemu"))
        .env("AS_QEMU", qemu)
        .stdin(Stdio::null());
    driving
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
    let is_sentence = |line: &&str| line.starts_with("ringcopy") || line.starts_with("lab: ");
    let sentences = said.lines().filter(is_sentence);
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
    lab.env("RINGCOPY_QEMU", folder().join("no-qemu"));
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

#[test]
fn loading_another_driver_is_interrupted() {
    let said = failure(&driving(HOST_SIGNAL).output().unwrap());
    assert_eq!(said, "lab: interrupted\n");
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
