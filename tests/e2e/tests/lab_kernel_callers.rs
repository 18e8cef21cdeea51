//! Requests whose requestor is kernel code: how far its pointers are trusted, and when.

#![forbid(unsafe_code)]

use ringcopy_client::{
    Buffer, RequestError, Transport,
    protocol::{
        CODES, CallerCopyRequest, Code, CopyThroughRequest, Header, InformationResponse, Method,
        NtStatus, Reach, RequestKind, SYMBOLIC_LINK_NAME, ScatterEntry, ScatterRequest,
        TransferResponse,
    },
};
use ringcopy_lab::{Caller, Lab, Process, opener, token};
use ringcopy_tests::{
    LENGTH, Outcome, PRIVILEGED, Victim, boot, finish, outcome, pattern, privileged,
};
use zerocopy::{FromBytes, IntoBytes};

/// What memory holds that nobody may write.
const UNTOUCHED: u8 = 0xEE;

/// `APC_LEVEL` and `DISPATCH_LEVEL`.
const RAISED: [u8; 2] = [1, 2];

fn buffer(address: u64, length: usize) -> Buffer {
    Buffer {
        address,
        length: u32::try_from(length).unwrap(),
    }
}

/// Policies that do not allow kernel callers.
const STRICT: [Reach; 2] = [Reach::empty(), Reach::MEMORY];

/// The kernel's own memory is no place for a response, whatever its method.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_kernel_callers_buffers_are_held_to_a_users_rules() {
    for policy in STRICT {
        let lab = boot(policy);
        let mut victim = Victim::of(privileged(&lab));
        for code in &CODES {
            let input = victim.good(code.kind);
            let room = Victim::room(code.kind);
            victim.process.write(victim.request, &input).unwrap();
            let kernel = lab.write_kernel_scratch(0, &vec![UNTOUCHED; room]).unwrap();
            let came = victim.process.device_io_control_as(
                Caller::Kernel,
                victim.handle,
                code.value,
                buffer(victim.request, input.len()),
                buffer(kernel, room),
            );
            assert_eq!(
                outcome(came),
                Outcome::Refused(NtStatus::ACCESS_VIOLATION),
                "{}",
                code.name
            );
            let left = lab.read_kernel_scratch(0, room as u64).unwrap();
            assert!(left.iter().all(|&byte| byte == UNTOUCHED), "{}", code.name);
        }
        for code in CODES.iter().filter(|code| code.method == Method::Neither) {
            let input = victim.good(code.kind);
            let kernel = lab.write_kernel_scratch(0, &input).unwrap();
            let came = victim.process.device_io_control_as(
                Caller::Kernel,
                victim.handle,
                code.value,
                buffer(kernel, input.len()),
                buffer(victim.response, Victim::room(code.kind)),
            );
            assert_eq!(
                outcome(came),
                Outcome::Refused(NtStatus::ACCESS_VIOLATION),
                "{}",
                code.name
            );
        }
        victim.assert_works();
        drop(victim);
        finish(lab);
    }
}

/// Sends a request by the kernel, with the user's memory for both buffers.
fn send(victim: &mut Victim<'_>, kind: RequestKind, input: &[u8]) -> Vec<u8> {
    let room = Victim::room(kind);
    victim.process.write(victim.request, input).unwrap();
    let came = victim.process.device_io_control_as(
        Caller::Kernel,
        victim.handle,
        Code::of(kind).value,
        buffer(victim.request, input.len()),
        buffer(victim.response, room),
    );
    assert_eq!(outcome(came), Outcome::Done(room), "{kind:?}");
    let mut output = vec![0; room];
    victim.process.read(victim.response, &mut output).unwrap();
    output
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_kernel_caller_is_served_as_a_user_would_be() {
    let lab = boot(Reach::MEMORY);
    let mut victim = Victim::of(privileged(&lab));
    for code in &CODES {
        let input = victim.good(code.kind);
        let _ = send(&mut victim, code.kind, &input);
    }
    victim.assert_works();
    drop(victim);
    finish(lab);
}

/// Pointers within a request are held to the same rules: neither read nor written by.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn what_a_kernel_caller_names_is_not_overwritten() {
    for policy in STRICT {
        let lab = boot(policy);
        let mut victim = Victim::of(privileged(&lab));
        let kernel = lab
            .write_kernel_scratch(1024, &[UNTOUCHED; LENGTH])
            .unwrap();
        let copy = CallerCopyRequest {
            alignment: 1,
            ..victim.caller_copy(kernel)
        };
        for kind in [RequestKind::CopyFrom, RequestKind::CopyTo] {
            let response = send(&mut victim, kind, copy.as_bytes());
            refused(&response);
        }
        let good = victim.good(RequestKind::CopyThrough);
        let through = CopyThroughRequest::read_from_bytes(&good).unwrap();
        for through in [
            CopyThroughRequest {
                source: kernel,
                ..through
            },
            CopyThroughRequest {
                destination: kernel,
                ..through
            },
        ] {
            let response = send(&mut victim, RequestKind::CopyThrough, through.as_bytes());
            refused(&response);
        }
        let mut scatter = victim.good(RequestKind::CopyScatter);
        let at = size_of::<ScatterRequest>();
        for entry in scatter[at..].chunks_exact_mut(size_of::<ScatterEntry>()) {
            let target = ScatterEntry {
                target: kernel,
                ..ScatterEntry::read_from_bytes(entry).unwrap()
            };
            entry.copy_from_slice(target.as_bytes());
        }
        let _ = send(&mut victim, RequestKind::CopyScatter, &scatter);
        let left = lab.read_kernel_scratch(1024, LENGTH as u64).unwrap();
        assert_eq!(left, [UNTOUCHED; LENGTH]);
        victim.assert_works();
        drop(victim);
        finish(lab);
    }
}

