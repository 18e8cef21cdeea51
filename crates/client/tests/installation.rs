//! Installing, loading and uninstalling, on a system on paper: repeated, failing at every step,
//! interrupted at every step.

#![cfg(feature = "program")]
#![forbid(unsafe_code)]

mod folder;
#[path = "simulated/system/mod.rs"]
mod system;

use std::{collections::BTreeMap, fs, time::Duration};

use folder::Folder;
use ringcopy_client::machine::{Failure, Installed, Package, install, start, stop, uninstall};
use system::{Disk, OtherProgram, PLACE, SimulatedSystem, UNKNOWN, hash_of};

/// A folder with a package in it.
fn packaged(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("ringcopy.sys", "MZ driver");
    folder.write("ringcopy.cer", "certificate");
    folder
}

fn package(folder: &Folder, trust_certificate: bool) -> Package {
    Package {
        folder: folder.at().into(),
        trust_certificate,
    }
}

#[test]
fn uninstalling_leaves_nothing_of_what_installing_made() {
    let folder = packaged("round-trip");
    for trust in [false, true] {
        let mut system = SimulatedSystem::default();
        let installed = install(&mut system, &package(&folder, trust));
        assert_eq!(installed, Ok(Installed::Now));
        assert_eq!(system.disk.service.as_deref(), Some(PLACE));
        assert_eq!(system.disk.image.as_deref(), Some(&b"MZ driver"[..]));
        assert_eq!(system.disk.parameters["Policy"], 0);
        assert_eq!(system.disk.certificates.len(), if trust { 2 } else { 0 });
        assert_eq!(start(&mut system), Ok(true));
        assert_eq!(uninstall(&mut system), Ok(true));
        assert_eq!(system.disk, Disk::default());
        assert_eq!(uninstall(&mut system), Ok(false));
    }
}

#[test]
fn each_command_can_be_repeated() {
    let folder = packaged("repeated");
    let mut system = SimulatedSystem::default();
    install(&mut system, &package(&folder, false)).unwrap();
    system.disk.parameters.insert("Policy".into(), 3);
    let again = install(&mut system, &package(&folder, false));
    assert_eq!(again, Ok(Installed::Already));
    assert_eq!(system.disk.parameters["Policy"], 3, "a policy stays");
    assert_eq!(start(&mut system), Ok(true));
    assert_eq!(start(&mut system), Ok(false));
    assert_eq!(stop(&mut system), Ok(true));
    assert_eq!(stop(&mut system), Ok(false));
    assert_eq!(system.starts, 1);
}

#[test]
fn another_build_replaces_the_image_of_a_driver_that_is_not_loaded() {
    let folder = packaged("update");
    let mut system = SimulatedSystem::installed();
    system.disk.image = Some(b"MZ older".to_vec());
    system.disk.parameters.insert("Policy".into(), 2);
    system.disk.running = true;
    let before = system.disk.clone();
    let refused = install(&mut system, &package(&folder, false)).unwrap_err();
    assert!(refused.0.contains("`ringcopy stop`"), "{refused}");
    assert_eq!(system.disk, before);
    system.disk.running = false;
    let updated = install(&mut system, &package(&folder, false));
    assert_eq!(updated, Ok(Installed::Updated));
    assert_eq!(system.disk.parameters["Policy"], 2, "a policy stays");
    assert_eq!(system.disk.image.as_deref(), Some(&b"MZ driver"[..]));
}

