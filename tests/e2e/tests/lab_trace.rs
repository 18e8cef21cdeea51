//! The driver's events for Event Tracing for Windows: what they report, and what they never hold.

#![forbid(unsafe_code)]

use ringcopy_client::{
    CallerCopy, PAGE_LENGTH, Protection, Source, Transport,
    protocol::{
        CODES, Code, ENGINE_VALUE, EngineKind, Header, MAXIMUM_LENGTH, NtStatus, Reach, RequestKind,
    },
    trace::{Event, PROVIDER, PROVIDER_NAME, Raw, VERBOSE, Value},
};
use ringcopy_lab::{MappingKind, Options, RegistryValue, Report, Sending, token};
use ringcopy_tests::{
    CheckedLab, LENGTH, Victim, boot_with, completion, open, options, privileged, run_client,
    with_value,
};

const REG_SZ: u32 = 1;

/// A lab in which a session listens at a level, or none.
fn listening(policy: Reach, trace: Option<u8>) -> CheckedLab {
    boot_with(Options {
        trace,
        ..options(policy)
    })
}

fn decoded(report: &Report) -> Vec<Event> {
    report
        .events()
        .map(|event| {
            assert_eq!(event.provider, PROVIDER);
            let event = event.decode().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(event.provider, PROVIDER_NAME);
            event
        })
        .collect()
}

