//! The cases. Each opens the device itself.

use std::{
    env,
    process::{Child, Command, ExitCode, Stdio},
};

use ringcopy_client::{
    Device, OpenAccess, Source, explain,
    protocol::{
        Code, CopyFlags, CopyMemoryRequest, CopyResponse, EngineKind, Header, InformationRequest,
        InformationResponse, NtStatus, RequestKind, WIN32_DEVICE_PATH,
    },
    suites::abuse,
    windows::{Interrupt, WindowsTransport},
};
use ringcopy_win32::{Completion, DeviceHandle, Event, Pending};
use serde_json::{Value, json};
use zerocopy::{FromBytes, IntoBytes};

/// The start of simulated RAM, in which a word holds its own address (see `tests/wdf/src/wine/ram.rs`).
const RAM: u64 = 0x10_0000;

/// The driver's queue presents no request while an event of this name exists and is not set (see
/// `tests/wdf/src/wine/queue_hold.rs`).
const HOLD_EVENT: &str = r"Global\RingCopyQueueHold";

type Verdict = Result<(), String>;

struct Case {
    name: &'static str,
    run: fn() -> Verdict,
}

const CASES: [Case; 15] = [
    case("METHOD_BUFFERED, through the queue", buffered),
    case("METHOD_BUFFERED, output too small", buffered_too_small),
    case("METHOD_OUT_DIRECT, 64 KiB, overlapped", out_direct),
    case("METHOD_OUT_DIRECT, stopped half way", out_direct_partial),
    case("METHOD_NEITHER, request and response", neither),
    case("overlapped, 32 at once", overlapped),
    case("cancelled while it waits", cancelled_waiting),
    case("all requests of a handle cancelled", all_cancelled),
    case("cancelled by Ctrl-C", interrupted),
    case("handle closed with requests under way", closed_pending),
    case("process ended with requests under way", process_exit),
    case("1000 opens and closes", many_opens),
    case("64 handles at once", many_handles),
    case("two clients", two_clients),
    case("abuse: what no honest client sends", abused),
];

const fn case(name: &'static str, run: fn() -> Verdict) -> Case {
    Case { name, run }
}

/// Cases that Wine cannot show, and the tests that do.
const SKIPPED: [(&str, &str); 5] = [
    (
        "pointers within a request",
        "the driver has a process of its own in Wine; the lab's self-test and matrix",
    ),
    (
        "bad buffer pointers",
        "Wine turns them down before the driver sees them; the lab's abuse tests",
    ),
    (
        "an open that the driver refuses",
        "Wine ignores the status of IRP_MJ_CREATE; the lab's access tests",
    ),
    (
        "a handle of another process, the device's security",
        "not tried: all clients in Wine are the same administrator; the lab's access tests",
    ),
    (
        "two requests in the driver at once",
        "Wine has one thread for a driver's requests; the lab's races",
    ),
];

pub fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("leave") => leave(),
        Some("client") => return client(),
        _ => {}
    }
    let mut passed = true;
    // Without an argument, all cases run.
    let word = arguments.first().map_or("", String::as_str);
    let mut cases: Vec<Value> = CASES
        .iter()
        .filter(|case| case.name.contains(word))
        .map(|case| {
            // The last name is that of a case that hangs.
            eprintln!("{}", case.name);
            let verdict = (case.run)();
            passed &= verdict.is_ok();
            json!({
                "name": case.name,
                "outcome": if verdict.is_ok() { "passed" } else { "FAILED" },
                "detail": verdict.err(),
            })
        })
        .collect();
    cases.extend(
        SKIPPED
            .iter()
            .map(|(name, reason)| json!({ "name": name, "outcome": "skipped", "detail": reason })),
    );
    println!("{:#}", json!({ "passed": passed, "cases": cases }));
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn open() -> Result<DeviceHandle, String> {
    DeviceHandle::open(WIN32_DEVICE_PATH, true, true).map_err(|error| format!("open: {error}"))
}

fn transport() -> Result<WindowsTransport, String> {
    Interrupt::unattached()
        .map(WindowsTransport::new)
        .map_err(|error| error.to_string())
}

fn never() -> Result<Event, String> {
    Event::unnamed().map_err(|error| error.to_string())
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Verdict {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: {found:x?}, not {expected:x?}"))
    }
}

const INFORMATION: usize = size_of::<InformationResponse>();
const TRANSFER: usize = size_of::<CopyResponse>();

fn information_request() -> Vec<u8> {
    let request = InformationRequest {
        header: Header::of::<InformationRequest>(),
    };
    request.as_bytes().to_vec()
}

fn information(device: &DeviceHandle) -> Verdict {
    let mut output = [0; INFORMATION];
    let code = Code::of(RequestKind::Information).value;
    let outcome = device.control(code, &information_request(), &mut output, &never()?);
    expect("information", &outcome, &Completion::Done(INFORMATION))
}