#[test]
fn an_installation_that_fails_or_is_interrupted_changes_nothing() {
    let folder = packaged("undone");
    for older in [false, true] {
        let fresh = || {
            let mut system = SimulatedSystem::default();
            if older {
                system.disk.image = Some(b"MZ older".to_vec());
            }
            system
        };
        let before = fresh().disk;
        let (mut failures, mut interruptions) = (0, 0);
        for step in 0.. {
            let mut system = fresh();
            system.fail = Some((step, 112));
            let Err(failure) = install(&mut system, &package(&folder, true)) else {
                break;
            };
            assert_eq!(system.disk, before, "{failure}");
            assert!(failure.0.contains("the disk is full"), "{failure}");
            assert!(failure.0.contains("Nothing was changed"), "{failure}");
            failures += 1;
        }
        for look in 0.. {
            let mut system = fresh();
            system.interrupt_at.set(Some(look));
            let Err(failure) = install(&mut system, &package(&folder, true)) else {
                break;
            };
            assert_eq!(system.disk, before, "{failure}");
            assert!(failure.0.contains("interrupted"), "{failure}");
            interruptions += 1;
        }
        // Image, service, policy, and of two stores: whether it is there, note, certificate. A
        // look before each of the five, and after all.
        assert_eq!((failures, interruptions), (9, 6));
    }
}

/// The stores of a system, of which each has these.
fn trusting(hashes: &[String]) -> BTreeMap<String, Vec<String>> {
    ["Root", "TrustedPublisher"]
        .map(|store| (store.into(), hashes.to_vec()))
        .into()
}

#[test]
fn the_certificates_of_all_packages_go_with_the_driver() {
    let (first, second) = (packaged("first"), packaged("second"));
    second.write("ringcopy.cer", "another");
    let mut system = SimulatedSystem::default();
    for folder in [&first, &second] {
        install(&mut system, &package(folder, true)).unwrap();
    }
    let both = [hash_of(b"certificate"), hash_of(b"another")];
    assert_eq!(system.disk.certificates, trusting(&both));
    assert_eq!(uninstall(&mut system), Ok(true));
    assert_eq!(system.disk, Disk::default());
}

#[test]
fn a_certificate_noted_as_a_hash_alone_goes_too() {
    let folder = packaged("older-note");
    let older = hash_of(b"older");
    let mut system = SimulatedSystem::installed();
    system.disk.certificates = trusting(std::slice::from_ref(&older));
    system.disk.notes = [("TrustedCertificate".into(), older)].into();
    install(&mut system, &package(&folder, true)).unwrap();
    assert_eq!(uninstall(&mut system), Ok(true));
    assert_eq!(system.disk, Disk::default());
}

#[test]
fn what_the_machine_trusted_before_it_trusts_after() {
    let folder = packaged("trusted-before");
    let own = hash_of(b"certificate");
    let mut system = SimulatedSystem::default();
    system.add_certificate("Root", &own);
    let before = system.disk.clone();
    install(&mut system, &package(&folder, true)).unwrap();
    assert_eq!(system.disk.certificates, trusting(&[own]));
    assert_eq!(uninstall(&mut system), Ok(true));
    assert_eq!(system.disk, before);
}

#[test]
fn a_repeated_installation_that_fails_or_is_interrupted_changes_nothing() {
    let (folder, other) = (packaged("repeated-undone"), packaged("repeated-other"));
    other.write("ringcopy.cer", "another");
    for (trusted, again) in [(true, &folder), (false, &folder), (true, &other)] {
        let fresh = || {
            let mut system = SimulatedSystem::default();
            install(&mut system, &package(&folder, trusted)).unwrap();
            system
        };
        let before = fresh().disk;
        for step in 0.. {
            let mut system = fresh();
            system.fail = Some((step, 112));
            let Err(failure) = install(&mut system, &package(again, true)) else {
                break;
            };
            assert!(failure.0.contains("Nothing was changed"), "{failure}");
            assert_eq!(system.disk, before, "failed at {step}");
        }
        for look in 0.. {
            let mut system = fresh();
            system.interrupt_at.set(Some(look));
            let Err(failure) = install(&mut system, &package(again, true)) else {
                break;
            };
            assert!(failure.0.contains("Nothing was changed"), "{failure}");
            assert_eq!(system.disk, before, "interrupted at {look}");
        }
    }
}

#[test]
fn a_certutil_that_was_interrupted_is_not_called_a_failure() {
    let folder = packaged("interrupted-certutil");
    let mut system = SimulatedSystem {
        interrupted_program: Some("-addstore"),
        ..SimulatedSystem::default()
    };
    let failure = install(&mut system, &package(&folder, true)).unwrap_err();
    assert_eq!(failure.0, "interrupted. Nothing was changed.");
    assert_eq!(system.disk, Disk::default());
}

