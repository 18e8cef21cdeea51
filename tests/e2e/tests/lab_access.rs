//! Access control: the device's security descriptor, the access and the owner of a handle, the
//! policy and the privilege.

#![forbid(unsafe_code)]

use ringcopy_client::{
    Error, OpenAccess, Operation, Source, Transport,
    protocol::{
        CODES, CallerCopyRequest, Code, CopyResponse, DEVICE_NAME, EngineKind, Header,
        InformationResponse, NtStatus, Reach, RequestKind, RequiredAccess, SYMBOLIC_LINK_NAME,
    },
};
use ringcopy_lab::{Caller, Count, Options, token};
use ringcopy_tests::{
    LENGTH, PRIVILEGED, UNTOUCHED, Victim, boot, boot_with, buffer, completion, open, options,
    pattern, privileged, with_engine,
};
use zerocopy::{FromBytes, IntoBytes};

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn only_system_and_administrators_open_the_device() {
    let lab = boot(Reach::all());
    for token in 0..8 {
        let mut process = lab.process(token).unwrap();
        let allowed = token & (token::ADMINISTRATORS | token::SYSTEM) != 0;
        // What Win32 makes of `\\.\RingCopy`, and other names of the directory.
        let directories = [
            r"\??\RingCopy",
            r"\DosDevices\RingCopy",
            r"\GLOBAL??\RingCopy",
        ];
        for name in [SYMBOLIC_LINK_NAME, DEVICE_NAME]
            .into_iter()
            .chain(directories)
        {
            for access in [1, 2, 3] {
                let opened = process.open_name(name, access);
                if allowed {
                    let handle = opened.unwrap_or_else(|error| panic!("{token:#b}: {error}"));
                    process.close(handle).unwrap();
                } else {
                    assert_eq!(
                        completion(opened),
                        Err(NtStatus::ACCESS_DENIED),
                        "{token:#b} {name} {access}"
                    );
                }
            }
        }
    }
}