/// A request for RAM, and the output that it needs.
fn read_request(address: u64, length: usize) -> (Vec<u8>, Vec<u8>) {
    let request = CopyMemoryRequest {
        header: Header::of::<CopyMemoryRequest>(),
        address,
        length: length as u64,
        flags: CopyFlags::PHYSICAL.bits(),
        engine: EngineKind::System as u32,
    };
    (request.as_bytes().to_vec(), vec![0xEE; TRANSFER + length])
}

const fn read_code() -> u32 {
    Code::of(RequestKind::CopyMemory).value
}

fn start(device: &DeviceHandle, address: u64, length: usize) -> Result<Pending, String> {
    let (input, output) = read_request(address, length);
    device
        .start(read_code(), input, output)
        .map_err(|outcome| format!("a read of {address:#x} ended at once: {outcome:x?}"))
}

/// What RAM holds at an address.
fn expected(address: u64, length: usize) -> Vec<u8> {
    (address..)
        .step_by(8)
        .flat_map(u64::to_le_bytes)
        .take(length)
        .collect()
}

/// Whether a read came to its end with the right bytes.
fn arrived(pending: Pending, address: u64, length: usize) -> Verdict {
    let (outcome, output) = pending.wait();
    expect("read", &outcome, &Completion::Done(TRANSFER + length))?;
    if output[TRANSFER..] == expected(address, length) {
        Ok(())
    } else {
        Err(format!("a read of {address:#x} gave other bytes"))
    }
}

/// The shut gate. A drop opens it.
struct Shut(Event);

impl Shut {
    fn new() -> Result<Self, String> {
        let event = Event::named(HOLD_EVENT).map_err(|error| error.to_string())?;
        event.reset();
        Ok(Self(event))
    }

    /// Opens it, and sends a request that moves the waiting ones on.
    fn open(self) -> Verdict {
        self.0.set();
        information(&open()?)
    }
}

