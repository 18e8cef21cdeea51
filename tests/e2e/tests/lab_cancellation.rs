//! Requests that are cancelled before the driver gets them or while it works on them, and handles
//! that are closed while requests are under way.

#![forbid(unsafe_code)]

use ringcopy_client::{
    OpenAccess, PAGE_LENGTH, Transport,
    protocol::{
        BatchEntry, CODES, Code, CopyMemoryRequest, CopyResponse, CopyResult, CopyThroughRequest,
        EngineKind, Method, NtStatus, Reach, RequestKind, validate,
    },
};
use ringcopy_lab::{Beside, Interference, Lab, MachineFact, Sending};
use ringcopy_tests::{
    BatchOutput, UNTOUCHED, Victim, batch, buffer, completion,
    entries::{PHYSICAL, VIRTUAL, entry, to_target},
    pattern, privileged, scatter, until_it_happened, with_victim,
};
use zerocopy::{FromBytes, IntoBytes};

/// The most bytes that a request copies before its cancellation is looked at again.
const PIECE: usize = 64 << 10;

/// Bytes of a long request: more than a piece, and no number of pieces.
const LONG: usize = (1 << 20) + 100;

/// Runs `stage` with a victim in a lab of two processors.
fn with_two_processors(mut stage: impl FnMut(&Lab, &mut Victim<'_>)) {
    ringcopy_tests::with_two_processors(Reach::all(), &[false], |lab| {
        let mut victim = Victim::of(privileged(lab));
        stage(lab, &mut victim);
        victim.assert_works();
    });
}

/// Whether requests of a method wait in the queue. The others name memory of their caller, and are
/// served in its context.
fn is_queued(method: Method) -> bool {
    method == Method::Buffered
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_request_that_arrives_cancelled_is_ended_by_its_queue() {
    with_victim(Reach::all(), |victim| {
        for code in &CODES {
            let (input, output) = victim.write_good(code.kind);
            let (process, handle) = (&mut victim.process, victim.handle);
            let how = Sending {
                cancelled: true,
                ..Sending::default()
            };
            let sent = process.device_io_control_sent(how, handle, code.value, input, output);
            // A short request that is not queued is done before its cancellation is looked at.
            let expected = if is_queued(code.method) {
                Err(NtStatus::CANCELLED)
            } else {
                Ok(output.length as usize)
            };
            assert_eq!(completion(sent), expected, "{:?}", code.kind);
        }
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_that_are_cancelled_now_and_then_are_whole_or_cancelled() {
    with_two_processors(|lab, victim| {
        for code in &CODES {
            let (input, output) = victim.write_good(code.kind);
            until_it_happened(|| {
                lab.start_interference(None, 0, Interference::Cancel)
                    .unwrap();
                for _ in 0..500 {
                    let sent = victim.send_at(code.value, input, output);
                    let is_whole = sent == Ok(output.length as usize);
                    let is_cancelled = is_queued(code.method) && sent == Err(NtStatus::CANCELLED);
                    assert!(is_whole || is_cancelled, "{:?}: {sent:?}", code.kind);
                }
                lab.stop_interference().unwrap() > 0
            });
        }
    });
}

/// A request that takes many pieces.
struct Long {
    what: &'static str,
    kind: RequestKind,
    input: Vec<u8>,
    /// Where its bytes come from, and by which flags.
    source: BatchEntry,
    /// Where they arrive: in the output after the results, if not in the caller's memory.
    target: Option<u64>,
}

/// Memory for long requests.
struct Places {
    request: u64,
    response: u64,
    bytes: Vec<u8>,
}

impl Long {
    /// Long requests of every kind.
    fn all(victim: &mut Victim<'_>) -> (Vec<Self>, Places) {
        let mut allocate = || victim.process.allocate(2 * LONG as u64).unwrap();
        let (own, target, response) = (allocate(), allocate(), allocate());
        let bytes = pattern(51, LONG);
        victim.process.write(own, &bytes).unwrap();
        let length = u32::try_from(LONG).unwrap();
        let lab = victim.process.lab();
        let ram = lab.facts().unwrap().get(MachineFact::RamEnd) - (2 << 20);
        let virtually = entry(own + 8, length, VIRTUAL);
        let physically = entry(ram + 8, length, PHYSICAL);
        let mut all = Vec::new();
        for (what, source, engine) in [
            ("own memory", virtually, EngineKind::Auto),
            ("physical, native", physically, EngineKind::Native),
            ("physical, system", physically, EngineKind::System),
        ] {
            let short = entry(own, 16, VIRTUAL);
            let read = CopyMemoryRequest {
                address: source.address,
                length: LONG as u64,
                flags: source.flags,
                engine: engine as u32,
                ..victim.copy_memory()
            };
            let long = |kind, input, target| Self {
                what,
                kind,
                input,
                source,
                target,
            };
            let far = target + LONG as u64 + 8;
            let entries = [source, short].map(|entry| match entry.length {
                16 => to_target(&entry, far),
                _ => to_target(&entry, target),
            });
            all.extend([
                long(RequestKind::CopyMemory, read.as_bytes().to_vec(), None),
                long(
                    RequestKind::CopyBatch,
                    batch(engine, &[source, short]),
                    None,
                ),
                long(
                    RequestKind::CopyScatter,
                    scatter(engine, &entries),
                    Some(target),
                ),
            ]);
        }
        let through = CopyThroughRequest {
            source: virtually.address,
            destination: target,
            length: LONG as u64,
            alignment: 1,
            ..victim.copy_through()
        };
        all.push(Self {
            what: "own memory",
            kind: RequestKind::CopyThrough,
            input: through.as_bytes().to_vec(),
            source: virtually,
            target: Some(target),
        });
        let places = Places {
            request: victim.request,
            response,
            bytes,
        };
        (all, places)
    }

    const fn has_entries(&self) -> bool {
        matches!(self.kind, RequestKind::CopyBatch | RequestKind::CopyScatter)
    }

    /// Sends it, and checks that exactly the bytes arrived that it counts. Returns the result.
    fn send(&self, victim: &mut Victim<'_>, places: &Places, how: Sending<'_>) -> CopyResult {
        let what = format!("{:?}, {}", self.kind, self.what);
        let results = if self.has_entries() {
            validate::results_end(2)
        } else {
            size_of::<CopyResponse>()
        };
        let inline = if self.target.is_some() { 0 } else { LONG };
        let more = if inline > 0 && self.has_entries() {
            16
        } else {
            0
        };
        let blank = vec![UNTOUCHED; results + inline + more];
        let process = &mut victim.process;
        process.write(places.request, &self.input).unwrap();
        process.write(places.response, &blank).unwrap();
        if let Some(target) = self.target {
            process.write(target, &vec![UNTOUCHED; LONG]).unwrap();
        }
        let sent = process.device_io_control_sent(
            how,
            victim.handle,
            Code::of(self.kind).value,
            buffer(places.request, self.input.len()),
            buffer(places.response, blank.len()),
        );
        let returned = completion(sent).unwrap();
        let mut output = blank;
        process.read(places.response, &mut output).unwrap();
        let result = if self.has_entries() {
            let read = BatchOutput::read(&output);
            let [first, second] = read.results[..] else {
                panic!("{what}: {read:?}")
            };
            let expected = match first.status() {
                NtStatus::CANCELLED => (NtStatus::CANCELLED, 0),
                _ => (NtStatus::SUCCESS, 16),
            };
            // Cancelled is cancelled: so are the later entries, but for the last moment.
            if first.status() == NtStatus::CANCELLED || how.cancelled {
                assert_eq!((second.status(), second.copied), expected, "{what}");
            }
            first
        } else {
            let (response, _) = CopyResponse::read_from_prefix(&output).unwrap();
            response.result
        };
        let copied = usize::try_from(result.copied).unwrap();
        if !self.has_entries() && self.target.is_none() {
            assert_eq!(returned, results + copied, "{what}");
        }
        let mut arrived = output.split_off(results);
        arrived.truncate(LONG);
        if let Some(target) = self.target {
            arrived.resize(LONG, 0);
            process.read(target, &mut arrived).unwrap();
        }
        if self.source.flags == VIRTUAL {
            assert!(arrived[..copied.min(LONG - 8)] == places.bytes[8..][..copied.min(LONG - 8)]);
        }
        let beyond = &arrived[copied..];
        assert!(
            beyond.iter().all(|&byte| byte == UNTOUCHED),
            "{what}: more arrived"
        );
        let cancelled = result.status() == NtStatus::CANCELLED && copied < LONG;
        let complete = result.status() == NtStatus::SUCCESS && copied == LONG;
        assert!(cancelled || complete, "{what}: {result:X?}");
        assert_eq!(result.stop_address(), None, "{what}");
        result
    }
}

/// Copies look whether they are still waited for: once for each piece, and not before the first.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_long_copy_ends_within_a_piece_of_its_cancellation_or_of_its_threads_end() {
    with_victim(Reach::all(), |victim| {
        let (all, places) = Long::all(victim);
        let cancelled = Sending {
            cancelled: true,
            ..Sending::default()
        };
        let ending = Sending {
            thread_ends: true,
            ..Sending::default()
        };
        for long in &all {
            let what = format!("{:?}, {}", long.kind, long.what);
            for how in [cancelled, ending] {
                let result = long.send(victim, &places, how);
                assert_eq!(result.status(), NtStatus::CANCELLED, "{what}");
                assert!(
                    (1..=PIECE as u64).contains(&result.copied),
                    "{what}: {result:X?}"
                );
            }
            let whole = long.send(victim, &places, Sending::default());
            assert_eq!(whole.status(), NtStatus::SUCCESS, "{what}");
        }
    });
}

/// Sends a batch that is cancelled already when it is served. Returns the output after the bytes that it
/// counts, too.
fn cancelled_batch(victim: &mut Victim<'_>, entries: &[BatchEntry]) -> (BatchOutput, Vec<u8>) {
    let input = batch(EngineKind::Auto, entries);
    let bytes: usize = entries.iter().map(|entry| entry.length as usize).sum();
    let length = validate::results_end(entries.len()) + bytes;
    let request = victim.process.allocate(input.len() as u64).unwrap();
    let response = victim.process.allocate(length as u64).unwrap();
    let mut output = vec![UNTOUCHED; length];
    victim.process.write(request, &input).unwrap();
    victim.process.write(response, &output).unwrap();
    let how = Sending {
        cancelled: true,
        ..Sending::default()
    };
    let sent = victim.process.device_io_control_sent(
        how,
        victim.handle,
        Code::of(RequestKind::CopyBatch).value,
        buffer(request, input.len()),
        buffer(response, length),
    );
    assert_eq!(completion(sent), Ok(length));
    victim.process.read(response, &mut output).unwrap();
    (BatchOutput::read(&output), output)
}

/// So do many entries, however short.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn many_short_entries_end_soon_after_their_cancellation() {
    with_victim(Reach::all(), |victim| {
        let (read, output) = cancelled_batch(victim, &[entry(victim.source, 8, VIRTUAL); 1000]);
        let served = read.response.succeeded as usize;
        assert!((1..=PIECE / 128).contains(&served), "{served}");
        let (before, after) = read.results.split_at(served);
        assert!(before.iter().all(|result| result.copied == 8));
        let cancelled = |result: &CopyResult| result.status() == NtStatus::CANCELLED;
        assert!(after.iter().all(cancelled));
        let beyond = &output[read.bytes_at + 8 * served..];
        assert!(beyond.iter().all(|&byte| byte == UNTOUCHED));
        victim.assert_works();
    });
}

/// Each byte counts once: entries that are a piece together are served whole.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn entries_of_one_piece_are_served_in_spite_of_their_cancellation() {
    with_victim(Reach::all(), |victim| {
        const RAM: u64 = 0x10_0000;
        // Short ones in one page, and ones of several pages.
        let neighbours = (0..100).map(|number| entry(RAM + 8 * number, 8, PHYSICAL));
        let long = [entry(RAM, 20 << 10, PHYSICAL); 2];
        let entries: Vec<_> = neighbours.chain(long).collect();
        let (read, _) = cancelled_batch(victim, &entries);
        assert_eq!(read.response.succeeded as usize, entries.len());
    });
}

/// The second processor cancels long copies half way.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn long_copies_that_are_cancelled_half_way_count_exactly() {
    with_two_processors(|lab, victim| {
        let (all, places) = Long::all(victim);
        for long in &all {
            until_it_happened(|| {
                lab.start_interference(None, 0, Interference::Cancel)
                    .unwrap();
                let half_way = (0..20).any(|_| {
                    let result = long.send(victim, &places, Sending::default());
                    (1..LONG as u64).contains(&result.copied)
                });
                lab.stop_interference().unwrap();
                half_way
            });
        }
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_handle_is_closed_while_requests_are_under_way() {
    with_two_processors(|_, victim| {
        for code in &CODES {
            let good = victim.good(code.kind);
            let length = Victim::output_length(code.kind);
            let sides = [0, 1].map(|_| {
                let request = victim.process.allocate(PAGE_LENGTH).unwrap();
                let response = victim.process.allocate(length as u64).unwrap();
                victim.process.write(request, &good).unwrap();
                (buffer(request, good.len()), buffer(response, length))
            });
            until_it_happened(|| {
                let handle = victim.process.open(OpenAccess::ReadWrite).unwrap();
                let [one, other] = victim
                    .process
                    .device_io_control_on_both(handle, code.value, sides, 300, Beside::UntilClosed)
                    .unwrap();
                assert_eq!((one.status, one.sent), (NtStatus::SUCCESS, 300));
                let [(request, response), _] = sides;
                let sent = victim
                    .process
                    .device_io_control_at(handle, code.value, request, response);
                assert_eq!(completion(sent), Err(NtStatus::INVALID_HANDLE));
                if other.sent == 0 {
                    return false;
                }
                assert_eq!(other.status, NtStatus::SUCCESS);
                let information = [one.returned, other.returned];
                assert_eq!(information, [length as u64; 2], "{:?}", code.kind);
                true
            });
        }
    });
}