#[test]
fn an_uninstallation_that_fails_is_gone_on_with() {
    let folder = packaged("half-uninstalled");
    for step in 0.. {
        let mut system = SimulatedSystem::default();
        install(&mut system, &package(&folder, true)).unwrap();
        system.fail = Some((step, 112));
        if uninstall(&mut system).is_ok() {
            // Of each store: whether it is there, certificate, note. Service, image.
            assert_eq!(step, 8);
            break;
        }
        uninstall(&mut system).unwrap();
        assert_eq!(system.disk, Disk::default(), "failed at {step}");
    }
}

#[test]
fn what_could_not_be_undone_is_told() {
    let folder = packaged("stuck");
    let mut system = SimulatedSystem {
        keeps_service: true,
        fail: Some((2, 112)),
        ..SimulatedSystem::default()
    };
    let failure = install(&mut system, &package(&folder, false)).unwrap_err();
    assert!(
        failure.0.contains("Not all of it could be undone"),
        "{failure}"
    );
    assert!(failure.0.contains("`ringcopy uninstall`"), "{failure}");
}

#[test]
fn a_service_of_somebody_elses_is_left_alone() {
    let folder = packaged("foreign");
    let mut system = SimulatedSystem::installed();
    system.disk.service = Some(r"C:\Temp\ringcopy.sys".into());
    let before = system.disk.clone();
    let told = |outcome: Result<(), Failure>| {
        let failure = outcome.unwrap_err();
        assert!(failure.0.contains(r"C:\Temp\ringcopy.sys"), "{failure}");
    };
    told(install(&mut system, &package(&folder, false)).map(drop));
    told(uninstall(&mut system).map(drop));
    told(start(&mut system).map(drop));
    told(stop(&mut system).map(drop));
    assert_eq!(system.disk, before);
}

#[test]
fn what_is_not_a_driver_is_not_installed() {
    let folder = packaged("nonsense");
    folder.write("ringcopy.sys", "text");
    let mut system = SimulatedSystem::default();
    let failure = install(&mut system, &package(&folder, false)).unwrap_err();
    assert!(failure.0.contains("not a driver's image"), "{failure}");
    fs::remove_file(folder.path("ringcopy.sys")).unwrap();
    let failure = install(&mut system, &package(&folder, false)).unwrap_err();
    assert!(failure.0.contains("--from"), "{failure}");
    assert_eq!(system.disk, Disk::default());
}

#[test]
fn a_driver_that_windows_refuses_is_explained_by_what_the_machine_says() {
    let why = |code, code_integrity, secure_boot| {
        why_not_started(code, |system| {
            system.facts.code_integrity = code_integrity;
            system.facts.secure_boot = secure_boot;
        })
    };
    let off = why(577, Ok(0x1), Some(true));
    assert!(off.contains("bcdedit /set testsigning on"), "{off}");
    assert!(off.contains("Secure Boot"), "{off}");
    assert!(!why(577, Ok(0x1), Some(false)).contains("Secure Boot"));
    assert!(why(577, Ok(0x403), None).contains("memory integrity"));
    assert!(why(577, Ok(0x3), None).contains("copy the package again"));
    assert!(why(577, UNKNOWN, None).contains("copy the package again"));
    assert!(why(127, Ok(0x3), None).contains("KMDF 1.31"));
    assert!(why(2, Ok(0x3), None).contains(PLACE));
    assert!(why(1058, Ok(0x3), None).contains("disabled"));
    let failure = start(&mut SimulatedSystem::default()).unwrap_err();
    assert!(failure.0.contains("`ringcopy install`"), "{failure}");
}