impl Drop for Shut {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// A request that waits in the driver's queue while the gate is shut.
fn waiting(device: &DeviceHandle) -> Result<Pending, String> {
    let code = Code::of(RequestKind::Information).value;
    let pending = device
        .start(code, information_request(), vec![0xEE; INFORMATION])
        .map_err(|outcome| format!("a request ended at once: {outcome:x?}"))?;
    if pending.has_ended() {
        return Err("the gate held nothing up".into());
    }
    Ok(pending)
}

fn done(pending: Pending) -> Verdict {
    expect("waited", &pending.wait().0, &Completion::Done(INFORMATION))
}

fn cancelled(pending: Pending) -> Verdict {
    let (outcome, output) = pending.wait();
    expect(
        "cancelled",
        &outcome,
        &Completion::Status(NtStatus::CANCELLED.0),
    )?;
    expect("output", &output, &vec![0xEE; INFORMATION])
}

fn buffered() -> Verdict {
    information(&open()?)
}

fn buffered_too_small() -> Verdict {
    let mut output = [0xEE; INFORMATION - 1];
    let code = Code::of(RequestKind::Information).value;
    let outcome = open()?.control(code, &information_request(), &mut output, &never()?);
    expect(
        "information",
        &outcome,
        &Completion::Status(NtStatus::BUFFER_TOO_SMALL.0),
    )?;
    expect("output", &output, &[0xEE; INFORMATION - 1])
}

fn out_direct() -> Verdict {
    let device = open()?;
    arrived(
        start(&device, RAM + 5 * 8, 64 << 10)?,
        RAM + 5 * 8,
        64 << 10,
    )
}

fn out_direct_partial() -> Verdict {
    let mut transport = transport()?;
    let mut device = Device::open(&mut transport, OpenAccess::Read).map_err(|e| explain(&e))?;
    // RAM ends there, and a hole begins.
    let start = 0x9_F000 - 4096 - 24;
    let mut target = vec![0xEE; 8192];
    let report = device
        .copy_memory(Source::Physical(start), EngineKind::System, &mut target)
        .map_err(|error| explain(&error))?;
    expect("copied", &report.result.copied, &(4096 + 24))?;
    expect(
        "status",
        &report.result.status(),
        &NtStatus::INVALID_ADDRESS,
    )?;
    expect(
        "arrived",
        &target[..4096 + 24].to_vec(),
        &expected(start, 4096 + 24),
    )?;
    expect(
        "untouched",
        &target[4096 + 24..].to_vec(),
        &vec![0xEE; 4096 - 24],
    )
}

fn neither() -> Verdict {
    use ringcopy_client::protocol::CallerCopyRequest;

    let request = CallerCopyRequest {
        header: Header::of::<CallerCopyRequest>(),
        // Not an address: the case is about the request and the response.
        address: 0x8000_0000_0000_0000,
        length: 64,
        session_offset: 0,
        alignment: 1,
        mode: 0,
    };
    let mut output = [0; TRANSFER];
    let code = Code::of(RequestKind::CopyFrom).value;
    let outcome = open()?.control(code, request.as_bytes(), &mut output, &never()?);
    expect("copy from", &outcome, &Completion::Done(TRANSFER))?;
    let response = CopyResponse::read_from_bytes(&output).map_err(|error| error.to_string())?;
    expect(
        "status",
        &response.result.status,
        &NtStatus::ACCESS_VIOLATION.0,
    )?;
    expect("copied", &response.result.copied, &0)
}

fn overlapped() -> Verdict {
    let device = open()?;
    let shut = Shut::new()?;
    let pending: Result<Vec<_>, _> = (0..32).map(|_| waiting(&device)).collect();
    let pending = pending?;
    shut.open()?;
    // The last request first: each has an event of its own.
    pending.into_iter().rev().try_for_each(done)
}

fn cancelled_waiting() -> Verdict {
    let device = open()?;
    let shut = Shut::new()?;
    let (first, second, third) = (waiting(&device)?, waiting(&device)?, waiting(&device)?);
    if !second.cancel() {
        return Err("there was nothing to cancel".into());
    }
    cancelled(second)?;
    if first.has_ended() || third.has_ended() {
        return Err("more than the one request was cancelled".into());
    }
    shut.open()?;
    done(first)?;
    done(third)
}

fn all_cancelled() -> Verdict {
    let (device, other) = (open()?, open()?);
    let shut = Shut::new()?;
    let (first, second, others) = (waiting(&device)?, waiting(&device)?, waiting(&other)?);
    device.cancel_all();
    cancelled(first)?;
    cancelled(second)?;
    shut.open()?;
    done(others)
}

fn interrupted() -> Verdict {
    let device = open()?;
    let shut = Shut::new()?;
    let interrupt = never()?;
    interrupt.set();
    let mut output = [0xEE; INFORMATION];
    let code = Code::of(RequestKind::Information).value;
    let outcome = device.control(code, &information_request(), &mut output, &interrupt);
    expect(
        "interrupted",
        &outcome,
        &Completion::Status(NtStatus::CANCELLED.0),
    )?;
    expect("output", &output, &[0xEE; INFORMATION])?;
    shut.open()
}

fn closed_pending() -> Verdict {
    let device = open()?;
    let shut = Shut::new()?;
    let under_way = [waiting(&device)?, waiting(&device)?];
    drop(device);
    shut.open()?;
    for pending in under_way {
        match pending.wait().0 {
            Completion::Done(INFORMATION) => {}
            Completion::Status(status) if status == NtStatus::CANCELLED.0 => {}
            outcome => return Err(format!("a request of a closed handle: {outcome:x?}")),
        }
    }
    Ok(())
}

fn child(word: &str) -> Result<Child, String> {
    env::current_exe()
        .and_then(|path| {
            Command::new(path)
                .arg(word)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
        })
        .map_err(|error| format!("cannot start another client: {error}"))
}

/// In another process: ends with handles open and requests under way.
fn leave() {
    let Ok(device) = open() else {
        std::process::exit(1)
    };
    let others: Vec<_> = (0..8).map(|_| open()).collect();
    let under_way = waiting(&device);
    let code = if under_way.is_ok() { 7 } else { 1 };
    std::mem::forget((device, others, under_way));
    std::process::exit(code)
}

fn process_exit() -> Verdict {
    let shut = Shut::new()?;
    let mut child = child("leave")?;
    let ended = child.wait().map_err(|error| error.to_string())?;
    expect("exit code", &ended.code(), &Some(7))?;
    shut.open()
}

fn many_opens() -> Verdict {
    for _ in 0..1000 {
        information(&open()?)?;
    }
    Ok(())
}

fn many_handles() -> Verdict {
    let devices: Result<Vec<_>, _> = (0..64).map(|_| open()).collect();
    devices?.iter().try_for_each(information)
}

/// In another process: reads again and again.
fn client() -> ExitCode {
    match reads() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn reads() -> Verdict {
    let device = open()?;
    for round in 0..200_u64 {
        let place = RAM + round * 4104;
        arrived(start(&device, place, 4096)?, place, 4096)?;
    }
    Ok(())
}

fn two_clients() -> Verdict {
    let mut other = child("client")?;
    reads()?;
    let ended = other.wait().map_err(|error| error.to_string())?;
    expect("the other client", &ended.code(), &Some(0))
}

fn abused() -> Verdict {
    let found = abuse::run(&mut transport()?).map_err(|error| explain(&error))?;
    expect("wrong", &found.wrong, &Vec::new())
}
