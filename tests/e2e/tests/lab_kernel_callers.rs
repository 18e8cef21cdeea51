//! Requests of kernel code: when the driver trusts its pointers.

#![forbid(unsafe_code)]

use ringcopy_client::{
    Buffer, Transport,
    protocol::{
        CODES, CallerCopyRequest, Code, CopyResponse, CopyThroughRequest, Header,
        InformationResponse, Method, NtStatus, Reach, RequestKind, SYMBOLIC_LINK_NAME,
        ScatterEntry, ScatterRequest,
    },
};
use ringcopy_lab::{Caller, Process, Sending, opener, token};
use ringcopy_tests::{
    LENGTH, PRIVILEGED, UNTOUCHED, Victim, boot, buffer, completion, pattern, privileged,
    with_victim,
};
use zerocopy::{FromBytes, IntoBytes};

/// Policies that do not allow kernel callers.
const STRICT: [Reach; 2] = [Reach::empty(), Reach::MEMORY];

/// A request from kernel code, and the result with both buffers anywhere.
fn send_by_kernel(
    victim: &mut Victim<'_>,
    code: &Code,
    input: Buffer,
    output: Buffer,
) -> Result<usize, NtStatus> {
    let (process, handle) = (&mut victim.process, victim.handle);
    let kernel = Caller::Kernel.into();
    completion(process.device_io_control_sent(kernel, handle, code.value, input, output))
}

/// Kernel memory is refused for a response, whatever the method, and for a request that the driver
/// captures.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_kernel_callers_buffers_are_held_to_a_users_rules() {
    for policy in STRICT {
        let lab = boot(policy);
        let mut victim = Victim::of(privileged(&lab));
        let refused = Err(NtStatus::ACCESS_VIOLATION);
        for code in &CODES {
            let (input, output) = victim.write_good(code.kind);
            let length = output.length as usize;
            let untouched = vec![UNTOUCHED; length];
            let kernel = lab.write_kernel_scratch(0, &untouched).unwrap();
            let sent = send_by_kernel(&mut victim, code, input, buffer(kernel, length));
            assert_eq!(sent, refused, "{}", code.name);
            let left = lab.read_kernel_scratch(0, length as u64).unwrap();
            assert!(left == untouched, "{}", code.name);
        }
        for code in CODES.iter().filter(|code| code.method == Method::Neither) {
            let (_, output) = victim.write_good(code.kind);
            let input = victim.good(code.kind);
            let kernel = lab.write_kernel_scratch(0, &input).unwrap();
            let sent = send_by_kernel(&mut victim, code, buffer(kernel, input.len()), output);
            assert_eq!(sent, refused, "{}", code.name);
        }
        victim.assert_works();
    }
}

/// Sends a request by the kernel, with user memory for both buffers. Returns its output.
fn send(victim: &mut Victim<'_>, kind: RequestKind, input: &[u8]) -> Vec<u8> {
    let mut output = vec![0; Victim::output_length(kind)];
    victim.process.write(victim.request, input).unwrap();
    let request = buffer(victim.request, input.len());
    let response = buffer(victim.response, output.len());
    let sent = send_by_kernel(victim, Code::of(kind), request, response);
    assert_eq!(sent, Ok(output.len()), "{kind:?}");
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
}

/// Pointers within a request are held to the same rules.
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
    }
}

fn refused(response: &[u8]) {
    let (response, _) = CopyResponse::read_from_prefix(response).unwrap();
    assert_eq!(response.result.status(), NtStatus::ACCESS_VIOLATION);
    assert_eq!(response.result.copied, 0);
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
    let request = buffer(request, code.request_length);
    let response = buffer(response, code.response_length);
    let sent = send_by_kernel(&mut victim, code, request, response);
    assert_eq!(sent, Ok(code.response_length));
    let response = lab
        .read_kernel_scratch(512, code.response_length as u64)
        .unwrap();
    let (response, _) = CopyResponse::read_from_prefix(&response).unwrap();
    assert_eq!(response.result.status(), NtStatus::SUCCESS);
    // The same request of a user is not trusted.
    let mut output = vec![0; Victim::output_length(RequestKind::CopyFrom)];
    let sent = victim.send(RequestKind::CopyFrom, copy.as_bytes(), &mut output);
    assert_eq!(sent, Ok(output.len()));
    refused(&output);
    victim.assert_works();
}

/// Both callers are refused at `APC_LEVEL` and at `DISPATCH_LEVEL`.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_above_passive_level_are_refused() {
    for policy in [Reach::empty(), Reach::all()] {
        with_victim(policy, |victim| {
            for code in &CODES {
                let (input, output) = victim.write_good(code.kind);
                for (level, caller) in [
                    (1, Caller::Kernel),
                    (1, Caller::User),
                    (2, Caller::Kernel),
                    (2, Caller::User),
                ] {
                    let (process, handle) = (&mut victim.process, victim.handle);
                    let how = Sending {
                        level,
                        ..caller.into()
                    };
                    let sent =
                        process.device_io_control_sent(how, handle, code.value, input, output);
                    let what = format!("{} at {level} by {caller:?}", code.name);
                    assert_eq!(completion(sent), Err(NtStatus::INVALID_LEVEL), "{what}");
                }
            }
        });
    }
}

/// Opens a handle, and returns its reach.
fn reach_of(process: &mut Process<'_>, opener: u64, impersonated: u64) -> Result<Reach, NtStatus> {
    let handle = completion(process.open_name_as(SYMBOLIC_LINK_NAME, 3, opener, impersonated))?;
    let code = Code::of(RequestKind::Information);
    let mut output = vec![0; code.response_length];
    let header = Header::of::<Header>();
    let sent = process.device_io_control(handle, code.value, header.as_bytes(), &mut output);
    assert_eq!(completion(sent), Ok(output.len()));
    let information = InformationResponse::read_from_bytes(&output).unwrap();
    process.close(handle).unwrap();
    Ok(Reach::from_bits(information.reach).unwrap())
}

/// The driver asks the captured subject of the open, not the current thread.
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
}

/// Trusted kernel code holds every privilege, unless it asks for the check.
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
    }
}
