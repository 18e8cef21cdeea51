//! Many random copies of memory of every kind. The native engine, the system engine and the lab's
//! `MmCopyMemory` without the driver have to agree on every byte, count and refusal.

#![forbid(unsafe_code)]

use ringcopy_client::{
    OpenAccess, Transport,
    protocol::{EngineKind, NtStatus, Reach},
};
use ringcopy_lab::{Lab, MappingKind, MixedMappings, Options, Reader, SystemCopy, UNTOUCHED};
use ringcopy_tests::{Call, boot_with, copy_memory_each, options, pattern, privileged};

/// Copies of one comparison, in one round trip.
const ROUND: usize = 64;

/// Rounds for each number of page-table levels.
const ROUNDS: u64 = 40;

/// The longest copy: a few pages, so that a round's bytes fit into a round trip.
const LONGEST: u64 = 3 * 4096;

/// Random calls: most begin near the edge of a mapping, by virtual or physical address.
fn calls(mixed: &MixedMappings, seed: u64) -> Vec<Call> {
    let random = pattern(seed, ROUND * 16);
    let (words, _) = random.as_chunks::<8>();
    let (block, _) = mixed.block();
    words
        .as_chunks::<2>()
        .0
        .iter()
        .map(|&[one, other]| {
            let (one, other) = (u64::from_le_bytes(one), u64::from_le_bytes(other));
            let mapping =
                &mixed.mappings()[usize::try_from(one % mixed.mappings().len() as u64).unwrap()];
            let near = match one >> 20 & 3 {
                0 => mapping.length,
                1 => 0,
                _ => other >> 20 & (mapping.length - 1),
            };
            let back = other >> 52 & 0xFF;
            let length = match other & 3 {
                0 => other >> 2 & 0xF,
                1 => (other >> 2) % 4097,
                _ => (other >> 2) % LONGEST,
            };
            match one >> 22 & 7 {
                0 => (1, (mapping.physical + near).saturating_sub(back), length),
                1 => (1, block + near % (4 << 20) - back, length),
                _ => (2, mapping.address + near - back, length),
            }
        })
        .collect()
}

/// Checks what holds for a copy by any engine.
fn assert_right(
    what: &str,
    mixed: &MixedMappings,
    (flags, source, length): Call,
    copy: &SystemCopy,
) {
    let copied = usize::try_from(copy.transferred).unwrap();
    let (bytes, rest) = copy.target.split_at(copied);
    assert!(rest.iter().all(|&byte| byte == UNTOUCHED), "{what}");
    assert_eq!(
        copy.status == NtStatus::SUCCESS,
        copy.transferred == length,
        "{what}: {:?}, {} bytes",
        copy.status,
        copy.transferred
    );
    let right = if flags == 1 {
        mixed.agrees_physically(source, bytes)
    } else {
        mixed.agrees(source, bytes)
    };
    assert!(right, "{what}: wrong bytes");
}

fn compare(lab: &Lab, seed: u64) {
    let mixed = lab.mixed_mappings().unwrap();
    let mut process = privileged(lab);
    let handle = process.open(OpenAccess::Read).unwrap();
    let mut complete = 0;
    for round in 0..ROUNDS {
        let calls = calls(&mixed, seed + round);
        // The native engine is first, for it brings no page in.
        for mapping in mixed.of_kind(MappingKind::PagedOut) {
            lab.page_out(mapping.address).unwrap();
        }
        let native = copy_memory_each(&mut process, handle, EngineKind::Native, &calls);
        let system = copy_memory_each(&mut process, handle, EngineKind::System, &calls);
        let direct = process.mm_copy_memory_each(&calls).unwrap();
        for (number, &call) in calls.iter().enumerate() {
            let (flags, source, length) = call;
            let what = format!("flags {flags}, {source:#x}, {length} bytes");
            for (who, copy, reader) in [
                ("native", &native[number], Reader::Walk),
                ("system", &system[number], Reader::MemoryManager),
                ("direct", &direct[number], Reader::MemoryManager),
            ] {
                let what = format!("{what}, {who}");
                assert_right(&what, &mixed, call, copy);
                let expected = if flags == 1 {
                    mixed.ram_from(source).min(length)
                } else {
                    mixed.readable(source, length, reader)
                };
                assert_eq!(copy.transferred, expected, "{what}");
            }
            assert_eq!(system[number].status, direct[number].status, "{what}");
            complete += u64::from(direct[number].status == NtStatus::SUCCESS);
        }
    }
    let all = ROUNDS * ROUND as u64;
    assert!(complete > all / 8 && complete < all, "{complete} of {all}");
    drop(process);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn engines_and_function_agree_on_random_copies() {
    for five_levels in [false, true] {
        let lab = boot_with(Options {
            five_levels,
            seed: 1 + u64::from(five_levels),
            ..options(Reach::all())
        });
        compare(&lab, 1000 * u64::from(five_levels));
    }
}
