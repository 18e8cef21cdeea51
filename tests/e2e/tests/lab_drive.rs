//! Driving any driver: what is asked of it comes back, and what is wrong with it is named.

#![forbid(unsafe_code)]

use std::{fs, path::Path, path::PathBuf, time::Duration};

use ringcopy_client::protocol::NtStatus;
use ringcopy_lab::{
    Options, RegistryValue,
    drive::{Outcome, Plan, Verdict, drive, parse_script},
    small_image::SmallImage,
};
use ringcopy_tests::artefact;

/// The first control code of the test driver's services, and of its mistakes; `METHOD_BUFFERED`.
const SERVICE: u32 = 0x22_2000;
const MISTAKE: u32 = SERVICE + 0x20 * 4;

fn test_driver() -> PathBuf {
    artefact("RINGCOPY_LAB_TEST_DRIVER")
}

/// Drives a driver by a script.
fn driven(driver: PathBuf, script: &str, change: impl FnOnce(&mut Options)) -> Outcome {
    let images = [artefact("RINGCOPY_WDFLDR"), driver];
    let mut options = Options {
        stub_missing: true,
        processors: 1,
        ..Options::new(artefact("RINGCOPY_LAB_KERNEL"), images)
    };
    change(&mut options);
    let plan = Plan {
        options,
        steps: parse_script(script, Path::new("")).unwrap(),
        token: ringcopy_tests::PRIVILEGED,
    };
    drive(&plan, |_| {}, |_| {}).unwrap()
}

/// Drives the test driver. The script starts after its device was opened.
fn test_driven(script: &str) -> Outcome {
    driven(test_driver(), &format!("open LabTest\n{script}"), |_| {})
}

/// Drives the test driver with a value of its key `Parameters`.
fn started_with(mode: u32, patience: Option<Duration>) -> Outcome {
    driven(test_driver(), "", |options| {
        options.values.push(RegistryValue::number("Mode", mode));
        options.patience = patience.unwrap_or(options.patience);
    })
}

/// Drives a small image that is made for one test.
fn small(name: &str, image: &SmallImage) -> Outcome {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("small-images");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name).with_extension("sys");
    fs::write(&path, image.bytes()).unwrap();
    driven(path, "", |_| {})
}

fn names(outcome: &Outcome) -> Vec<&'static str> {
    outcome.verdicts.iter().map(Verdict::name).collect()
}

/// The only verdict, as text.
fn only(outcome: &Outcome, name: &str) -> String {
    assert_eq!(names(outcome), [name], "{}", outcome.summary());
    outcome.verdicts[0].to_string()
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn what_is_asked_of_a_driver_comes_back() {
    let outcome = test_driven(
        "ioctl 0x222000 --input 01020304 --output-length 16\n\
         ioctl 0x222002 --input 0506 --output-length 16\n\
         open LabTest --as other --access read\n\
         write 0a0b0c --on LabTest\nread 16 --on other\nwrite 00 --on other\nclose other\n\
         ioctl 0x222000 --input 01\nioctl 0x2221fc",
    );
    assert!(outcome.is_clean(), "{}", outcome.summary());
    let results: Vec<_> = outcome
        .steps
        .iter()
        .map(|done| (done.status, done.output.as_slice()))
        .collect();
    let success = |output: &'static [u8]| (NtStatus::SUCCESS, output);
    let expected = [
        success(&[]),
        success(&[1, 2, 3, 4]),
        success(&[5, 6]),
        success(&[]),
        success(&[]),
        success(&[10, 11, 12]),
        (NtStatus::ACCESS_DENIED, &[]),
        success(&[]),
        success(&[]),
        (NtStatus::INVALID_DEVICE_REQUEST, &[]),
    ];
    assert_eq!(results, expected);
}

/// The clock moves when everything waits, and by no more than is asked for.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn timers_work_items_and_threads_run_and_end() {
    let outcome = test_driven(
        "ioctl 0x222004\nioctl 0x222008\nioctl 0x22200c --output-length 8\n\
         ioctl 0x222010\nwait 95ms\nioctl 0x222014 --output-length 8\n\
         ioctl 0x222014 --output-length 8",
    );
    assert!(outcome.is_clean(), "{}", outcome.summary());
    let number = |value: u64| value.to_le_bytes();
    // A thread counts three waits of 10 ms in 35; a timer of 10 ms expires nine times in 95.
    assert_eq!(outcome.steps[3].output, number(3));
    assert_eq!(outcome.steps[6].output, number(9));
    assert_eq!(outcome.steps[7].output, number(9));
}

