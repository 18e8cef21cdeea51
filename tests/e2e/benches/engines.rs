//! The cost of the engines in instructions, which the lab counts, so that the load of the host does
//! not matter. The tables say which aims are met; a missed aim is no failure.
//!
//! Two labs count. One counts all instructions of a request, its own share included, and one with a
//! `rep` prefix once for every repetition. The other counts those of the driver's own image alone, and
//! one with a `rep` prefix once.

#![forbid(unsafe_code)]

use ringcopy_client::{
    PAGE_LENGTH, Transport,
    protocol::{
        BatchEntry, CopyFlags, CopyMemoryRequest, CopyResponse, EngineKind, Header,
        MAXIMUM_ENTRIES, Reach, RequestKind, SESSION_LENGTH, validate,
    },
};
use ringcopy_lab::{Counted, Lab, MachineFact, Options};
use ringcopy_tests::{BatchOutput, Victim, batch, boot_with, options, privileged};
use zerocopy::{FromBytes, IntoBytes};

const MIB: u64 = 1 << 20;

/// A read in a batch costs at most this part of a single request.
const BATCH_AIM: f64 = 0.1;

/// A single read of 8 bytes takes at most so many instructions of the driver's own.
const OWN_SINGLE_AIM: f64 = 600.0;

/// As does each further one in a batch.
const OWN_BATCH_AIM: f64 = 60.0;

/// A bulk read costs at most this many plain copies of the same bytes.
const BULK_AIM: f64 = 1.2;

/// A cost is linear while its slope grows by at most this factor.
const LINEAR_AIM: f64 = 1.1;

/// Memory to read: at least 10 MiB of physical memory, or 1 MiB of other memory.
#[derive(Clone, Copy)]
struct Memory {
    name: &'static str,
    address: u64,
    flags: CopyFlags,
}

struct Bench<'l> {
    lab: &'l Lab,
    victim: Victim<'l>,
    /// The caller's.
    plain: Memory,
    /// In one run.
    memories: [Memory; 2],
    /// System memory in pages of 4 KiB.
    small: Memory,
}

impl<'l> Bench<'l> {
    fn new(lab: &'l Lab) -> Self {
        let mut victim = Victim::of(privileged(lab));
        let facts = lab.facts().unwrap();
        let ram = lab.ram_ranges().unwrap();
        let largest = ram.iter().max_by_key(|range| range.length).unwrap();
        let user = victim.process.allocate(MIB + PAGE_LENGTH).unwrap();
        let memory = |name, address, flags| Memory {
            name,
            address,
            flags,
        };
        let session = victim.information.session_address;
        Self {
            lab,
            victim,
            plain: memory("the caller's", user, CopyFlags::VIRTUAL),
            memories: [
                memory("physical", largest.base, CopyFlags::PHYSICAL),
                memory(
                    "system, a large page",
                    facts.get(MachineFact::LargePageAddress),
                    CopyFlags::VIRTUAL,
                ),
            ],
            small: memory("system, small pages", session, CopyFlags::VIRTUAL),
        }
    }

    /// Every kind of memory of which more than a page is read.
    const fn all(&self) -> [Memory; 3] {
        let [physical, system] = self.memories;
        [physical, system, self.plain]
    }

    /// Instructions of each further read of 8 bytes, in a batch that grows from 40 to 400 reads.
    fn further(&mut self, engine: EngineKind, memory: Memory, apart: u64) -> f64 {
        let [few, many] = [40, 400].map(|count| self.batch(engine, memory, count, apart));
        (many - few) / 360.0
    }

