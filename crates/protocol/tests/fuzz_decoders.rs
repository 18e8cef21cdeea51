//! Throws mutated requests at the judge of requests, and holds every judgement to a second opinion
//! that is written down differently.
//!
//! The corpus in `corpus/` is what the mutations start from: an index into the table of codes and
//! the length of the output, 8 bytes each, and the input. A request that was once judged wrongly
//! goes there as a file of its own. `RINGCOPY_SEED` and `RINGCOPY_FUZZ_ROUNDS` make another run,
//! or a longer one.

#![forbid(unsafe_code)]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{self, Write as _},
    path::Path,
};

use ringcopy_protocol::{
    BatchEntry, BatchRequest, CODES, Code, MemoryRangesRequest, NtStatus, RequestKind,
    ScatterEntry, ScatterRequest,
    judge::{self, Entries, Entry, Lengths, WithEntries},
};
use zerocopy::{FromBytes, Immutable};

/// Rounds of a usual run: a second or two.
const ROUNDS: u64 = 300_000;

/// How many ranges of RAM the machine has.
const RANGES: usize = 5;

/// A request as the driver meets it.
#[derive(Clone, Debug)]
struct Case {
    code: u64,
    output: u64,
    input: Vec<u8>,
}

impl Case {
    fn code(&self) -> &'static Code {
        &CODES[usize::try_from(self.code % CODES.len() as u64).unwrap()]
    }

    fn lengths(&self) -> Lengths {
        Lengths {
            input: self.input.len(),
            output: usize::try_from(self.output).unwrap(),
        }
    }
}

/// What a request comes to: the bytes of output that it takes, or why it is refused.
type Judgement = Result<u64, NtStatus>;

/// As the driver asks: the fixed part, then what belongs to the kind.
fn judged(case: &Case) -> Judgement {
    let (code, lengths) = (case.code(), case.lengths());
    let fixed = case.input.len().min(code.request_length);
    judge::fixed_part(code, &case.input[..fixed], lengths)?;
    let length = match code.kind {
        RequestKind::CopyBatch => entries::<BatchRequest, BatchEntry>(case)?,
        RequestKind::CopyScatter => entries::<ScatterRequest, ScatterEntry>(case)?,
        RequestKind::MemoryRanges => {
            let (request, _) = MemoryRangesRequest::read_from_prefix(&case.input).unwrap();
            let wanted = judge::ranges_wanted(&request, RANGES, lengths.output)?;
            assert!(wanted.start <= wanted.end && wanted.end <= RANGES);
            code.response_length + 16 * wanted.len()
        }
        _ => code.response_length,
    };
    assert!(length <= lengths.output, "{case:?}");
    Ok(length as u64)
}

fn entries<R, E>(case: &Case) -> Result<usize, NtStatus>
where
    R: WithEntries<Entry = E> + FromBytes,
    E: Entry + FromBytes + Immutable,
{
    let (request, rest) = R::read_from_prefix(&case.input).unwrap();
    let judged = Entries::of(&request, case.lengths())?;
    assert_eq!(judged.length, rest.len());
    assert!(judged.length <= 96 << 10);
    let entries = (0..judged.count)
        .map(|number| {
            E::read_from_prefix(&rest[number * size_of::<E>()..])
                .unwrap()
                .0
        })
        .collect::<Vec<_>>();
    let length = judged.output_length(&entries, case.lengths())?;
    assert!(length >= judge::results_end(judged.count));
    Ok(length)
}