/// A wait for all of two events takes neither if one is not set, and one for any takes the first.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_wait_for_several_objects_ends_with_any_or_all() {
    let outcome = test_driven("ioctl 0x22201c --output-length 24");
    assert!(outcome.is_clean(), "{}", outcome.summary());
    let timeout = NtStatus::TIMEOUT.0;
    let statuses = [timeout, 1, timeout, 0, 0, timeout].map(u32::to_le_bytes);
    assert_eq!(outcome.steps[1].output, statuses.concat());
}

/// One line is a frame of several pages, which `__chkstk` touches in turn.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_driver_may_use_strings_and_large_frames() {
    let outcome = test_driven(
        "ioctl 0x222020 --output-length 48\n\
         ioctl 0x222020 --input 33221100554477668899aabbccddeeff636166e900 --output-length 128\n\
         ioctl 0x222024 --output-length 8",
    );
    assert!(outcome.is_clean(), "{}", outcome.summary());
    let output = |step: usize| outcome.steps[step].output.as_slice();
    let (numbers, []) = output(1).as_chunks::<4>() else {
        panic!("{:?}", outcome.steps[1])
    };
    let numbers: Vec<_> = numbers
        .iter()
        .map(|bytes| i32::from_le_bytes(*bytes))
        .collect();
    assert_eq!(numbers, [3, 4, -1, 0, 3, 4, 1, 0, 1, 1, -1, 0]);
    let text = "Lab-BEEF{00112233-4455-6677-8899-AABBCCDDEEFF}caf\u{e9}";
    let text: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(output(2), text);
    assert_eq!(output(3), (3 * 512 * 8_u64).to_le_bytes());
}

/// Twice: the file is deleted when it is closed. With one byte, the read begins at the end.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_driver_may_use_a_file() {
    let outcome = test_driven(
        "ioctl 0x222018 --input 0102030405 --output-length 16\n\
         ioctl 0x222018 --input 0607 --output-length 16\n\
         ioctl 0x222018 --input 08 --output-length 16",
    );
    assert!(outcome.is_clean(), "{}", outcome.summary());
    assert_eq!(outcome.steps[1].output, [2, 3, 4, 5]);
    assert_eq!(outcome.steps[2].output, [7]);
    assert_eq!(outcome.steps[3].status, NtStatus::END_OF_FILE);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn each_mistake_is_named() {
    const MISTAKES: [(u32, &str); 12] = [
        (1, "BAD_POOL_CALLER"),
        (2, "VIOLATION of PageableMemory"),
        (3, "VIOLATION of CompletedTwice"),
        (4, "VIOLATION of RequestCompleted"),
        (6, "KMODE_EXCEPTION_NOT_HANDLED"),
        (7, "UNEXPECTED_KERNEL_MODE_TRAP"),
        (8, "a driver waits for the event at"),
        (9, "TIMER_OR_DPC_INVALID"),
        (10, "VIOLATION of IrqlReturn"),
        (11, "0xDEAD (0x1, 0x2, 0x3, 0x4)"),
        (15, "was touched after the"),
        (16, "the stack's guard page was touched"),
    ];
    for (number, text) in MISTAKES {
        let outcome = test_driven(&format!("ioctl {:#x}", MISTAKE + number * 4));
        let crash = only(&outcome, "crash");
        assert!(crash.contains(text), "{number}: {crash}");
    }
}