    /// Instructions of one `copy memory`.
    fn single(&mut self, engine: EngineKind, memory: Memory, length: u64) -> f64 {
        let request = CopyMemoryRequest {
            header: Header::of::<CopyMemoryRequest>(),
            address: memory.address,
            length,
            flags: memory.flags.bits(),
            engine: engine as u32,
        };
        let output = size_of::<CopyResponse>() + usize::try_from(length).unwrap();
        let output = self.send(RequestKind::CopyMemory, request.as_bytes(), output);
        let (response, _) = CopyResponse::read_from_prefix(&output.0).unwrap();
        assert_eq!(
            response.result.copied, length,
            "{}: {response:X?}",
            memory.name
        );
        output.1
    }

    /// Instructions of one batch of `count` reads of 8 bytes, so many bytes apart.
    fn batch(&mut self, engine: EngineKind, memory: Memory, count: u64, apart: u64) -> f64 {
        let entries: Vec<_> = (0..count)
            .map(|number| BatchEntry {
                address: memory.address + number * apart,
                length: 8,
                flags: memory.flags.bits(),
            })
            .collect();
        let input = batch(engine, &entries);
        let output = validate::results_end(entries.len()) + entries.len() * 8;
        let output = self.send(RequestKind::CopyBatch, &input, output);
        let batch = BatchOutput::read(&output.0);
        assert_eq!(u64::from(batch.response.succeeded), count);
        output.1
    }

    /// Sends a request twice, and counts the second: the first may allocate.
    fn send(&mut self, kind: RequestKind, input: &[u8], length: usize) -> (Vec<u8>, f64) {
        let mut output = vec![0; length];
        let mut instructions = 0;
        for _ in 0..2 {
            let (sent, counted) = self
                .lab
                .instructions_of(|| self.victim.send(kind, input, &mut output))
                .unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(sent, Ok(length));
            instructions = counted;
        }
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let instructions = instructions as f64;
        (output, instructions)
    }
}

const fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
const fn number(value: u64) -> f64 {
    value as f64
}

/// What the driver itself adds.
fn own_share(bench: &mut Bench<'_>) {
    println!("\nThe driver's own instructions: for a read of 8 bytes, and for 64 KiB\n");
    println!(
        "| memory | engine | single request | aim: {OWN_SINGLE_AIM} | each further in a batch | aim: {OWN_BATCH_AIM} | 24 bytes apart | a page apart | 64 KiB |"
    );
    println!("| --- | --- | ---: | --- | ---: | --- | ---: | ---: | ---: |");
    for memory in [&bench.all()[..], &[bench.small]].concat() {
        for engine in [EngineKind::Native, EngineKind::System] {
            let single = bench.single(engine, memory, 8);
            let [further, apart] = [8, 24].map(|apart| bench.further(engine, memory, apart));
            let a_page_apart = if memory.flags == CopyFlags::PHYSICAL {
                format!("{:.0}", bench.further(engine, memory, PAGE_LENGTH))
            } else {
                "-".into()
            };
            let length = if memory.address == bench.small.address {
                SESSION_LENGTH
            } else {
                64 << 10
            };
            let bulk = bench.single(engine, memory, length);
            println!(
                "| {} | {engine:?} | {single:.0} | {} | {further:.0} | {} | {apart:.0} | {a_page_apart} | {bulk:.0} |",
                memory.name,
                verdict(single <= OWN_SINGLE_AIM),
                verdict(further <= OWN_BATCH_AIM)
            );
        }
    }
}

fn small_reads(bench: &mut Bench<'_>) {
    println!("\nReads of 8 bytes: instructions each\n");
    println!(
        "| memory | engine | single request | in a batch of {MAXIMUM_ENTRIES} | ratio | aim: {BATCH_AIM} |"
    );
    println!("| --- | --- | ---: | ---: | ---: | --- |");
    let count = u64::from(MAXIMUM_ENTRIES);
    for memory in bench.all() {
        for engine in [EngineKind::Native, EngineKind::System] {
            let single = bench.single(engine, memory, 8);
            let each = bench.batch(engine, memory, count, 8) / number(count);
            let ratio = each / single;
            println!(
                "| {} | {engine:?} | {single:.0} | {each:.0} | {ratio:.3} | {} |",
                memory.name,
                verdict(ratio < BATCH_AIM)
            );
        }
    }
}

