//! The native engine against the system engine, which share no code in the lab: the same random
//! requests to both have to have the same results, to the byte.
//!
//! Memory of a running system changes by itself and with every request, for some of it is mapped for
//! one request. Where the results differ, the test repeats the request with both engines, in an order
//! in which neither has every other turn. If the result of one engine changes, the memory changed.
//! If no result changes, the engines disagree.

#![forbid(unsafe_code)]

use std::{env, fmt};

use ringcopy_client::{
    PAGE_LENGTH, Transport,
    protocol::{
        BatchEntry, CopyFlags, CopyMemoryRequest, CopyResponse, CopyResult, EngineKind, Header,
        NtStatus, Reach, RequestKind,
    },
};
use ringcopy_lab::{Lab, MachineFact, Options, PageState};
use ringcopy_tests::{
    UNTOUCHED, Victim, boot_with, entries::copy_batch, options, privileged, report,
};
use zerocopy::{FromBytes, IntoBytes};

/// The variable that sets another seed.
const SEED: &str = "RINGCOPY_SEED";

/// Entries of one batch: small enough to send many, large enough to be worth it.
const ENTRIES: usize = 1024;

/// Rounds of repeated requests, after which the engines disagree.
const PATIENCE: u32 = 8;

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn from_environment() -> Self {
        let seed = env::var(SEED).map_or(0x5EED, |seed| {
            ringcopy_client::parse_number(&seed).unwrap_or_else(|error| panic!("{SEED}: {error}"))
        });
        report(&format!("seed {seed:#x} ({SEED} sets another)"));
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

/// Addresses near which requests begin.
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
            session.session_physical_addresses[0],
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
            // The native engine's window, which no engine reads.
            fact(MachineFact::MappingAddress),
            victim.source,
            victim.source + PAGE_LENGTH,
            victim.source + 2 * PAGE_LENGTH,
        ];
        // No guard page: the first access would remove its guard.
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
            (&self.physical, CopyFlags::PHYSICAL)
        } else {
            (&self.virtually, CopyFlags::VIRTUAL)
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

/// The result of an entry, without the name of its engine.
#[derive(Clone, PartialEq, Eq)]
struct Copied {
    result: CopyResult,
    slot: Vec<u8>,
}

impl fmt::Debug for Copied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = &self.slot[..self.slot.len().min(64)];
        write!(f, "{:?} {bytes:02X?}", self.result)
    }
}

impl Copied {
    fn new(result: CopyResult, slot: &[u8]) -> Self {
        let copied = usize::try_from(result.copied).unwrap();
        assert!(
            slot[copied..].iter().all(|&byte| byte == UNTOUCHED),
            "{result:?}: bytes after the last"
        );
        let result = CopyResult {
            engine: 0,
            // One engine may report less of a hole than the other.
            hole_length: 0,
            ..result
        };
        Self {
            result,
            slot: slot.to_vec(),
        }
    }
}

fn copy_entries(
    victim: &mut Victim<'_>,
    engine: EngineKind,
    entries: &[BatchEntry],
) -> Vec<Copied> {
    let results = copy_batch(victim, engine, entries).into_iter();
    results
        .map(|(result, slot)| {
            assert!(result.engine == engine as u32, "{result:?}");
            Copied::new(result, &slot)
        })
        .collect()
}

fn copy_one(victim: &mut Victim<'_>, engine: EngineKind, entry: &BatchEntry) -> Copied {
    let request = CopyMemoryRequest {
        header: Header::of::<CopyMemoryRequest>(),
        address: entry.address,
        length: entry.length.into(),
        flags: entry.flags,
        engine: engine as u32,
    };
    let head = size_of::<CopyResponse>();
    let mut output = vec![UNTOUCHED; head + entry.length as usize];
    let sent = victim.send(RequestKind::CopyMemory, request.as_bytes(), &mut output);
    assert!(sent.is_ok(), "{entry:?}");
    let (response, slot) = CopyResponse::read_from_prefix(&output).unwrap();
    let result = response.result;
    Copied::new(result, slot)
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
        native: &Copied,
        system: &Copied,
    ) {
        self.compared += 1;
        self.complete += usize::from(native.result.status == NtStatus::SUCCESS.0);
        self.refused += usize::from(native.result.copied == 0 && native.result.status != 0);
        // RAM that the driver maps uncached is not for the native engine.
        let left_out = native.result.status == NtStatus::INVALID_PAGE_PROTECTION.0;
        if native == system || left_out {
            return;
        }
        let by_native = (EngineKind::Native, native);
        let by_system = (EngineKind::System, system);
        for round in 0..PATIENCE {
            let turns = if round % 2 == 0 {
                [by_native, by_system, by_system, by_native]
            } else {
                [by_system, by_native, by_native, by_system]
            };
            for (engine, before) in turns {
                if copy_one(victim, engine, entry) != *before {
                    self.changed += 1;
                    return;
                }
            }
        }
        self.disagreements
            .push(format!("{entry:X?}\n  {native:?}\n  {system:?}"));
    }
}

/// Sends batches and single requests to both engines of a lab.
fn compare(options: Options, random: &mut Random, batches: usize, singles: usize) -> Counts {
    let lab = boot_with(options);
    let mut victim = Victim::of(privileged(&lab));
    let places = Places::of(&lab, &mut victim);
    let mut counts = Counts::default();
    for _ in 0..batches {
        let entries: Vec<_> = (0..ENTRIES).map(|_| places.entry(random)).collect();
        let [native, system] = [EngineKind::Native, EngineKind::System]
            .map(|engine| copy_entries(&mut victim, engine, &entries));
        for ((entry, native), system) in entries.iter().zip(&native).zip(&system) {
            counts.compare(&mut victim, entry, native, system);
        }
    }
    for _ in 0..singles {
        let entry = places.entry(random);
        let [native, system] = [EngineKind::Native, EngineKind::System]
            .map(|engine| copy_one(&mut victim, engine, &entry));
        counts.compare(&mut victim, &entry, &native, &system);
    }
    counts
}

fn assert_agreed(what: &str, counts: &Counts, least: usize) {
    report(&format!(
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
