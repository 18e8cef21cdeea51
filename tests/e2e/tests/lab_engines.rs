//! The native engine against the system's, which share no code in the lab: the same random requests
//! to both have to come to the same, to the byte.
//!
//! Memory of a running system changes by itself, and with every request: some of it is mapped for
//! that request alone. Where the answers differ, both engines are asked again and again, in an
//! order in which neither has every other turn. If one of them gives another answer than before,
//! the memory changed; engines that disagree go on disagreeing.

#![forbid(unsafe_code)]

use std::{env, fmt};

use ringcopy_client::{
    PAGE_LENGTH, Transport,
    protocol::{
        BatchEntry, CopyMemoryFlags, CopyMemoryRequest, Engine, EntryResult, Header, NtStatus,
        Reach, RequestKind, TransferResponse, judge,
    },
};
use ringcopy_lab::{Lab, MachineFact, Options, PageState};
use ringcopy_tests::{Outcome, Served, Victim, batch, finish, options, outcome, privileged, tell};
use zerocopy::{FromBytes, IntoBytes};

/// Where the seed comes from, if it is not to be the usual one.
const SEED: &str = "RINGCOPY_SEED";

/// Entries of one batch: small enough to send many, large enough to be worth it.
const ENTRIES: usize = 1024;

/// How often both engines are asked again before they are said to disagree.
const PATIENCE: u32 = 8;

/// What a target holds where nothing arrived.
const UNTOUCHED: u8 = 0xEE;

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn from_environment() -> Self {
        let seed = env::var(SEED).map_or(0x5EED, |seed| {
            ringcopy_client::parse_number(&seed).unwrap_or_else(|error| panic!("{SEED}: {error}"))
        });
        tell(&format!("seed {seed:#x} ({SEED} sets another)"));
        Self(seed)
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Addresses that are worth looking around.
struct Places {
    physical: Vec<u64>,
    virtually: Vec<u64>,
}

impl Places {
    fn of(lab: &Lab, victim: &mut Victim<'_>) -> Self {
        let facts = lab.facts().unwrap();
        let fact = |fact| facts.get(fact);
        let session = victim.information;
        let width = session.physical_address_bits;
        let mut physical = vec![
            0,
            fact(MachineFact::IoAddress),
            fact(MachineFact::RamEnd),
            fact(MachineFact::HoleAddress),
            session.session_physical_address,
            1 << width,
            (1 << width) - PAGE_LENGTH,
            1 << 51,
            u64::MAX,
        ];
        for range in lab.ram_ranges().unwrap() {
            physical.extend([range.base, range.base + range.length]);
            physical.push(range.base + range.length / 3);
        }
        let mut virtually = vec![
            0,
            session.user_limit,
            0x7FFF_FFFF_F000,
            0x8000_0000_0000,
            (1 << 63) - 1,
            1 << 63,
            0xFF00_0000_0000_0000,
            0xFFFF_8000_0000_0000,
            u64::MAX,
            session.session_address,
            session.session_address + session.session_length,
            fact(MachineFact::SystemAddress),
            fact(MachineFact::SystemAddress) + fact(MachineFact::SystemLength),
            fact(MachineFact::LargePageAddress),
            fact(MachineFact::LargePageAddress) + (1 << 20),
            fact(MachineFact::LargePageAddress) + (2 << 20),
            fact(MachineFact::KernelScratch) + fact(MachineFact::KernelScratchLength),
            fact(MachineFact::UnmappedSystemAddress),
            fact(MachineFact::IoSystemAddress),
            victim.source,
            victim.source + PAGE_LENGTH,
            victim.source + 2 * PAGE_LENGTH,
        ];
        // A guard page would be spent by whoever comes first.
        for state in [
            PageState::NoAccess,
            PageState::ReadOnly,
            PageState::InPageError,
            PageState::Unmapped,
        ] {
            let pages = victim.process.allocate(3 * PAGE_LENGTH).unwrap();
            let middle = pages + PAGE_LENGTH;
            victim
                .process
                .set_pages(middle, PAGE_LENGTH, state)
                .unwrap();
            virtually.extend([middle, middle + PAGE_LENGTH]);
        }
        Self {
            physical,
            virtually,
        }
    }

    fn entry(&self, random: &mut Random) -> BatchEntry {
        let (places, flags) = if random.below(2) == 0 {
            (&self.physical, CopyMemoryFlags::PHYSICAL)
        } else {
            (&self.virtually, CopyMemoryFlags::VIRTUAL)
        };
        let index = usize::try_from(random.below(places.len() as u64)).unwrap();
        let distance = match random.below(8) {
            0..4 => 64,
            4..7 => 3 * PAGE_LENGTH,
            _ => 4 << 20,
        };
        let longest = match random.below(64) {
            0 => 9000,
            1..16 => 400,
            16..32 => 64,
            _ => 9,
        };
        BatchEntry {
            address: places[index]
                .wrapping_add(random.below(distance))
                .wrapping_sub(random.below(distance)),
            length: u32::try_from(random.below(longest)).unwrap(),
            flags: flags.bits(),
        }
    }
}

/// What an engine says of an entry, but for its name.
#[derive(Clone, PartialEq, Eq)]
struct Answer {
    result: EntryResult,
    slot: Vec<u8>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = &self.slot[..self.slot.len().min(64)];
        write!(f, "{:?} {bytes:02X?}", self.result)
    }
}

impl Answer {
    fn new(result: EntryResult, slot: &[u8]) -> Self {
        let copied = usize::try_from(result.copied).unwrap();
        assert!(
            slot[copied..].iter().all(|&byte| byte == UNTOUCHED),
            "{result:?}: bytes behind the last"
        );
        let result = EntryResult {
            engine: 0,
            // An engine may know of less of a hole than the other.
            hole_length: 0,
            ..result
        };
        Self {
            result,
            slot: slot.to_vec(),
        }
    }
}