fn growth_of_batches(bench: &mut Bench<'_>) {
    println!("\nBatches of 8-byte reads: instructions for each entry more\n");
    println!("| memory | engine | 40 to 400 | 400 to 4000 | growth |");
    println!("| --- | --- | ---: | ---: | --- |");
    for memory in bench.memories {
        for engine in [EngineKind::Native, EngineKind::System] {
            let [one, ten, hundred] =
                [40, 400, 4000].map(|count| bench.batch(engine, memory, count, 8));
            let (first, second) = ((ten - one) / 360.0, (hundred - ten) / 3600.0);
            println!(
                "| {} | {engine:?} | {first:.0} | {second:.0} | {} |",
                memory.name,
                linear(first, second)
            );
        }
    }
}

fn linear(first: f64, second: f64) -> &'static str {
    if second <= first * LINEAR_AIM {
        "linear, or better"
    } else {
        "more than linear"
    }
}

fn bulk(bench: &mut Bench<'_>) {
    let plain = bench.plain;
    println!(
        "\n1 MiB: instructions, beside a plain copy of as many bytes (the caller's own, by one guarded copy)\n"
    );
    println!(
        "| memory | engine | instructions | bytes per instruction | ratio | aim: {BULK_AIM} |"
    );
    println!("| --- | --- | ---: | ---: | ---: | --- |");
    let expected = bench.single(EngineKind::Native, plain, MIB);
    println!(
        "| {} | none | {expected:.0} | {:.3} | 1 | |",
        plain.name,
        number(MIB) / expected
    );
    for memory in bench.memories {
        for engine in [EngineKind::Native, EngineKind::System] {
            let found = bench.single(engine, memory, MIB);
            let ratio = found / expected;
            println!(
                "| {} | {engine:?} | {found:.0} | {:.3} | {ratio:.3} | {} |",
                memory.name,
                number(MIB) / found,
                verdict(ratio <= BULK_AIM)
            );
        }
    }
}

fn growth_of_copies(bench: &mut Bench<'_>) {
    println!("\nLengths: instructions for each KiB more\n");
    println!("| memory | engine | 10 to 100 KiB | 100 to 1000 KiB | growth |");
    println!("| --- | --- | ---: | ---: | --- |");
    for memory in bench.memories {
        for engine in [EngineKind::Native, EngineKind::System] {
            let [one, ten, hundred] =
                [10, 100, 1000].map(|kib| bench.single(engine, memory, kib << 10));
            let (first, second) = ((ten - one) / 90.0, (hundred - ten) / 900.0);
            println!(
                "| {} | {engine:?} | {first:.0} | {second:.0} | {} |",
                memory.name,
                linear(first, second)
            );
        }
    }
}

fn small_pages(bench: &mut Bench<'_>) {
    println!("\n16 KiB of small pages, one by one\n");
    for engine in [EngineKind::Native, EngineKind::System] {
        let found = bench.single(engine, bench.small, SESSION_LENGTH);
        let expected = bench.single(engine, bench.plain, SESSION_LENGTH);
        println!(
            "{engine:?}: {found:.0} instructions, {:.3} times a plain copy",
            found / expected
        );
    }
}

fn main() {
    let lab = boot_with(Options {
        counted: Counted::OfDriver,
        ..options(Reach::all())
    });
    own_share(&mut Bench::new(&lab));
    drop(lab);
    let lab = boot_with(Options {
        counted: Counted::All,
        ..options(Reach::all())
    });
    let mut bench = Bench::new(&lab);
    println!("\nInstructions of whole requests, the lab's share included.");
    small_reads(&mut bench);
    growth_of_batches(&mut bench);
    bulk(&mut bench);
    growth_of_copies(&mut bench);
    small_pages(&mut bench);
}
