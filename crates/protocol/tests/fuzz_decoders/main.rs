//! Validates mutated requests, and compares each result with a second opinion, which is written
//! differently on purpose. A validated request must hold all that the request said: the input that
//! is rebuilt from it has the same bytes.
//!
//! The mutations start from the corpus in `corpus/`. Each file holds an index into the table of
//! codes and the length of the output, 8 bytes each, and the input. Add a file for each request
//! that was once validated wrongly. `RINGCOPY_SEED` selects another run, and `RINGCOPY_FUZZ_ROUNDS`
//! the number of rounds.

#![forbid(unsafe_code)]

mod accepted;
mod fields;
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
    CODES, Code, Header, Kind, NtStatus, PROTOCOL_VERSION,
    validate::{self, Lengths, Valid},
};
use zerocopy::{Immutable, IntoBytes};

use accepted::accepted;
use mutation::Random;
use second_opinion::expected;

/// The default number of rounds, which take a second or two.
const ROUNDS: u64 = 300_000;

/// The number of RAM ranges of the machine.
const RANGES: usize = 5;

/// A request as the driver receives it.
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

    fn validate<K: Kind>(&self) -> Result<Valid<K>, NtStatus> {
        let fixed = self.input.len().min(self.code().request_length);
        validate::request::<K>(&self.input[..fixed], self.lengths())
    }

    /// Returns the bytes after the fixed part.
    fn payload(&self, fixed: &(impl IntoBytes + Immutable)) -> &[u8] {
        &self.input[size_of_val(fixed)..]
    }

    /// Returns the input with another fixed part.
    fn with_fixed(&self, fixed: &(impl IntoBytes + Immutable)) -> Vec<u8> {
        [fixed.as_bytes(), self.payload(fixed)].concat()
    }
}

/// The length of the output in bytes, or the status that the request is refused with.
type Validation = Result<u64, NtStatus>;

/// Validates a request as the driver does.
fn validated(case: &Case) -> Validation {
    let (length, rebuilt) = accepted(case)?;
    assert!(length <= case.lengths().output, "{case:X?}");
    assert_eq!(rebuilt, case.input, "{case:X?}");
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
fn the_corpus_is_validated_as_expected() {
    let corpus = corpus();
    assert!(corpus.len() >= CODES.len());
    for (name, case) in corpus {
        assert_eq!(validated(&case), expected(&case), "{name}");
    }
}

#[test]
fn mutated_requests_are_validated_as_expected() {
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
        let result = validated(&case);
        assert_eq!(
            result,
            expected(&case),
            "seed {seed}, round {round}: {case:X?}"
        );
        met.insert((case.code().name, result.err().map(|status| status.0)));
    }
    drop(writeln!(
        io::stderr(),
        "fuzz_decoders: seed {seed}, {rounds} requests, {} different results",
        met.len()
    ));
    // Each code must be accepted once, and refused with each status.
    let mut due = BTreeSet::new();
    for code in &CODES {
        let mut statuses = vec![
            None,
            Some(NtStatus::REVISION_MISMATCH),
            Some(NtStatus::INFO_LENGTH_MISMATCH),
            Some(NtStatus::BUFFER_TOO_SMALL),
            Some(NtStatus::INVALID_BUFFER_SIZE),
        ];
        // A header alone has no field with an invalid value.
        if code.request_length > size_of::<Header>() {
            statuses.push(Some(NtStatus::INVALID_PARAMETER));
        }
        due.extend(
            statuses
                .into_iter()
                .map(|status| (code.name, status.map(|status| status.0))),
        );
    }
    if rounds >= ROUNDS {
        assert_eq!(met, due);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_validated_as_expected(
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
        prop_assert_eq!(validated(&case), expected(&case));
    }
}