/// Checks that one of the events has this name and these fields, among others.
#[track_caller]
fn assert_told(events: &[Event], name: &str, fields: &[(&str, Value)]) {
    let told = events.iter().any(|event| {
        event.name == name
            && fields
                .iter()
                .all(|(field, value)| event.field(field) == Some(value))
    });
    assert!(told, "no {name} with {fields:?} in {events:#?}");
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_run_is_reported_from_load_to_unload() {
    let lab = listening(Reach::MEMORY, Some(VERBOSE));
    for token in [
        token::ADMINISTRATORS | token::DEBUG_PRIVILEGE,
        token::ADMINISTRATORS,
    ] {
        drop(open(&mut lab.process(token).unwrap()));
    }
    assert_eq!(lab.unload().unwrap(), Vec::<String>::new());
    assert_eq!(lab.load().unwrap(), NtStatus::SUCCESS);
    let events = decoded(&lab.end());
    let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
    let load = ["Settings", "Loaded"];
    let opens = ["Opened", "Opened", "Unloaded"];
    assert_eq!(
        names,
        [&load[..], &opens[..], &load[..], &["Unloaded"]].concat()
    );
    let opened = |event: &Event| {
        let fields = [event.field("Privileged"), event.field("Reach")];
        fields.map(Option::unwrap).map(Clone::clone)
    };
    assert_eq!(opened(&events[2]), [Value::Boolean(true), Value::Hex(3)]);
    assert_eq!(opened(&events[3]), [Value::Boolean(false), Value::Hex(0)]);
    assert_told(
        &events,
        "Settings",
        &[
            ("Policy", Value::Hex(3)),
            ("Engine", text("auto")),
            ("NativeUnderHypervisor", Value::Boolean(false)),
            ("NativeStatus", Value::Status(NtStatus::SUCCESS)),
        ],
    );
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_load_that_fails_is_reported_and_leaves_no_provider() {
    let lab = listening(Reach::empty(), Some(VERBOSE));
    assert_eq!(lab.unload().unwrap(), Vec::<String>::new());
    lab.fail_allocation(Some(3)).unwrap();
    let status = lab.load().unwrap();
    assert_eq!(status, NtStatus::INSUFFICIENT_RESOURCES);
    lab.fail_allocation(None).unwrap();
    assert_eq!(lab.load().unwrap(), NtStatus::SUCCESS);
    let report = lab.end();
    assert_told(
        &decoded(&report),
        "NotLoaded",
        &[("Status", Value::Status(status))],
    );
    let left = report.log.iter().find(|line| line.contains("leaked"));
    assert_eq!(left, None);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_setting_that_is_ignored_is_reported() {
    let ignored = RegistryValue {
        name: ENGINE_VALUE.into(),
        kind: REG_SZ,
        data: vec![0; 4],
    };
    let lab = boot_with(Options {
        trace: Some(VERBOSE),
        ..with_value(ignored, options(Reach::empty()))
    });
    let events = decoded(&lab.end());
    let status = Value::Status(NtStatus::OBJECT_TYPE_MISMATCH);
    let ignored = [("Name", text(ENGINE_VALUE)), ("Status", status)];
    assert_told(&events, "SettingIgnored", &ignored);
    assert_told(&events, "Settings", &[("Engine", text("system"))]);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn refusals_faults_and_fallbacks_are_reported() {
    let lab = listening(Reach::SYSTEM_VIRTUAL, Some(VERBOSE));
    let ram = lab.ram_ranges().unwrap()[0].base;
    let mixed = lab.mixed_mappings().unwrap();
    let page_out = mixed.of_kind(MappingKind::PagedOut).next().unwrap().address;
    lab.page_out(page_out).unwrap();
    let mut victim = Victim::of(privileged(&lab));

    let refused = victim.send(RequestKind::CopyFrom, &[0; 100], &mut []);
    assert_eq!(refused, Err(NtStatus::REVISION_MISMATCH));
    let (input, output) = victim.write_good(RequestKind::CopyTo);
    let code = Code::of(RequestKind::CopyTo).value;
    let raised = Sending {
        level: 2,
        ..Sending::default()
    };
    let handle = victim.handle;
    let sent = victim
        .process
        .device_io_control_sent(raised, handle, code, input, output);
    assert_eq!(completion(sent), Err(NtStatus::INVALID_LEVEL));

    let pages = victim.process.allocate(2 * PAGE_LENGTH).unwrap();
    victim
        .process
        .protect(pages + PAGE_LENGTH, PAGE_LENGTH, Protection::NoAccess)
        .unwrap();
    let mut device = open(&mut victim.process);
    let copy = CallerCopy::new(pages + PAGE_LENGTH - 5, LENGTH as u64);
    let report = device.copy_from(copy).unwrap();
    assert_eq!(report.result.copied, 5);
    let mut target = [0; LENGTH];
    let physical = device.copy_memory(Source::Physical(ram), EngineKind::Auto, &mut target);
    assert_eq!(physical.unwrap().result.status(), NtStatus::ACCESS_DENIED);
    let fell_back = device.copy_memory(Source::Virtual(page_out), EngineKind::Auto, &mut target);
    assert!(fell_back.unwrap().result.fell_back());
    drop(device);
    drop(victim);
    let events = decoded(&lab.end());

    let status = |status| ("Status", Value::Status(status));
    let length = ("Length", Value::Number(LENGTH as u64));
    assert_told(
        &events,
        "RequestRefused",
        &[
            ("Request", text("copy from")),
            status(NtStatus::REVISION_MISMATCH),
        ],
    );
    assert_told(
        &events,
        "RequestRefused",
        &[
            ("Request", text("copy to")),
            status(NtStatus::INVALID_LEVEL),
        ],
    );
    assert_told(
        &events,
        "CopyStopped",
        &[
            ("Request", text("copy from")),
            status(NtStatus::ACCESS_VIOLATION),
            length.clone(),
            ("Copied", Value::Number(5)),
            ("Address", Value::Hex(pages + PAGE_LENGTH)),
            ("Direction", text("read")),
        ],
    );
    assert_told(
        &events,
        "OutOfReach",
        &[
            ("Request", text("copy memory")),
            ("Required", Value::Hex(Reach::PHYSICAL.bits().into())),
            status(NtStatus::ACCESS_DENIED),
            length.clone(),
        ],
    );
    let copied = ("Copied", Value::Number(LENGTH as u64));
    assert_told(&events, "FellBack", &[length, copied]);
}

/// The marker of all memory of the caller's, in four bytes. A number with these bytes would be
/// neither a length nor an address of the lab's processes.
const MARKER: [u8; 4] = [0xA7, 0xE3, 0xC9, 0xB5];

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn no_event_holds_the_callers_memory_or_a_system_address() {
    let lab = listening(Reach::all(), Some(VERBOSE));
    let session = {
        let mut victim = Victim::of(privileged(&lab));
        let marked = MARKER.repeat(2 * 1024);
        victim.process.write(victim.source, &marked).unwrap();
        victim.process.write(victim.destination, &marked).unwrap();
        for code in &CODES {
            // A good request, the same with each reason to stop, and one of markers after the header.
            let good = victim.good(code.kind);
            let length = Victim::output_length(code.kind);
            let mut bad = good.clone();
            bad[size_of::<Header>()..]
                .iter_mut()
                .zip(MARKER.iter().cycle())
                .for_each(|(byte, marker)| *byte = *marker);
            for input in [good, bad] {
                for length in [length, 0] {
                    let mut output = vec![0; length];
                    let _ = victim.send(code.kind, &input, &mut output);
                }
            }
        }
        victim.information.session_address
    };
    let selftest = run_client(&lab, "selftest", None);
    assert_eq!(selftest.code, 0, "{}", selftest.err);
    let limit = 0x7FFF_FFFF_0000;
    let report = lab.end();
    let mut stopped = 0;
    for raw in report.events() {
        let event = raw.decode().unwrap();
        stopped += u32::from(event.name == "CopyStopped");
        assert!(!holds(&raw, &MARKER), "{event}");
        assert!(!holds(&raw, &session.to_le_bytes()[2..]), "{event}");
        for (name, value) in &event.fields {
            let allowed = match value {
                Value::Boolean(_) => true,
                Value::Status(status) => status.name().is_some(),
                Value::Number(number) => *number <= MAXIMUM_LENGTH,
                Value::Hex(address) if name == "Address" => {
                    *address < limit || *address == u64::MAX
                }
                Value::Hex(code) if name == "Code" => is_code(*code),
                Value::Hex(bits) => *bits <= Reach::all().bits().into(),
                Value::Text(text) => is_constant(text),
            };
            assert!(allowed, "{name} of {event}");
        }
    }
    assert!(stopped > 40, "{stopped}");
}

fn holds(event: &Raw, bytes: &[u8]) -> bool {
    event.data.windows(bytes.len()).any(|part| part == bytes)
}

fn is_code(value: u64) -> bool {
    CODES.iter().any(|code| u64::from(code.value) == value)
}

/// Whether a text is one that the driver has itself.
fn is_constant(text: &str) -> bool {
    let others = ["auto", "native", "system", "none", "read", "write"];
    let version = env!("CARGO_PKG_VERSION");
    others.contains(&text) || text == version || CODES.iter().any(|code| code.name == text)
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_session_gets_events_up_to_its_level() {
    const WARNING: u8 = 3;
    for (level, most) in [
        (None, 0),
        (Some(WARNING), WARNING),
        (Some(VERBOSE), VERBOSE),
    ] {
        let lab = listening(Reach::MEMORY, level);
        assert_eq!(run_client(&lab, "selftest", None).code, 0);
        let found = lab.end().events().map(|event| event.level).max();
        assert_eq!(found.unwrap_or(0), most);
    }
}
