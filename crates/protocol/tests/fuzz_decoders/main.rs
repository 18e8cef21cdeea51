//! Throws mutated requests at the judge of requests, and holds every judgement to a second opinion
//! that is written down differently. What is accepted must say all that the request did: made anew
//! of it, the request has the same bytes.
//!
//! The corpus in `corpus/` is what the mutations start from: an index into the table of codes and
//! the length of the output, 8 bytes each, and the input. A request that was once judged wrongly
//! goes there as a file of its own. `RINGCOPY_SEED` and `RINGCOPY_FUZZ_ROUNDS` make another run,
//! or a longer one.

#![forbid(unsafe_code)]

mod accepted;
mod mutation;
mod reserved_bits;
mod second_opinion;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{self, Write as _},
    path::Path,
};

use proptest::prelude::*;
use ringcopy_protocol::{
    CODES, Code, Header, NtStatus, PROTOCOL_VERSION, RequestKind,
    judge::{self, Lengths},
};
use zerocopy::{Immutable, IntoBytes};

use accepted::accepted;
use mutation::Random;
use second_opinion::expected;

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

    fn judge<R: judge::Request>(&self) -> Result<R::WellFormed, NtStatus> {
        let fixed = self.input.len().min(self.code().request_length);
        judge::request::<R>(self.code(), &self.input[..fixed], self.lengths())
    }

    /// The bytes behind the fixed part.
    fn behind(&self, fixed: &(impl IntoBytes + Immutable)) -> &[u8] {
        &self.input[size_of_val(fixed)..]
    }

    /// With another fixed part.
    fn anew(&self, fixed: &(impl IntoBytes + Immutable)) -> Vec<u8> {
        [fixed.as_bytes(), self.behind(fixed)].concat()
    }
}

/// What a request comes to: the bytes of output that it takes, or why it is refused.
type Judgement = Result<u64, NtStatus>;

/// As the driver asks.
fn judged(case: &Case) -> Judgement {
    let (length, again) = accepted(case)?;
    assert!(length <= case.lengths().output, "{case:X?}");
    // What was accepted says all that the request did, and nothing else.
    assert_eq!(again, case.input, "{case:X?}");
    Ok(length as u64)
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
            Some(NtStatus::INVALID_BUFFER_SIZE),
        ];
        if code.kind != RequestKind::Information {
            statuses.push(Some(NtStatus::INVALID_PARAMETER));
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

proptest! {
    #[test]
    fn any_bytes_are_judged_as_expected(
        code in 0..CODES.len(),
        output in prop_oneof![0..256_u64, 0..1_u64 << 40],
        mut input in prop::collection::vec(any::<u8>(), 0..128),
        headed: bool,
    ) {
        if headed {
            let size = u32::try_from(CODES[code].request_length).unwrap();
            let header = Header { version: PROTOCOL_VERSION, size };
            for (byte, good) in input.iter_mut().zip(header.as_bytes()) {
                *byte = *good;
            }
        }
        let case = Case { code: code as u64, output, input };
        prop_assert_eq!(judged(&case), expected(&case));
    }
}