fn ask_together(victim: &mut Victim<'_>, engine: Engine, entries: &[BatchEntry]) -> Vec<Answer> {
    let total: u32 = entries.iter().map(|entry| entry.length).sum();
    let mut output = vec![UNTOUCHED; judge::results_end(entries.len()) + total as usize];
    let input = batch(engine, entries);
    let answer = victim.send(RequestKind::CopyBatch, &input, &mut output);
    assert_eq!(outcome(answer), Outcome::Done(output.len()));
    let served = Served::read(&output);
    let mut bytes = &output[served.bytes_at..];
    entries
        .iter()
        .zip(served.results)
        .map(|(entry, result)| {
            assert!(result.engine == engine as u32, "{result:?}");
            let (slot, rest) = bytes.split_at(entry.length as usize);
            bytes = rest;
            Answer::new(result, slot)
        })
        .collect()
}

fn ask_alone(victim: &mut Victim<'_>, engine: Engine, entry: &BatchEntry) -> Answer {
    let request = CopyMemoryRequest {
        header: Header::of::<CopyMemoryRequest>(),
        address: entry.address,
        length: entry.length.into(),
        flags: entry.flags,
        engine: engine as u32,
    };
    let head = size_of::<TransferResponse>();
    let mut output = vec![UNTOUCHED; head + entry.length as usize];
    let answer = victim.send(RequestKind::CopyMemory, request.as_bytes(), &mut output);
    assert!(matches!(outcome(answer), Outcome::Done(_)), "{entry:?}");
    let (response, slot) = TransferResponse::read_from_prefix(&output).unwrap();
    let result = EntryResult {
        status: response.status,
        direction: response.direction,
        copied: response.copied,
        address: response.address,
        engine: response.engine,
        flags: response.flags,
        hole_length: response.hole_length,
    };
    Answer::new(result, slot)
}

#[derive(Default)]
struct Counts {
    compared: usize,
    complete: usize,
    refused: usize,
    changed: usize,
    disagreements: Vec<String>,
}

impl Counts {
    fn compare(
        &mut self,
        victim: &mut Victim<'_>,
        entry: &BatchEntry,
        native: &Answer,
        system: &Answer,
    ) {
        self.compared += 1;
        self.complete += usize::from(native.result.status == NtStatus::SUCCESS.0);
        self.refused += usize::from(native.result.copied == 0 && native.result.status != 0);
        // RAM that the driver maps uncached is not for the native engine.
        let left_out = native.result.status == NtStatus::INVALID_PAGE_PROTECTION.0;
        if native == system || left_out {
            return;
        }
        let by = |engine| {
            if engine == Engine::Native {
                native
            } else {
                system
            }
        };
        for round in 0..PATIENCE {
            let turns = if round % 2 == 0 {
                [
                    Engine::Native,
                    Engine::System,
                    Engine::System,
                    Engine::Native,
                ]
            } else {
                [
                    Engine::System,
                    Engine::Native,
                    Engine::Native,
                    Engine::System,
                ]
            };
            for engine in turns {
                if ask_alone(victim, engine, entry) != *by(engine) {
                    self.changed += 1;
                    return;
                }
            }
        }
        self.disagreements
            .push(format!("{entry:X?}\n  {native:?}\n  {system:?}"));
    }
}

/// Sends so many batches and so many single requests to both engines of a lab.
fn compare(options: Options, random: &mut Random, batches: usize, singles: usize) -> Counts {
    let lab = Lab::boot(options).unwrap_or_else(|error| panic!("{error}"));
    let mut victim = Victim::of(privileged(&lab));
    let places = Places::of(&lab, &mut victim);
    let mut counts = Counts::default();
    for _ in 0..batches {
        let entries: Vec<_> = (0..ENTRIES).map(|_| places.entry(random)).collect();
        let native = ask_together(&mut victim, Engine::Native, &entries);
        let system = ask_together(&mut victim, Engine::System, &entries);
        for ((entry, native), system) in entries.iter().zip(&native).zip(&system) {
            counts.compare(&mut victim, entry, native, system);
        }
    }
    for _ in 0..singles {
        let entry = places.entry(random);
        let native = ask_alone(&mut victim, Engine::Native, &entry);
        let system = ask_alone(&mut victim, Engine::System, &entry);
        counts.compare(&mut victim, &entry, &native, &system);
    }
    drop(victim);
    finish(lab);
    counts
}

fn assert_agreed(what: &str, counts: &Counts, least: usize) {
    tell(&format!(
        "{what}: {} compared, {} complete, {} refused, {} changed, {} disagreements",
        counts.compared,
        counts.complete,
        counts.refused,
        counts.changed,
        counts.disagreements.len(),
    ));
    assert!(
        counts.disagreements.is_empty(),
        "{}",
        counts.disagreements.join("\n")
    );
    assert!(counts.compared >= least);
    // Requests that are all refused, or that all change, compare nothing.
    assert!(counts.complete > counts.compared / 8, "too few complete");
    assert!(counts.refused > counts.compared / 16, "too few refused");
    assert!(counts.changed < counts.compared / 16, "too many changed");
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn both_engines_come_to_the_same() {
    let mut random = Random::from_environment();
    let counts = compare(options(Reach::all()), &mut random, 98, 600);
    assert_agreed("4 levels", &counts, 100_000);
    let five_levels = Options {
        five_levels: true,
        ..options(Reach::all())
    };
    let counts = compare(five_levels, &mut random, 10, 100);
    assert_agreed("5 levels", &counts, 10_000);
}