/// `FILE_DEVICE_SECURE_OPEN`: without it, the descriptor would not hold for longer names.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_descriptor_holds_for_names_below_the_device() {
    let lab = boot(Reach::all());
    let mut process = lab.process(token::DEBUG_PRIVILEGE).unwrap();
    for trailing in [r"\file", r"\..", r"\", r"\a\b"] {
        let opened = process.open_name(&format!("{DEVICE_NAME}{trailing}"), 3);
        assert_eq!(
            completion(opened),
            Err(NtStatus::ACCESS_DENIED),
            "{trailing}"
        );
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_handle_serves_the_access_that_it_was_opened_for() {
    let lab = boot(Reach::all());
    let mut victim = Victim::of(privileged(&lab));
    let whole = victim.handle;
    for (access, allowed) in [
        (OpenAccess::Read, RequiredAccess::Read),
        (OpenAccess::Write, RequiredAccess::Write),
    ] {
        victim.handle = victim.process.open(access).unwrap();
        for code in &CODES {
            let input = victim.good(code.kind);
            let mut output = vec![UNTOUCHED; Victim::output_length(code.kind)];
            let sent = victim.send(code.kind, &input, &mut output);
            let expected = if code.access == allowed {
                Ok(output.len())
            } else {
                Err(NtStatus::ACCESS_DENIED)
            };
            assert_eq!(sent, expected, "{} by a handle for {access:?}", code.name);
            assert!(code.access == allowed || output.iter().all(|&byte| byte == UNTOUCHED));
        }
        victim.process.close(victim.handle).unwrap();
    }
    victim.handle = whole;
    victim.assert_works();
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_handle_serves_the_process_that_opened_it() {
    let lab = boot(Reach::all());
    let mut owner = Victim::of(privileged(&lab));
    let mut thief = Victim::of(privileged(&lab));
    let own = thief.handle;
    thief.handle = owner
        .process
        .duplicate(owner.handle, &thief.process)
        .unwrap();
    for code in &CODES {
        let input = thief.good(code.kind);
        let output = Victim::output_length(code.kind);
        let what = format!("{} by another process", code.name);
        thief.assert_refused(&what, code.value, &input, output, NtStatus::ACCESS_DENIED);
    }
    owner.assert_works();
    // The duplicate keeps the file object alive, and is still refused.
    owner.process.close(owner.handle).unwrap();
    let input = thief.good(RequestKind::Information);
    let mut output = vec![0; Victim::output_length(RequestKind::Information)];
    let sent = thief.send(RequestKind::Information, &input, &mut output);
    assert_eq!(sent, Err(NtStatus::ACCESS_DENIED));
    thief.process.close(thief.handle).unwrap();
    thief.handle = own;
    thief.assert_works();
}

/// The handle of a process that ended, which another process has too: it keeps nothing of the process,
/// and does not serve the next process, which has the same number.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_duplicate_keeps_no_process_and_serves_no_later_one() {
    let lab = boot(Reach::all());
    let mut keeper = privileged(&lab);
    let before = lab.counts().unwrap().get(Count::Processes);
    let mut owner = privileged(&lab);
    let number = owner.number();
    let handle = owner.open(OpenAccess::ReadWrite).unwrap();
    let kept = owner.duplicate(handle, &keeper).unwrap();
    drop(owner);
    assert_eq!(lab.counts().unwrap().get(Count::Processes), before);

    let mut next = Victim::of(privileged(&lab));
    assert_eq!(next.process.number(), number, "the number is used again");
    let own = next.handle;
    next.handle = keeper.duplicate(kept, &next.process).unwrap();
    for code in &CODES {
        let input = next.good(code.kind);
        let output = Victim::output_length(code.kind);
        let what = format!("{} by a later process", code.name);
        next.assert_refused(&what, code.value, &input, output, NtStatus::ACCESS_DENIED);
    }
    next.process.close(next.handle).unwrap();
    next.handle = own;
    next.assert_works();
    keeper.close(kept).unwrap();
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_closed_handle_is_refused() {
    let lab = boot(Reach::all());
    let mut victim = Victim::of(privileged(&lab));
    victim.process.close(victim.handle).unwrap();
    for code in &CODES {
        let input = victim.good(code.kind);
        let mut output = vec![0; Victim::output_length(code.kind)];
        let sent = victim.send(code.kind, &input, &mut output);
        assert_eq!(sent, Err(NtStatus::INVALID_HANDLE));
    }
}

/// The status of a read of memory that is not the caller's.
const fn expected(needs: Reach, policy: Reach, privileged: bool) -> NtStatus {
    match (policy.contains(needs), privileged) {
        (true, true) => NtStatus::SUCCESS,
        (true, false) => NtStatus::PRIVILEGE_NOT_HELD,
        (false, _) => NtStatus::ACCESS_DENIED,
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn policy_and_privilege_decide_what_lies_in_reach() {
    for bits in 0..4 {
        let policy = Reach::from_bits_retain(bits);
        let lab = boot(policy);
        for (token, privileged) in [
            (PRIVILEGED, true),
            (token::SYSTEM | token::DEBUG_PRIVILEGE, true),
            (token::ADMINISTRATORS, false),
            (token::SYSTEM, false),
        ] {
            let mut process = lab.process(token).unwrap();
            let landmarks = process.landmarks().unwrap();
            let (system, contents) = landmarks.system_data.unwrap();
            let own = process.allocate(64).unwrap();
            let physical = process.physical_address(own).unwrap().unwrap();
            let mut device = open(&mut process);
            let information = device.information().unwrap();
            assert_eq!(information.policy, policy);
            let reach = if privileged { policy } else { Reach::empty() };
            assert_eq!(information.reach, reach);
            for engine in [EngineKind::Auto, EngineKind::Native, EngineKind::System] {
                let mut bytes = [0; 64];
                let system_status = expected(Reach::SYSTEM_VIRTUAL, policy, privileged);
                let physical_status = expected(Reach::PHYSICAL, policy, privileged);
                let (session, frame) = if privileged {
                    // In reach of whoever may know it.
                    let [.., frame] = information.session_physical_addresses;
                    let session = Source::Virtual(information.session_address);
                    (session, Source::Physical(frame))
                } else {
                    (Source::Virtual(own), Source::Virtual(own))
                };
                for (source, expected) in [
                    (Source::Physical(physical), physical_status),
                    // Always in reach.
                    (Source::Virtual(own), NtStatus::SUCCESS),
                    (session, NtStatus::SUCCESS),
                    (frame, NtStatus::SUCCESS),
                    (Source::Virtual(system), system_status),
                ] {
                    bytes = [0; 64];
                    let report = device.copy_memory(source, engine, &mut bytes).unwrap();
                    assert_eq!(report.result.status(), expected, "{source:x?}");
                }
                let in_reach = reach.contains(Reach::SYSTEM_VIRTUAL);
                assert_eq!(bytes == contents[..64], in_reach);
                assert_eq!(bytes == [0; 64], !in_reach);
            }
            drop(device);
            drop(process);
        }
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn without_a_policy_only_own_memory_lies_in_reach() {
    let lab = boot_with(Options {
        values: Vec::new(),
        ..options(Reach::all())
    });
    let mut process = privileged(&lab);
    let information = open(&mut process).information().unwrap();
    assert_eq!(information.policy, Reach::empty());
    assert_eq!(information.reach, Reach::empty());
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn policy_bits_that_mean_nothing_allow_nothing() {
    let lab = boot(Reach::from_bits_retain(!7));
    let mut process = privileged(&lab);
    let information = open(&mut process).information().unwrap();
    assert_eq!(information.policy, Reach::empty());
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn an_administrator_can_disable_the_native_engine() {
    let lab = boot_with(with_engine(EngineKind::System, options(Reach::all())));
    let mut process = privileged(&lab);
    let mut device = open(&mut process);
    let information = device.information().unwrap();
    assert_eq!(information.native_status, NtStatus::NOT_SUPPORTED);
    let source = Source::Physical(information.session_physical_addresses[0]);
    let mut bytes = [0; 64];
    let native = device
        .copy_memory(source, EngineKind::Native, &mut bytes)
        .unwrap();
    assert_eq!(
        (native.result.status(), native.result.copied),
        (NtStatus::NOT_SUPPORTED, 0)
    );
    let auto = device
        .copy_memory(source, EngineKind::Auto, &mut bytes)
        .unwrap();
    assert_eq!(
        (auto.result.status(), auto.result.engine()),
        (NtStatus::SUCCESS, EngineKind::System)
    );
}

/// Where the policy trusts kernel callers, a request of the kernel may name kernel memory, unless it
/// asks for a user's rules.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn kernel_mode_follows_the_kernels_rules() {
    let lab = boot(Reach::KERNEL_CALLERS);
    let mut victim = Victim::of(privileged(&lab));
    let code = Code::of(RequestKind::CopyFrom);
    let data = lab.write_kernel_scratch(1024, &pattern(9, LENGTH)).unwrap();
    let respond = |victim: &mut Victim<'_>, code: &Code, input: &[u8]| {
        let request = lab.write_kernel_scratch(0, input).unwrap();
        let response = lab.write_kernel_scratch(512, &[0; 128]).unwrap();
        let sent = victim.process.device_io_control_sent(
            Caller::Kernel.into(),
            victim.handle,
            code.value,
            buffer(request, input.len()),
            buffer(response, code.response_length),
        );
        assert_eq!(completion(sent), Ok(code.response_length));
        lab.read_kernel_scratch(512, code.response_length as u64)
            .unwrap()
    };
    let request = CallerCopyRequest {
        alignment: 1,
        ..victim.caller_copy(data)
    };
    let bytes = respond(&mut victim, code, request.as_bytes());
    let response = CopyResponse::read_from_bytes(&bytes).unwrap();
    assert_eq!(response.result.status(), NtStatus::SUCCESS);
    let session = victim.information.session_address;
    assert_eq!(
        lab.read_system(session, LENGTH as u64).unwrap(),
        pattern(9, LENGTH)
    );

    let strict = CallerCopyRequest { mode: 1, ..request };
    let bytes = respond(&mut victim, code, strict.as_bytes());
    let response = CopyResponse::read_from_bytes(&bytes).unwrap();
    assert_eq!(response.result.status(), NtStatus::ACCESS_VIOLATION);
    assert_eq!(response.result.copied, 0);

    let information = Code::of(RequestKind::Information);
    let header = Header::of::<Header>();
    let bytes = respond(&mut victim, information, header.as_bytes());
    assert_eq!(
        InformationResponse::read_from_bytes(&bytes)
            .unwrap()
            .kernel_mode,
        1
    );
    assert_eq!(victim.information.kernel_mode, 0);
    victim.assert_works();
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_typed_client_names_what_was_refused() {
    let lab = boot(Reach::empty());
    let mut process = lab.process(0).unwrap();
    let refused = ringcopy_client::Device::open(&mut process, OpenAccess::Read).unwrap_err();
    assert!(matches!(
        refused,
        Error::Refused {
            operation: Operation::Open,
            status: NtStatus::ACCESS_DENIED
        }
    ));
}