fn refused(response: &[u8]) {
    let (response, _) = TransferResponse::read_from_prefix(response).unwrap();
    assert_eq!(NtStatus(response.status), NtStatus::ACCESS_VIOLATION);
    assert_eq!(response.copied, 0);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_policy_can_trust_kernel_callers() {
    let lab = boot(Reach::KERNEL_CALLERS);
    let mut victim = Victim::of(privileged(&lab));
    assert_eq!(victim.information.policy, Reach::KERNEL_CALLERS.bits());
    assert_eq!(victim.information.reach, 0, "it is no memory to reach");
    let kernel = lab.write_kernel_scratch(1024, &pattern(9, LENGTH)).unwrap();
    let copy = CallerCopyRequest {
        alignment: 1,
        ..victim.caller_copy(kernel)
    };
    let code = Code::of(RequestKind::CopyFrom);
    let request = lab.write_kernel_scratch(0, copy.as_bytes()).unwrap();
    let response = lab.write_kernel_scratch(512, &[0; 128]).unwrap();
    let came = victim.process.device_io_control_as(
        Caller::Kernel,
        victim.handle,
        code.value,
        buffer(request, code.request_length),
        buffer(response, code.response_length),
    );
    assert_eq!(outcome(came), Outcome::Done(code.response_length));
    let response = lab
        .read_kernel_scratch(512, code.response_length as u64)
        .unwrap();
    let (response, _) = TransferResponse::read_from_prefix(&response).unwrap();
    assert_eq!(NtStatus(response.status), NtStatus::SUCCESS);
    // The same of a user's is not trusted.
    let mut output = vec![0; Victim::room(RequestKind::CopyFrom)];
    let came = victim.send(RequestKind::CopyFrom, copy.as_bytes(), &mut output);
    assert_eq!(outcome(came), Outcome::Done(output.len()));
    refused(&output);
    victim.assert_works();
    drop(victim);
    finish(lab);
}

/// Sends every request above `PASSIVE_LEVEL`, by either caller.
fn raised(lab: &Lab) {
    let mut victim = Victim::of(privileged(lab));
    for code in &CODES {
        let input = victim.good(code.kind);
        let room = Victim::room(code.kind);
        victim.process.write(victim.request, &input).unwrap();
        for (level, caller) in RAISED
            .into_iter()
            .flat_map(|level| [Caller::Kernel, Caller::User].map(|caller| (level, caller)))
        {
            let came = victim.process.device_io_control_raised(
                level,
                caller,
                victim.handle,
                code.value,
                buffer(victim.request, input.len()),
                buffer(victim.response, room),
            );
            assert_eq!(
                outcome(came),
                Outcome::Refused(NtStatus::INVALID_LEVEL),
                "{} at {level} by {caller:?}",
                code.name
            );
        }
    }
    victim.assert_works();
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_above_passive_level_are_refused() {
    for policy in [Reach::empty(), Reach::all()] {
        let lab = boot(policy);
        raised(&lab);
        finish(lab);
    }
}

/// The reach of a handle that somebody opens.
fn reach_of(process: &mut Process<'_>, opener: u64, impersonated: u64) -> Result<Reach, NtStatus> {
    let handle = match process.open_name_as(SYMBOLIC_LINK_NAME, 3, opener, impersonated) {
        Ok(handle) => handle,
        Err(RequestError::Status(status)) => return Err(status),
        Err(error) => panic!("{error:?}"),
    };
    let code = Code::of(RequestKind::Information);
    let mut output = vec![0; code.response_length];
    let header = Header::of::<Header>();
    let came = process.device_io_control(handle, code.value, header.as_bytes(), &mut output);
    assert_eq!(outcome(came), Outcome::Done(output.len()));
    let information = InformationResponse::read_from_bytes(&output).unwrap();
    process.close(handle).unwrap();
    Ok(Reach::from_bits(information.reach).unwrap())
}

/// Who the open was captured for decides, not whose thread the driver finds itself in.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_privilege_is_the_captured_subjects() {
    let lab = boot(Reach::MEMORY);
    let plain = token::ADMINISTRATORS;
    for (own, impersonated, expected) in [
        (PRIVILEGED, plain, Ok(Reach::empty())),
        (plain, PRIVILEGED, Ok(Reach::MEMORY)),
        (PRIVILEGED, 0, Err(NtStatus::ACCESS_DENIED)),
    ] {
        let mut process = lab.process(own).unwrap();
        let reach = reach_of(&mut process, opener::IMPERSONATES, impersonated);
        assert_eq!(reach, expected, "{own:#b} as {impersonated:#b}");
    }
    finish(lab);
}

/// Kernel code holds every privilege where it is trusted, unless it asks to be checked.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn an_open_of_the_kernels_is_checked_where_it_asks_for_it() {
    for policy in [Reach::MEMORY, Reach::all()] {
        let lab = boot(policy);
        let trusted = policy.contains(Reach::KERNEL_CALLERS);
        for (own, opener, privileged) in [
            (token::ADMINISTRATORS, opener::KERNEL, trusted),
            (
                token::ADMINISTRATORS,
                opener::KERNEL | opener::FORCED,
                false,
            ),
            (PRIVILEGED, opener::KERNEL, true),
            (PRIVILEGED, opener::KERNEL | opener::FORCED, true),
        ] {
            let mut process = lab.process(own).unwrap();
            let reach = reach_of(&mut process, opener, 0).unwrap();
            let expected = if privileged {
                Reach::MEMORY
            } else {
                Reach::empty()
            };
            assert_eq!(reach, expected, "{own:#b} {opener:#b} under {policy:?}");
        }
        finish(lab);
    }
}
