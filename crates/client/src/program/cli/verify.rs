//! `ringcopy verify`: compares what both engines read.

use std::time::{SystemTime, UNIX_EPOCH};

use indicatif::BinaryBytes;
use ringcopy_protocol::{NtStatus, Reach, RequestKind};
use serde_json::{Value, json};

use super::{
    Stop,
    arguments::VerifyArguments,
    info,
    range_argument::Range,
    record::{Record, hexadecimal},
    view::View,
};
use crate::{
    CopyReport, Device, Information, OpenAccess, Piece, Transport, explain_copy, explain_policy,
    suites::{
        Random,
        verify::{self, Comparison, Disagreement, Kinds, Verifier},
    },
};

/// The most bytes that one piece of a given range has.
const PIECE: u32 = 64 << 10;

/// Pieces of a given range that are compared at a time. A hole that continues after them is
/// skipped.
const PIECES_OF_RANGE: usize = 64;

/// Random pieces that are compared at a time, which bounds the memory for them.
const PIECES: usize = 4096;

/// Disagreements that are printed one by one.
const LISTED: usize = 20;

pub(super) fn run(
    arguments: &VerifyArguments,
    transport: &mut dyn Transport,
    view: &mut View<'_, '_>,
) -> Result<(), Stop> {
    let ranges = arguments.ranges.all(view.console.input)?;
    let mut device = Device::open(transport, OpenAccess::Read)?;
    let information = device.information()?;
    if information.native_status != NtStatus::SUCCESS {
        let sentence = format!(
            "there is nothing to compare: the native engine is {}; see `ringcopy info`.",
            info::native(information.native_status)
        );
        if information.native_status == NtStatus::NOT_SUPPORTED {
            // This is not a failure, unlike a self-check that failed.
            view.document.detail("skipped", sentence.as_str());
        }
        return Err(Stop::Sentence(sentence));
    }
    let count = arguments.count();
    let seed = (count > 0).then(|| arguments.seed.unwrap_or_else(seed_from_time));
    let (named_virtual, named_physical) = arguments.ranges.kinds_named();
    let kinds = Kinds {
        virtual_memory: named_virtual || !named_physical,
        physical: named_physical || !named_virtual,
    };
    let regions = match seed {
        Some(_) => verify::regions(&mut device, &information, kinds)?,
        None => verify::Regions::default(),
    };
    if let Some(missing) = regions.missing {
        report_limits(missing, &information, view)?;
    }
    let mut verifier = Verifier::new(&mut device);
    verifier.keep_still(regions.still.iter().copied());
    let mut random = Random::of(seed.unwrap_or_default());
    let compared = compare_ranges(&ranges, &mut verifier)
        .and_then(|()| compare_random(&mut random, count, &regions, &mut verifier));
    let comparison = verifier.finish();
    for address in &regions.allocations {
        device.transport().free(*address)?;
    }
    if let Some(seed) = seed {
        view.document.detail("seed", seed);
    }
    write_document(&comparison, view);
    compared?;
    show(&comparison, seed, information.user_limit, view)
}

/// Says which memory is not compared, and what to do about it.
fn report_limits(
    missing: Reach,
    information: &Information,
    view: &mut View<'_, '_>,
) -> Result<(), Stop> {
    let advice = if information.policy.contains(missing) {
        "the policy allows the rest, but the handle was opened without SeDebugPrivilege; enable \
         the privilege and open the device again."
            .into()
    } else {
        explain_policy(missing)
    };
    let sentence = format!(
        "only memory of this process and the session buffer are compared, not {}: {advice}",
        info::reach(missing).replace("own memory, ", "")
    );
    view.document.detail("limited", sentence.as_str());
    view.remark(&sentence)?;
    Ok(())
}

fn compare_ranges<T: Transport + ?Sized>(
    ranges: &[Range],
    verifier: &mut Verifier<'_, '_, T>,
) -> Result<(), Stop> {
    for range in ranges {
        let mut done = 0;
        let mut most = PIECES_OF_RANGE;
        while done < range.length {
            let mut pieces = Vec::new();
            while done < range.length && pieces.len() < most {
                let length =
                    u32::try_from(range.length - done).map_or(PIECE, |left| left.min(PIECE));
                let Some(source) = range.source.checked_add(done) else {
                    break;
                };
                pieces.push(Piece { source, length });
                done += u64::from(length);
            }
            if pieces.is_empty() {
                break;
            }
            let hole = verifier.compare(&pieces)?;
            done = done.saturating_add(hole);
            // After a part of a hole, its next part is likely.
            most = if hole > 0 { 1 } else { PIECES_OF_RANGE };
        }
    }
    Ok(())
}