/// The second opinion: numbers picked out of the bytes, limits spelt out.
fn expected(case: &Case) -> Judgement {
    let field = |at: usize| {
        let bytes = case.input.get(at..at + 4)?;
        Some(u128::from(u32::from_le_bytes(bytes.try_into().ok()?)))
    };
    let mismatch = NtStatus::INFO_LENGTH_MISMATCH;
    let output = u128::from(case.output);
    let input = case.input.len() as u128;
    let (fixed, response, payload) = match case.code().kind {
        RequestKind::Information => (8, 96, 0),
        RequestKind::CopyFrom | RequestKind::CopyTo | RequestKind::CopyThrough => (40, 48, 0),
        RequestKind::DeviceCopy => (24, 48, 4096),
        RequestKind::CopyMemory => (32, 48, 0),
        RequestKind::CopyBatch | RequestKind::CopyScatter => (16, 24, u128::MAX - 16),
        RequestKind::MemoryRanges => (16, 16, 0),
    };
    let (version, size) = (field(0).ok_or(mismatch)?, field(4).ok_or(mismatch)?);
    if version != 1 {
        return Err(NtStatus::REVISION_MISMATCH);
    }
    if size != fixed || input < fixed || input > fixed + payload {
        return Err(mismatch);
    }
    if output < response {
        return Err(NtStatus::BUFFER_TOO_SMALL);
    }
    let entry = match case.code().kind {
        RequestKind::CopyBatch => 16,
        RequestKind::CopyScatter => 24,
        RequestKind::MemoryRanges => {
            if field(12) != Some(0) {
                return Err(NtStatus::INVALID_PARAMETER);
            }
            let left = (RANGES as u128).saturating_sub(field(8).unwrap_or(0));
            let count = ((output - 16) / 16).min(left);
            return Ok(u64::try_from(16 + 16 * count).unwrap());
        }
        _ => return Ok(u64::try_from(response).unwrap()),
    };
    let (count, engine) = (field(8).unwrap_or(0), field(12).unwrap_or(0));
    if engine > 2 {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    if count > 4096 {
        return Err(NtStatus::INVALID_BUFFER_SIZE);
    }
    if input != 16 + count * entry {
        return Err(mismatch);
    }
    if output < 24 + 32 * count {
        return Err(NtStatus::BUFFER_TOO_SMALL);
    }
    // The length is the last field but one.
    let total: u128 = (0..count)
        .filter_map(|number| field(usize::try_from(16 + (number + 1) * entry - 8).ok()?))
        .sum();
    if total > 0x400_0000 {
        return Err(NtStatus::INVALID_BUFFER_SIZE);
    }
    let in_output = if entry == 16 { total } else { 0 };
    let needed = 24 + 32 * count + in_output;
    if output < needed {
        return Err(NtStatus::BUFFER_TOO_SMALL);
    }
    Ok(u64::try_from(needed).unwrap())
}

/// `SplitMix64`.
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    /// Numbers that are likely to be somebody's limit.
    fn number(&mut self) -> u64 {
        const LIMITS: [u64; 16] = [
            0,
            1,
            2,
            3,
            16,
            24,
            40,
            96,
            4096,
            4097,
            1 << 26,
            1 << 31,
            u32::MAX as u64,
            1 << 32,
            1 << 63,
            u64::MAX,
        ];
        let limit = LIMITS[self.below(LIMITS.len())];
        match self.next() % 4 {
            0 => limit.wrapping_sub(1),
            1 => limit.wrapping_add(1),
            _ => limit,
        }
    }

    fn mutate(&mut self, case: &mut Case, corpus: &[Case]) {
        let length = case.input.len();
        match self.next() % 9 {
            0 => case.code = self.next(),
            1 => case.output = self.number() % (1 << 40),
            2 => {
                case.output = case
                    .output
                    .wrapping_add(self.next() % 65)
                    .saturating_sub(32);
            }
            3 => {
                let at = self.below(length);
                if let Some(byte) = case.input.get_mut(at) {
                    *byte ^= 1 << (self.0 >> 61);
                }
            }
            4 | 5 => {
                let at = self.below(length) & !3;
                let number = self.number().to_le_bytes();
                for (byte, new) in case.input.iter_mut().skip(at).zip(&number[..4]) {
                    *byte = *new;
                }
            }
            6 => case.input.truncate(self.below(length + 1)),
            7 => {
                let more = self.below(64);
                case.input.resize(length + more, 0);
            }
            _ => {
                let other = &corpus[self.below(corpus.len())];
                let from = self.below(other.input.len()) & !7;
                case.input.truncate(self.below(length + 1) & !7);
                case.input
                    .extend(&other.input[from.min(other.input.len())..]);
            }
        }
    }
}

fn corpus() -> BTreeMap<String, Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let path = file.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
            let case = Case {
                code: number(0),
                output: number(8),
                input: bytes[16..].to_vec(),
            };
            (path.file_name().unwrap().to_string_lossy().into(), case)
        })
        .collect()
}

fn number_from(variable: &str, usual: u64) -> u64 {
    env::var(variable).map_or(usual, |number| {
        number
            .parse()
            .unwrap_or_else(|error| panic!("{variable}: {error}"))
    })
}

#[test]
fn the_corpus_is_judged_as_expected() {
    let corpus = corpus();
    assert!(corpus.len() >= CODES.len());
    for (name, case) in corpus {
        assert_eq!(judged(&case), expected(&case), "{name}");
    }
}

#[test]
fn mutated_requests_are_judged_as_expected() {
    let seed = number_from("RINGCOPY_SEED", 0x5EED);
    let rounds = number_from("RINGCOPY_FUZZ_ROUNDS", ROUNDS);
    let corpus: Vec<_> = corpus().into_values().collect();
    let mut random = Random(seed);
    let mut met = BTreeSet::new();
    for round in 0..rounds {
        let mut case = corpus[random.below(corpus.len())].clone();
        for _ in 0..=random.below(4) {
            random.mutate(&mut case, &corpus);
        }
        let judgement = judged(&case);
        assert_eq!(
            judgement,
            expected(&case),
            "seed {seed}, round {round}: {case:X?}"
        );
        met.insert((case.code().name, judgement.err().map(|status| status.0)));
    }
    // The seed is in every failure's message as well.
    drop(writeln!(
        io::stderr(),
        "fuzz_decoders: seed {seed}, {rounds} requests, {} judgements of their kinds",
        met.len()
    ));
    // A run that never gets past the header shows little: every code is accepted and refused.
    let mut wanted = BTreeSet::new();
    for code in &CODES {
        let mut statuses = vec![
            None,
            Some(NtStatus::REVISION_MISMATCH),
            Some(NtStatus::INFO_LENGTH_MISMATCH),
            Some(NtStatus::BUFFER_TOO_SMALL),
        ];
        match code.kind {
            RequestKind::CopyBatch | RequestKind::CopyScatter => statuses.extend([
                Some(NtStatus::INVALID_PARAMETER),
                Some(NtStatus::INVALID_BUFFER_SIZE),
            ]),
            RequestKind::MemoryRanges => statuses.push(Some(NtStatus::INVALID_PARAMETER)),
            _ => {}
        }
        wanted.extend(
            statuses
                .into_iter()
                .map(|status| (code.name, status.map(|status| status.0))),
        );
    }
    if rounds >= ROUNDS {
        assert_eq!(met, wanted);
    }
}