#[test]
fn a_driver_that_a_policy_blocks_is_not_called_changed() {
    for code in [1260, 1275, 4551] {
        for code_integrity in [Ok(0x1), Ok(0x3), Ok(0x403), UNKNOWN] {
            let said = why_not_started(code, |system| {
                system.facts.code_integrity = code_integrity;
            });
            assert!(said.contains(&format!("(error {code})")), "{said}");
            assert!(said.contains("policy of Windows blocks it"), "{said}");
            assert!(said.contains("CodeIntegrity/Operational"), "{said}");
            for wrong in ["changed", "copy the package again", "bcdedit"] {
                assert!(!said.contains(wrong), "{said}");
            }
            let both = "turn both off";
            assert_eq!(said.contains(both), code_integrity == Ok(0x403), "{said}");
        }
    }
}

#[test]
fn each_reason_not_to_start_has_its_own_advice() {
    for (code, advice) in [
        (3, PLACE),
        (8, "short of memory"),
        (31, "DebugView"),
        (39, "free space"),
        (112, "free space"),
        (182, "KMDF 1.31"),
        (183, "another name"),
        (193, "another processor"),
        (216, "another processor"),
        (225, "security software"),
        (654, "still being unloaded"),
        (706, "another processor"),
        (1055, "busy"),
        (1072, "restart the machine"),
        (1084, "safe mode"),
        (1115, "shutting down"),
        (1150, "KMDF 1.31"),
        // A library that is not found, not one that is damaged.
        (1157, "KMDF 1.31"),
        (1450, "short of memory"),
        (1455, "short of memory"),
        (1359, "(error 1359)"),
    ] {
        let said = why_not_started(code, |_| {});
        assert!(said.contains(advice), "{code}: {said}");
        assert!(said.contains("; "), "{code}: {said}");
    }
    let user = why_not_started(5, |system| system.facts.elevated = Some(false));
    assert!(user.contains("as an administrator"), "{user}");
    let administrator = why_not_started(5, |_| {});
    assert!(
        !administrator.contains("as an administrator"),
        "{administrator}"
    );
}

/// What is said of a driver that Windows does not start, with this error, on such a system.
fn why_not_started(code: u32, such: impl FnOnce(&mut SimulatedSystem)) -> String {
    let mut system = SimulatedSystem::installed();
    system.start_error = Some(code);
    such(&mut system);
    let failure = start(&mut system).unwrap_err();
    assert!(failure.0.ends_with('.'), "{failure}");
    failure.0
}

#[test]
fn a_driver_whose_device_is_open_elsewhere_is_not_called_loaded_or_unloaded() {
    for code in [1052, 1061] {
        let mut system = SimulatedSystem::installed();
        system.disk.running = true;
        system.other_program = OtherProgram::HasItOpen(code);
        // The second time it is asked to stop what is stopping.
        for command in [stop, stop, uninstall, start] {
            let failure = command(&mut system).unwrap_err();
            let advice = "a program still has the device open";
            assert!(failure.0.contains(advice), "{failure}");
            assert!(failure.0.contains("repeat the command"), "{failure}");
            assert!(!failure.0.contains("error"), "{failure}");
        }
    }
    // What cannot be stopped for another reason is told with that.
    let mut system = SimulatedSystem::installed();
    system.disk.running = true;
    system.fail = Some((0, 1052));
    let failure = stop(&mut system).unwrap_err();
    assert!(failure.0.contains("error 1052"), "{failure}");
}

#[test]
fn waiting_for_a_driver_to_be_unloaded_ends_when_the_user_asks() {
    let mut system = SimulatedSystem::installed();
    system.disk.running = true;
    system.other_program = OtherProgram::HasItOpen(1061);
    system.interrupt_at.set(Some(3));
    system.uptime.set(Duration::ZERO);
    let failure = stop(&mut system).unwrap_err();
    assert!(failure.0.contains("interrupted"), "{failure}");
    let waited = system.uptime.get();
    assert!(waited < Duration::from_secs(1), "{waited:?}");
}

#[test]
fn a_driver_that_somebody_else_starts_meanwhile_was_loaded_already() {
    let mut system = SimulatedSystem::installed();
    system.other_program = OtherProgram::LoadsIt;
    assert_eq!(start(&mut system), Ok(false));
    assert!(system.disk.running);
}
