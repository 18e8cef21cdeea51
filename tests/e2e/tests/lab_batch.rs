//! Many copies in one request. Each entry has the result that it would have alone; batches and
//! scattered copies have the same limits.

#![forbid(unsafe_code)]

use ringcopy_client::{
    PAGE_LENGTH, Transport,
    protocol::{
        BatchEntry, BatchRequest, Code, Direction, EngineKind, Header, MAXIMUM_ENTRIES,
        MAXIMUM_LENGTH, NtStatus, Reach, RequestKind, ScatterEntry, validate,
    },
};
use ringcopy_lab::{MachineFact, PageState};
use ringcopy_tests::{
    LENGTH, PRIVILEGED, UNTOUCHED, Victim, batch, boot,
    entries::{PHYSICAL, VIRTUAL, assert_result, copy_batch, copy_scatter, entry, to_target},
    pattern, scatter, with_victim,
};
use zerocopy::IntoBytes;

const BOTH: [RequestKind; 2] = [RequestKind::CopyBatch, RequestKind::CopyScatter];

/// Bad sources: a name, an entry of [`LENGTH`] bytes, its status, and the bytes that are copied.
fn bad_sources(victim: &mut Victim<'_>) -> Vec<(&'static str, BatchEntry, NtStatus, u64)> {
    let length = u32::try_from(LENGTH).unwrap();
    let limit = victim.information.user_limit;
    let width = victim.information.physical_address_bits;
    let facts = victim.process.lab().facts().unwrap();
    let fact = |fact| facts.get(fact);
    let denied = NtStatus::ACCESS_VIOLATION;
    let invalid = NtStatus::INVALID_ADDRESS;
    let guard = NtStatus::GUARD_PAGE_VIOLATION;
    let in_page = NtStatus::IN_PAGE_ERROR;
    let no_access = victim.page(PageState::NoAccess);
    let broken = victim.page(PageState::InPageError);
    let guarded = victim.page(PageState::Guard);
    let end = victim.source + 2 * PAGE_LENGTH;
    let bad = NtStatus::INVALID_PARAMETER_4;
    let with_flags = |flags| entry(victim.source, length, flags);
    let virtually = |address| entry(address, length, VIRTUAL);
    let physically = |address| entry(address, length, PHYSICAL);
    let unmapped = fact(MachineFact::UnmappedSystemAddress);
    let io_mapped = fact(MachineFact::IoSystemAddress);
    let ram_end = fact(MachineFact::RamEnd) - 5;
    let hole = fact(MachineFact::HoleAddress);
    vec![
        ("null", virtually(0), denied, 0),
        ("no access", virtually(no_access), denied, 0),
        ("guarded", virtually(guarded), guard, 0),
        ("in-page error", virtually(broken), in_page, 0),
        ("half mapped", virtually(end - 24), denied, 24),
        ("across the limit", virtually(limit - 8), denied, 0),
        ("at the limit", virtually(limit), invalid, 0),
        ("lower half's end", virtually((1 << 63) - 8), invalid, 0),
        ("upper half's start", virtually(1 << 63), invalid, 0),
        ("upper half's end", virtually(u64::MAX - 63), invalid, 0),
        ("around the end", virtually(u64::MAX - 62), invalid, 0),
        ("unmapped", virtually(unmapped), invalid, 0),
        ("I/O, mapped", virtually(io_mapped), invalid, 0),
        ("I/O", physically(fact(MachineFact::IoAddress)), invalid, 0),
        ("end of RAM", physically(ram_end), invalid, 5),
        ("a hole", physically(hole), invalid, 0),
        ("beyond the width", physically(1 << width), invalid, 0),
        ("far beyond the width", physically(1 << 63), invalid, 0),
        ("end of everything", physically(u64::MAX - 63), invalid, 0),
        ("around everything", physically(u64::MAX - 62), invalid, 0),
        ("no flag", with_flags(0), bad, 0),
        ("both flags", with_flags(3), bad, 0),
        ("another flag", with_flags(6), bad, 0),
    ]
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_bad_entry_spoils_no_other() {
    with_victim(Reach::all(), |victim| {
        for engine in [EngineKind::Auto, EngineKind::Native, EngineKind::System] {
            let bad = bad_sources(victim);
            let length = u32::try_from(LENGTH).unwrap();
            let good = |number: usize| entry(victim.source + number as u64 * 8, length, VIRTUAL);
            // A good entry before, between and after them.
            let mut entries = vec![good(0)];
            for (number, (_, entry, ..)) in bad.iter().enumerate() {
                entries.extend([*entry, good(number + 1)]);
            }
            let results = copy_batch(victim, engine, &entries);
            for (number, (result, slot)) in results.iter().step_by(2).enumerate() {
                assert_result(result, NtStatus::SUCCESS, LENGTH as u64, Direction::None);
                assert_eq!(*slot, pattern(1, 8192)[number * 8..][..LENGTH]);
            }
            for ((what, _, status, copied), (result, slot)) in
                bad.iter().zip(results.iter().skip(1).step_by(2))
            {
                let direction = if *status == NtStatus::INVALID_PARAMETER_4 {
                    Direction::None
                } else {
                    Direction::Read
                };
                println!("{engine:?}, {what}: {result:X?}");
                assert_result(result, *status, *copied, direction);
                let copied = usize::try_from(*copied).unwrap();
                assert!(
                    slot[copied..].iter().all(|&byte| byte == UNTOUCHED),
                    "{what}"
                );
            }
        }
    });
}

/// The same sources to separate targets, then bad targets.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_bad_target_spoils_no_other_and_nothing_is_written_beyond() {
    with_victim(Reach::all(), |victim| {
        let sources = bad_sources(victim);
        let area = victim.process.allocate(8 * PAGE_LENGTH).unwrap();
        let blank = vec![UNTOUCHED; usize::try_from(8 * PAGE_LENGTH).unwrap()];
        victim.process.write(area, &blank).unwrap();
        let read_only = victim.page(PageState::ReadOnly);
        let slot = |number: usize| area + number as u64 * 2 * LENGTH as u64;
        let length = u32::try_from(LENGTH).unwrap();
        let mut entries: Vec<_> = sources
            .iter()
            .enumerate()
            .map(|(number, (_, entry, ..))| to_target(entry, slot(number)))
            .collect();
        let good = ScatterEntry {
            source: victim.source,
            target: 0,
            length,
            flags: VIRTUAL,
        };
        let session = victim.information.session_address;
        let limit = victim.information.user_limit;
        let bad_targets = [
            0,
            read_only,
            limit - 8,
            limit,
            1 << 63,
            session,
            u64::MAX - 7,
        ];
        entries.extend(bad_targets.map(|target| ScatterEntry { target, ..good }));
        let half = ScatterEntry {
            target: area + 8 * PAGE_LENGTH - 24,
            ..good
        };
        let last = ScatterEntry {
            target: slot(sources.len()),
            ..good
        };
        entries.extend([half, last]);
        let results = copy_scatter(victim, EngineKind::Auto, &entries);
        let mut expected = blank;
        for (number, (what, _, status, copied)) in sources.iter().enumerate() {
            println!("{what}: {:X?}", results[number]);
            assert_eq!(NtStatus(results[number].status), *status, "{what}");
            assert_eq!(results[number].copied, *copied, "{what}");
        }
        let (from_sources, rest) = results.split_at(sources.len());
        assert_eq!(from_sources.len(), sources.len());
        for result in &rest[..bad_targets.len()] {
            assert_result(result, NtStatus::ACCESS_VIOLATION, 0, Direction::Write);
        }
        let [half, last] = rest[bad_targets.len()..] else {
            panic!("{rest:?}");
        };
        assert_result(&half, NtStatus::ACCESS_VIOLATION, 24, Direction::Write);
        assert_eq!(half.address, area + 8 * PAGE_LENGTH);
        assert_result(&last, NtStatus::SUCCESS, LENGTH as u64, Direction::None);

        // Copied bytes are at their targets, and nothing else changed.
        let mut found = vec![0; expected.len()];
        victim.process.read(area, &mut found).unwrap();
        let source = pattern(1, 8192);
        let mut put = |at: u64, bytes: &[u8]| {
            let at = usize::try_from(at - area).unwrap();
            expected[at..at + bytes.len()].copy_from_slice(bytes);
        };
        put(slot(sources.len()), &source[..LENGTH]);
        put(area + 8 * PAGE_LENGTH - 24, &source[..24]);
        for (number, (what, entry, _, copied)) in sources.iter().enumerate() {
            let copied = usize::try_from(*copied).unwrap();
            let bytes = match *what {
                "half mapped" => source[8192 - 24..].to_vec(),
                _ if copied == 0 => Vec::new(),
                _ => victim
                    .process
                    .lab()
                    .read_physical(entry.address, copied as u64)
                    .unwrap(),
            };
            put(slot(number), &bytes);
        }
        assert!(found == expected);
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn entries_of_no_bytes_access_no_memory() {
    with_victim(Reach::empty(), |victim| {
        let addresses = victim.bad_addresses();
        let entries: Vec<_> = addresses
            .into_iter()
            .flat_map(|address| [VIRTUAL, PHYSICAL].map(|flags| entry(address, 0, flags)))
            .collect();
        for (result, _) in copy_batch(victim, EngineKind::Auto, &entries) {
            assert_result(&result, NtStatus::SUCCESS, 0, Direction::None);
        }
        let scattered: Vec<_> = entries
            .iter()
            .map(|entry| to_target(entry, entry.address))
            .collect();
        for result in copy_scatter(victim, EngineKind::Auto, &scattered) {
            assert_result(&result, NtStatus::SUCCESS, 0, Direction::None);
        }
        assert!(copy_batch(victim, EngineKind::Auto, &[]).is_empty());
        assert!(copy_scatter(victim, EngineKind::Auto, &[]).is_empty());
    });
}

/// Policy and privilege hold for each entry.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn every_entry_is_held_to_the_policy() {
    for (policy, token, refusal) in [
        (Reach::empty(), PRIVILEGED, NtStatus::ACCESS_DENIED),
        (
            Reach::all(),
            ringcopy_lab::token::ADMINISTRATORS,
            NtStatus::PRIVILEGE_NOT_HELD,
        ),
    ] {
        let lab = boot(policy);
        let mut victim = Victim::of(lab.process(token).unwrap());
        let facts = lab.facts().unwrap();
        let system = facts.get(MachineFact::SystemAddress);
        let physical = victim
            .process
            .physical_address(victim.source)
            .unwrap()
            .unwrap();
        let information = victim.information;
        let length = u32::try_from(LENGTH).unwrap();
        // An address that a handle is not told is not in its reach either, were it a right one.
        let told = token == PRIVILEGED;
        let (session, page) = if told {
            (
                information.session_address,
                information.session_physical_addresses[3],
            )
        } else {
            (system, physical)
        };
        let session_end = session + information.session_length;
        let entries = [
            (entry(victim.source, length, VIRTUAL), true),
            (entry(system, length, VIRTUAL), false),
            (entry(system + 64, length, VIRTUAL), false),
            (entry(session, length, VIRTUAL), told),
            (entry(physical, length, PHYSICAL), false),
            (entry(physical + 64, length, PHYSICAL), false),
            (entry(page, length, PHYSICAL), told),
            (entry(session_end - 8, length, VIRTUAL), false),
            (entry(u64::MAX, length, VIRTUAL), false),
            (entry(victim.source, length, VIRTUAL), true),
        ];
        let target = victim.destination;
        let all = entries.map(|(entry, _)| entry);
        let by_batch = copy_batch(&mut victim, EngineKind::Auto, &all);
        for ((entry, allowed), (result, slot)) in entries.iter().zip(&by_batch) {
            victim.process.write(target, &[UNTOUCHED; LENGTH]).unwrap();
            let scattered = [to_target(entry, target)];
            let scattered = copy_scatter(&mut victim, EngineKind::Auto, &scattered)[0];
            let mut written = vec![0; LENGTH];
            victim.process.read(target, &mut written).unwrap();
            for (result, bytes) in [(result, slot), (&scattered, &written)] {
                if *allowed {
                    assert_result(result, NtStatus::SUCCESS, LENGTH as u64, Direction::None);
                } else {
                    assert_result(result, refusal, 0, Direction::None);
                    assert!(bytes.iter().all(|&byte| byte == UNTOUCHED));
                }
            }
        }
        // The check that the driver works needs the bytes of before.
        victim.process.write(target, &pattern(2, 8192)).unwrap();
        victim.assert_works();
    }
}

/// Counts and lengths at their limits and beyond.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn counts_and_lengths_end_at_their_limits() {
    with_victim(Reach::empty(), |victim| {
        for kind in BOTH {
            let code = Code::of(kind);
            let size = match kind {
                RequestKind::CopyBatch => size_of::<BatchEntry>(),
                _ => size_of::<ScatterEntry>(),
            };
            let request = |count: u32, engine: u32, entries: usize| {
                let request = BatchRequest {
                    header: Header::of::<BatchRequest>(),
                    count,
                    engine,
                };
                let mut input = request.as_bytes().to_vec();
                input.resize(input.len() + entries * size, 0);
                input
            };
            let most = MAXIMUM_ENTRIES;
            let output = validate::results_end(most as usize + 1);
            let mut refuse = |what: &str, input: &[u8], output: usize, status| {
                let what = format!("{}: {what}", code.name);
                victim.assert_refused(&what, code.value, input, output, status);
            };
            let too_many = NtStatus::INVALID_BUFFER_SIZE;
            let mismatch = NtStatus::INFO_LENGTH_MISMATCH;
            for count in [most + 1, 0x1000_0001, 0x8000_0000, u32::MAX] {
                refuse("too many", &request(count, 0, 1), output, too_many);
            }
            let input = request(most + 1, 0, most as usize + 1);
            refuse("one too many", &input, output, too_many);
            for (count, entries) in [(0, 1), (1, 0), (2, 1), (1, 2), (most, most as usize - 1)] {
                refuse(
                    "another count",
                    &request(count, 0, entries),
                    output,
                    mismatch,
                );
            }
            let mut ragged = request(1, 0, 1);
            ragged.pop();
            refuse("a ragged end", &ragged, output, mismatch);
            for engine in [3, 0x8000_0000, u32::MAX] {
                let input = request(1, engine, 1);
                refuse(
                    "no such engine",
                    &input,
                    output,
                    NtStatus::INVALID_PARAMETER,
                );
            }
            for count in [1, 2, most] {
                let input = request(count, 0, count as usize);
                let short = validate::results_end(count as usize) - 1;
                refuse("too short", &input, short, NtStatus::BUFFER_TOO_SMALL);
            }
        }
        // Sums of lengths.
        let maximum = u32::try_from(MAXIMUM_LENGTH).unwrap();
        let source = victim.source;
        for lengths in [
            vec![maximum + 1],
            vec![maximum, 1],
            vec![u32::MAX],
            vec![u32::MAX; 4096],
            vec![maximum / 2 + 1, maximum / 2],
            vec![16385; 4096],
        ] {
            let entries: Vec<_> = lengths
                .iter()
                .map(|&length| entry(source, length, VIRTUAL))
                .collect();
            let scattered: Vec<_> = entries
                .iter()
                .map(|entry| to_target(entry, victim.destination))
                .collect();
            let status = NtStatus::INVALID_BUFFER_SIZE;
            let output = validate::results_end(lengths.len()) + 100;
            for (kind, input) in [
                (BOTH[0], batch(EngineKind::Auto, &entries)),
                (BOTH[1], scatter(EngineKind::Auto, &scattered)),
            ] {
                let what = format!("{kind:?} of {} lengths", lengths.len());
                victim.assert_refused(&what, Code::of(kind).value, &input, output, status);
            }
        }
        // One byte less than all slots need.
        let entries = [entry(source, 100, VIRTUAL), entry(source, 28, VIRTUAL)];
        let input = batch(EngineKind::Auto, &entries);
        let output = validate::results_end(2) + 127;
        let code = Code::of(RequestKind::CopyBatch).value;
        victim.assert_refused(&"slots", code, &input, output, NtStatus::BUFFER_TOO_SMALL);
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_most_entries_are_all_served() {
    with_victim(Reach::all(), |victim| {
        let count = MAXIMUM_ENTRIES as usize;
        let source = pattern(1, 8192);
        let entries: Vec<_> = (0..count as u64)
            .map(|number| entry(victim.source + number, 8, VIRTUAL))
            .collect();
        for (number, (result, slot)) in copy_batch(victim, EngineKind::Native, &entries)
            .iter()
            .enumerate()
        {
            assert_result(result, NtStatus::SUCCESS, 8, Direction::None);
            assert_eq!(*slot, source[number..number + 8]);
        }
        let target = victim.process.allocate(count as u64 * 8).unwrap();
        let scattered: Vec<_> = (0..count as u64)
            .map(|number| ScatterEntry {
                source: victim.source + number,
                // Back to front.
                target: target + (count as u64 - 1 - number) * 8,
                length: 8,
                flags: VIRTUAL,
            })
            .collect();
        for result in copy_scatter(victim, EngineKind::System, &scattered) {
            assert_result(&result, NtStatus::SUCCESS, 8, Direction::None);
        }
        let mut found = vec![0; count * 8];
        victim.process.read(target, &mut found).unwrap();
        for (number, bytes) in found.chunks(8).rev().enumerate() {
            assert_eq!(*bytes, source[number..number + 8]);
        }
    });
}