/// Driver Verifier's own interval: user memory is away each time that the IRQL is raised.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn user_memory_is_away_while_the_irql_is_raised() {
    const NEITHER: u32 = 3;
    let code = MISTAKE + 17 * 4 + NEITHER;
    let script = format!("open LabTest\nioctl {code:#x} --output-length 8");
    let outcome = driven(test_driver(), &script, |options| options.trim_interval = 1);
    let crash = only(&outcome, "crash");
    assert!(crash.contains("VIOLATION of UserMemory"), "{crash}");
}

/// A stack has the names of functions, from the PDB beside the image, or without one from the map.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_crash_has_a_stack_with_names() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("with-map");
    fs::create_dir_all(&folder).unwrap();
    for extension in ["sys", "map"] {
        let beside = test_driver().with_extension(extension);
        fs::copy(beside, folder.join("lab-test").with_extension(extension)).unwrap();
    }
    for (driver, texts) in [
        (
            test_driver(),
            &["free_twice", "mistakes.rs:", "dispatch"][..],
        ),
        (folder.join("lab-test.sys"), &["free_twice", "dispatch"]),
    ] {
        let script = format!("open LabTest\nioctl {:#x}", MISTAKE + 4);
        let outcome = driven(driver, &script, |_| {});
        let [Verdict::Crash(crash)] = outcome.verdicts.as_slice() else {
            panic!("{}", outcome.summary())
        };
        let stack = crash.stack.join("\n");
        for text in texts {
            assert!(stack.contains(text), "{text}: {stack}");
        }
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn what_is_left_is_told_with_tag_size_and_caller() {
    let outcome = test_driven(&format!("ioctl {MISTAKE:#x}"));
    let leak = only(&outcome, "leak");
    for text in ["100 bytes", "tag 'Leak'", "mistakes.rs:"] {
        assert!(leak.contains(text), "{leak}");
    }
    for (script, text) in [
        (vec![MISTAKE + 12 * 4], "work item: "),
        (
            vec![MISTAKE + 13 * 4],
            "thread: the one that runs lab-test+",
        ),
        (
            vec![SERVICE + 4 * 4, MISTAKE + 14 * 4],
            "timer: the periodic one at",
        ),
    ] {
        let lines: Vec<_> = script
            .iter()
            .map(|code| format!("ioctl {code:#x}"))
            .collect();
        let outcome = test_driven(&lines.join("\n"));
        let named = outcome
            .verdicts
            .iter()
            .any(|verdict| matches!(verdict, Verdict::Leak(line) if line.contains(text)));
        assert!(named, "{text}: {}", outcome.summary());
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_driver_that_does_not_start_or_stop_is_told() {
    let failed = started_with(1, None);
    assert!(only(&failed, "start-failed").contains("STATUS_UNSUCCESSFUL"));
    only(&started_with(2, None), "no-unload");
    let leaking = started_with(4, None);
    assert_eq!(
        names(&leaking),
        ["start-failed", "leak"],
        "{}",
        leaking.summary()
    );
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_driver_that_does_not_return_is_told_with_its_place() {
    let outcome = started_with(3, Some(Duration::from_secs(2)));
    let text = only(&outcome, "no-return");
    assert!(
        text.contains("hang") && text.contains("DriverEntry"),
        "{text}"
    );
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_step_that_cannot_be_carried_out_says_why() {
    let outcome = driven(test_driver(), "open Other", |_| {});
    let text = only(&outcome, "step-not-done");
    assert!(text.contains(r"device: \Device\LabTest"), "{text}");
    let outcome = driven(test_driver(), "read 1", |_| {});
    assert!(only(&outcome, "step-not-done").ends_with("no handle is open"));
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn every_missing_import_is_named_at_once() {
    let imports: Vec<_> = (0..500)
        .map(|number| format!("NoSuchFunction{number}"))
        .collect();
    let image = SmallImage {
        imports,
        calls_import: true,
        ..SmallImage::default()
    };
    let outcome = small("many-imports", &image);
    let missing = outcome.verdicts.iter().filter_map(|verdict| match verdict {
        Verdict::MissingImport(name) => Some(name.as_str()),
        _ => None,
    });
    let expected = (0..500)
        .map(|number| format!("ntoskrnl.exe!NoSuchFunction{number} (for many-imports.sys)"));
    assert!(missing.eq(expected), "{}", outcome.summary());
    let Some(Verdict::Crash(crash)) = outcome.verdicts.last() else {
        panic!("{}", outcome.summary())
    };
    let rule = crash.rule.as_deref().unwrap_or_default();
    let called = "the missing import ntoskrnl.exe!NoSuchFunction499 was called";
    assert!(rule.contains(called), "{rule}");
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn an_image_that_is_no_driver_is_refused_with_the_reason() {
    for (name, machine, subsystem, text) in [
        ("arm", 0xAA64, 1, "it is for 64-bit Arm, and the lab is x64"),
        ("x86", 0x014C, 1, "it is for 32-bit x86, and the lab is x64"),
        (
            "program",
            0x8664,
            3,
            "it is a program or library of user mode, and no driver",
        ),
    ] {
        let image = SmallImage {
            machine,
            subsystem,
            ..SmallImage::default()
        };
        assert_eq!(only(&small(name, &image), "image-refused"), text);
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("small-images");
    for (name, bytes, text) in [
        ("text", &b"no image"[..], "it is no PE image"),
        (
            "elf",
            b"\x7FELF",
            "it is an ELF file, and a driver is a PE image",
        ),
        ("empty", b"", "it is no PE image"),
    ] {
        let path = folder.join(name).with_extension("sys");
        fs::create_dir_all(&folder).unwrap();
        fs::write(&path, bytes).unwrap();
        assert_eq!(only(&driven(path, "", |_| {}), "image-refused"), text);
    }
    // Cut off after each kilobyte, it is refused, or loads without its end.
    let whole = fs::read(test_driver()).unwrap();
    for length in (0..whole.len()).step_by(1024) {
        let path = folder.join("cut.sys");
        fs::write(&path, &whole[..length]).unwrap();
        let outcome = driven(path, "", |_| {});
        assert_eq!(
            names(&outcome),
            ["image-refused"],
            "{length}: {}",
            outcome.summary()
        );
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn what_windows_may_not_like_about_an_image_is_noted() {
    let image = SmallImage {
        has_tls: true,
        stack: 64 << 20,
        is_packed: true,
        ..SmallImage::default()
    };
    let outcome = small("odd", &image);
    only(&outcome, "no-unload");
    for (note, text) in outcome.notes.iter().zip([
        "no signature",
        "thread-local storage",
        "67108864 bytes of stack",
        "section UPX0 is writable and executable",
    ]) {
        assert!(note.contains(text), "{note}");
    }
    assert_eq!(outcome.notes.len(), 4, "{}", outcome.summary());
}

/// The project's own drivers, one of them with pointers in its input.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn drivers_on_and_without_the_framework_are_clean() {
    let ringcopy = driven(
        ringcopy_tests::driver(),
        "open RingCopy\nioctl 0x222000 --input 00 --output-length 8",
        |_| {},
    );
    assert!(ringcopy.is_clean(), "{}", ringcopy.summary());
    assert!(ringcopy.steps[1].status.is_error());
    let example = driven(
        artefact("RINGCOPY_EXAMPLE_DRIVER"),
        "open UserModeAccessors\nmemory four 01020304\n\
         ioctl 0x226003 --input &four,04000000,00000000 --output-length 16\n\
         ioctl 0x226003 --input 0000000000000080,04000000,00000000 --output-length 16",
        |_| {},
    );
    assert!(example.is_clean(), "{}", example.summary());
    let sum: Vec<u8> = [10_u64, 4]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    assert_eq!(example.steps[2].output, sum);
    assert_eq!(example.steps[3].status, NtStatus::ACCESS_VIOLATION);
}
