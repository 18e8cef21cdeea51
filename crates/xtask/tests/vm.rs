//! `cargo xtask vm test` with guests that are not Windows: the whole course, and each way to fail, which
//! ends in one sentence.

#![cfg(unix)]
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    reason = "the program runs in this process's environment, as a person runs it"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// Runs the test with a guest, and returns its output and the folder of its reports.
fn run(stand_in: &str, options: &[&str]) -> (Output, TempDir) {
    let reports = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["vm", "test", "--stand-in", stand_in, "--reports"])
        .arg(reports.path())
        .args(options)
        .output()
        .unwrap();
    (output, reports)
}

fn summary(reports: &TempDir) -> String {
    fs::read_to_string(reports.path().join("summary.txt")).unwrap()
}

/// Checks that the test failed, and that its last sentence says why.
fn fails(stand_in: &str, options: &[&str], why: &str) -> TempDir {
    let (output, reports) = run(stand_in, options);
    assert!(!output.status.success(), "{stand_in}");
    let error = String::from_utf8(output.stderr).unwrap();
    let sentence = error.lines().last().unwrap_or_default();
    assert!(sentence.starts_with("error: "), "{stand_in}: {error}");
    assert!(sentence.contains(why), "{stand_in}: {error}");
    reports
}

#[test]
fn a_good_guest_goes_through_the_whole_course() {
    for stand_in in ["good", "garbles"] {
        let (output, reports) = run(stand_in, &[]);
        let (printed, errors) = (output.stdout, String::from_utf8(output.stderr).unwrap());
        let printed = String::from_utf8(printed).unwrap();
        assert!(output.status.success(), "{printed}{errors}");
        assert_eq!(
            printed.matches("the guest restarts").count(),
            2,
            "{printed}"
        );
        let summary = summary(&reports);
        for command in [
            "ringcopy install --trust-certificate",
            "ringcopy doctor",
            "ringcopy vm-test ",
            "ringcopy start",
            "ringcopy selftest",
            "ringcopy stop",
            "ringcopy uninstall",
        ] {
            assert_eq!(summary.matches(command).count(), 1, "{command}: {summary}");
        }
        assert!(summary.ends_with("passed\n"), "{summary}");
        let report = reports.path().join("ringcopy-vm-test.txt");
        assert!(fs::read_to_string(report).unwrap().contains("stand-in"));
    }
}

#[test]
fn a_test_without_restarts_says_so_to_the_guest() {
    let (output, reports) = run("good", &["--no-restart"]);
    assert!(output.status.success());
    assert!(summary(&reports).contains("ringcopy vm-test --no-restart"));
    let printed = fs::read_to_string(reports.path().join("command-3.txt")).unwrap();
    assert!(printed.contains("no_restart: true"), "{printed}");
}

#[test]
fn a_failed_command_is_named_and_the_driver_uninstalled() {
    for (stand_in, how) in [
        ("finds", "exit code 1"),
        ("loses", "the machine stopped in it"),
    ] {
        let reports = fails(stand_in, &[], "failed: ringcopy vm-test");
        let summary = summary(&reports);
        assert!(summary.contains(how), "{summary}");
        assert!(summary.contains("ringcopy uninstall"), "{summary}");
        assert!(!summary.contains("ringcopy selftest"), "{summary}");
        assert!(reports.path().join("ringcopy-vm-test.json").is_file());
    }
}

#[test]
fn a_broken_guest_is_one_sentence() {
    for (stand_in, options, why) in [
        (
            "silent",
            &["--patience", "0"][..],
            "the guest has not responded",
        ),
        (
            "other-version",
            &[],
            "of the protocol, and this program version",
        ),
        ("dies", &[], "the virtual machine has ended"),
        ("restarts", &[], "the guest restarts again and again"),
        ("prints", &[], "the guest prints without end"),
        ("babbles", &[], "MiB without a message"),
    ] {
        let reports = fails(stand_in, options, why);
        assert!(summary(&reports).contains(why), "{stand_in}");
    }
}

#[test]
fn a_machine_that_does_not_start_is_one_sentence() {
    fails(
        "no-start",
        &[],
        "the virtual machine did not start (exit status: 1): no such disk",
    );
}

#[test]
fn a_guest_does_not_fill_the_disk() {
    let (output, reports) = run("fills", &[]);
    assert!(output.status.success());
    assert!(!reports.path().join("MEMORY.DMP").exists());
    let report = reports.path().join("ringcopy-vm-test.txt");
    assert_eq!(fs::metadata(report).unwrap().len(), 1 << 20);
}

/// Less memory than the default, which a test's machine may lack.
const SMALL: [&str; 2] = ["--memory", "2048"];