fn compare_random<T: Transport + ?Sized>(
    random: &mut Random,
    count: u64,
    regions: &verify::Regions,
    verifier: &mut Verifier<'_, '_, T>,
) -> Result<(), Stop> {
    let mut left = count;
    while left > 0 {
        let now = usize::try_from(left).map_or(PIECES, |left| left.min(PIECES));
        let pieces: Vec<_> = (0..now).filter_map(|_| random.piece(regions)).collect();
        verifier.compare(&pieces)?;
        left -= now as u64;
    }
    Ok(())
}

fn seed_from_time() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::from(since.subsec_nanos()) ^ since.as_secs() << 20
        })
}

fn write_document(comparison: &Comparison, view: &mut View<'_, '_>) {
    let document = &mut view.document;
    document.record(Record::plain(RequestKind::CopyBatch, NtStatus::SUCCESS));
    document.detail("compared", comparison.compared);
    document.detail("bytes", comparison.bytes);
    document.detail("incomplete", comparison.incomplete);
    document.detail("changed", comparison.changed.len());
    document.detail("disagreements", comparison.disagreements.len());
    document.detail("denied", comparison.denials);
    let disagreed = comparison.disagreements.iter().map(|disagreement| {
        let mut value = piece(disagreement.piece);
        value["native"] = copy(disagreement.native);
        value["system"] = copy(disagreement.system);
        value["byte"] = disagreement.byte.into();
        value["hole"] = disagreement.hole.map_or(
            Value::Null,
            |hole| json!({ "address": hexadecimal(hole.source.address()), "length": hole.length }),
        );
        value
    });
    document.detail("disagreed_at", disagreed.collect::<Value>());
    let changed = comparison.changed.iter().copied().map(piece);
    document.detail("changed_at", changed.collect::<Value>());
    if !comparison.disagreements.is_empty() || comparison.denials > 0 {
        document.fault();
    }
}

fn piece(piece: Piece) -> Value {
    json!({
        "kind": piece.source.kind(),
        "address": hexadecimal(piece.source.address()),
        "length": piece.length,
    })
}

fn copy(report: CopyReport) -> Value {
    json!({ "status": report.result.status().to_string(), "copied": report.result.copied })
}

fn show(
    comparison: &Comparison,
    seed: Option<u64>,
    user_limit: u64,
    view: &mut View<'_, '_>,
) -> Result<(), Stop> {
    let seed = seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
    view.line(&format!(
        "compared {} pieces{seed}: both engines read the same {}; {} pieces stopped or were \
         refused in the same way",
        comparison.compared,
        BinaryBytes(comparison.bytes),
        comparison.incomplete
    ))?;
    view.line(&format!(
        "changed {}: memory that was written to during the comparison",
        comparison.changed.len()
    ))?;
    view.line(&format!("disagreements {}", comparison.disagreements.len()))?;
    for disagreement in comparison.disagreements.iter().take(LISTED) {
        view.line(&format!("  {}", sentence(disagreement)))?;
    }
    let more = comparison.disagreements.len().saturating_sub(LISTED);
    if more > 0 {
        view.line(&format!("  and {more} more; --json lists them"))?;
    }
    let explain = |denied| explain_copy(denied, user_limit);
    if let Some(explanation) = comparison.denied.as_ref().and_then(explain) {
        view.remark(&format!(
            "{} pieces are out of reach, and were not compared: {explanation}",
            comparison.denials
        ))?;
    }
    Ok(())
}

fn sentence(disagreement: &Disagreement) -> String {
    let Disagreement {
        piece,
        native,
        system,
        byte,
        hole,
    } = disagreement;
    let copied =
        |copy: &CopyReport| format!("{} with {} bytes", copy.result.status(), copy.result.copied);
    let difference = byte.map_or_else(String::new, |byte| format!("; byte {byte} differs"));
    let hole = hole.map_or_else(String::new, |hole| {
        format!(
            "; the engine that read the byte reported it in a hole of {} bytes from {:#x}",
            hole.length,
            hole.source.address()
        )
    });
    format!(
        "{} {:#x}, {} bytes: native {}, system {}{difference}{hole}",
        piece.source.kind(),
        piece.source.address(),
        piece.length,
        copied(native),
        copied(system)
    )
}