/// Runs `vm create` with a disc, and returns the sentence with which it ends.
fn refused(disc: &Path, options: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("windows.qcow2");
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["vm", "create", "--iso"]).arg(disc);
    command.arg("--image").arg(&image).args(options);
    let sentence = sentence_of(&mut command);
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "nothing half-made stays");
    sentence
}

/// Runs a command that has to fail, and returns its last sentence.
fn sentence_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    error.lines().last().unwrap_or_default().to_owned()
}

/// Checks the sentence of a machine whose guest does not respond. A host that is short of memory or of disk
/// says that.
fn does_not_respond(sentence: &str) {
    let expected = [
        "the guest has not responded",
        "MiB of memory are available",
        "MiB left",
    ];
    let found = expected.iter().any(|words| sentence.contains(words));
    assert!(found, "{sentence}");
}

#[test]
fn a_machine_that_windows_does_not_fit_on_is_one_sentence() {
    for (options, why) in [
        (["--memory", "1024"], "pass --memory 2048 or more"),
        (["--disk", "16"], "pass --disk 32 or more"),
    ] {
        let sentence = refused(Path::new("/dev/null"), &options);
        assert!(sentence.contains(why), "{sentence}");
    }
}

/// Makes a disc with these files.
fn disc(folder: &Path, files: &[(&str, &[u8])]) -> PathBuf {
    let contents = folder.join("contents");
    for (name, bytes) in files {
        let file = contents.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
    let disc = folder.join("disc.iso");
    let made = Command::new("xorriso")
        .args(["-as", "mkisofs", "-quiet", "-J", "-r", "-o"])
        .arg(&disc)
        .arg(&contents)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    disc
}

/// Returns an image of Windows with one edition, and nothing to install: the header, and the description
/// of its contents right after it.
fn image(edition: &str) -> Vec<u8> {
    let text = format!("<WIM><IMAGE INDEX=\"1\"><NAME>{edition}</NAME></IMAGE></WIM>");
    let text: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut image = vec![0; 208];
    image[..8].copy_from_slice(b"MSWIM\0\0\0");
    image[72..80].copy_from_slice(&(text.len() as u64).to_le_bytes());
    image[80..88].copy_from_slice(&208_u64.to_le_bytes());
    image.extend(text);
    image
}

#[test]
#[ignore = "needs xorriso and 7z: cargo xtask test runs it"]
fn a_disc_that_is_none_of_windows_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.iso");
    fs::write(&text, "not a disc").unwrap();
    let other = disc(folder.path(), &[("readme.txt", b"of another system")]);
    for disc in [&text, &other] {
        let sentence = refused(disc, &SMALL);
        assert!(
            sentence.contains("is no installation disc of Windows"),
            "{sentence}"
        );
    }
    let sentence = refused(&folder.path().join("missing.iso"), &SMALL);
    assert!(sentence.contains("missing.iso is no file"), "{sentence}");
}

#[test]
#[ignore = "needs xorriso and 7z: cargo xtask test runs it"]
fn an_edition_that_the_disc_lacks_is_one_sentence_with_those_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let image = image("Windows Server 2022 Standard");
    let disc = disc(folder.path(), &[("sources/install.wim", &image)]);
    let sentence = refused(&disc, &[SMALL[0], SMALL[1], "--edition", "Windows 7"]);
    assert!(
        sentence.contains("it has no edition \"Windows 7\", but \"Windows Server 2022 Standard\""),
        "{sentence}"
    );
}

/// Makes a folder that passes for a package.
fn package(folder: &Path) -> String {
    let package = folder.join("package");
    fs::create_dir(&package).unwrap();
    fs::write(package.join("ringcopy.exe"), "not started").unwrap();
    package.to_str().unwrap().to_owned()
}

/// QEMU starts, and finds nothing that boots.
#[test]
#[ignore = "needs QEMU, xorriso and 7z: cargo xtask test runs it"]
fn an_installation_that_never_ends_leaves_no_image() {
    let folder = tempfile::tempdir().unwrap();
    let package = package(folder.path());
    let disc = disc(folder.path(), &[("sources/install.wim", &image("A"))]);
    let options = [SMALL[0], SMALL[1], "--patience", "0", "--package", &package];
    does_not_respond(&refused(&disc, &options));
}

#[test]
#[ignore = "needs QEMU and xorriso: cargo xtask test runs it"]
fn a_machine_that_never_responds_leaves_its_image_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("windows.qcow2");
    let made = Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2"])
        .arg(&image)
        .arg("1G")
        .status();
    assert!(made.unwrap().success());
    let before = fs::read(&image).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["vm", "test", "--patience", "0", "--package"]);
    command.arg(package(folder.path())).args(SMALL);
    command.arg("--image").arg(&image);
    command.arg("--reports").arg(folder.path().join("reports"));
    does_not_respond(&sentence_of(&mut command));
    assert!(fs::read(&image).unwrap() == before, "the image has changed");
}
