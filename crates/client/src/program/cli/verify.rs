//! `ringcopy verify`: both engines, asked for the same memory.

use std::time::{SystemTime, UNIX_EPOCH};

use indicatif::BinaryBytes;
use ringcopy_protocol::{NtStatus, Reach, RequestKind};
use serde_json::{Value, json};

use super::{
    Stop, View,
    arguments::VerifyArguments,
    info,
    range_argument::Range,
    record::{Document, Record, hexadecimal},
};
use crate::{
    Device, Information, OpenAccess, Piece, Transport, explain_policy, explain_transfer,
    suites::{
        Random,
        verify::{self, Answer, Comparison, Disagreement, Kinds, Verifier},
    },
};

/// The most bytes that one piece of a given range has.
const PIECE: u32 = 64 << 10;

/// Pieces of a given range that are compared at a time: after them, a hole that goes on is skipped.
const PIECES_OF_RANGE: usize = 64;

/// Pieces that are made at a time, so that no number of them needs more memory than this.
const PIECES: usize = 4096;

/// Disagreements and changes that are named one by one.
const NAMED: usize = 20;

pub(super) fn perform(
    arguments: &VerifyArguments,
    transport: &mut dyn Transport,
    view: &mut View<'_, '_>,
    document: &mut Document,
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
            // Nobody's fault, as a self-check that failed would be.
            document.detail("skipped", sentence.as_str());
        }
        return Err(Stop::File(sentence));
    }
    let seed = arguments.seed.unwrap_or_else(seed_of_the_moment);
    let count = arguments.count();
    let (named_virtual, named_physical) = arguments.ranges.kinds_named();
    let kinds = Kinds {
        virtual_memory: named_virtual || !named_physical,
        physical: named_physical || !named_virtual,
    };
    let places = if count > 0 {
        verify::places(&mut device, &information, kinds)?
    } else {
        verify::Places::default()
    };
    if let Some(missing) = places.missing {
        limits(missing, &information, view, document)?;
    }
    let mut verifier = Verifier::new(&mut device);
    verifier.keep_still(places.still.iter().copied());
    let compared = given(&ranges, &mut verifier)
        .and_then(|()| by_chance(&mut Random::of(seed), count, &places, &mut verifier));
    let comparison = verifier.finish();
    for address in &places.allocations {
        device.transport().free(*address)?;
    }
    if count > 0 {
        document.detail("seed", seed);
    }
    report(&comparison, document);
    compared?;
    show(&comparison, (count > 0).then_some(seed), view)?;
    Ok(())
}

/// Says what cannot be verified, and what to do about it.
fn limits(
    missing: Reach,
    information: &Information,
    view: &mut View<'_, '_>,
    document: &mut Document,
) -> Result<(), Stop> {
    let advice = if information.policy.contains(missing) {
        "the policy allows the rest, but the handle was opened without SeDebugPrivilege; enable \
         the privilege and open the device again."
            .into()
    } else {
        explain_policy(missing)
    };
    let sentence = format!(
        "only memory of this process and the session buffer are compared where {} would be: {advice}",
        info::reach(missing).replace("own memory, ", "")
    );
    document.detail("limited", sentence.as_str());
    view.remark(&sentence)?;
    Ok(())
}

fn given<T: Transport + ?Sized>(
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
            // What comes after a part of a hole is likely its next part.
            most = if hole > 0 { 1 } else { PIECES_OF_RANGE };
        }
    }
    Ok(())
}

fn by_chance<T: Transport + ?Sized>(
    random: &mut Random,
    count: u64,
    places: &verify::Places,
    verifier: &mut Verifier<'_, '_, T>,
) -> Result<(), Stop> {
    let mut left = count;
    while left > 0 {
        let now = usize::try_from(left).map_or(PIECES, |left| left.min(PIECES));
        let pieces: Vec<_> = (0..now).filter_map(|_| random.piece(places)).collect();
        verifier.compare(&pieces)?;
        left -= now as u64;
    }
    Ok(())
}

fn seed_of_the_moment() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::from(since.subsec_nanos()) ^ since.as_secs() << 20
        })
}

fn report(comparison: &Comparison, document: &mut Document) {
    document.record(Record::plain(RequestKind::CopyBatch, NtStatus::SUCCESS));
    document.detail("compared", comparison.compared);
    document.detail("bytes", comparison.bytes);
    document.detail("incomplete", comparison.incomplete);
    document.detail("changed", comparison.changed.len());
    document.detail("disagreements", comparison.disagreements.len());
    document.detail("denied", comparison.denials);
    let disagreed = comparison.disagreements.iter().map(|disagreement| {
        let mut value = place(disagreement.piece);
        value["native"] = answer(disagreement.native);
        value["system"] = answer(disagreement.system);
        value["byte"] = disagreement.byte.into();
        value["hole"] = disagreement.hole.map_or(
            Value::Null,
            |hole| json!({ "address": hexadecimal(hole.source.address()), "length": hole.length }),
        );
        value
    });
    document.detail("disagreed_at", disagreed.collect::<Value>());
    let changed = comparison.changed.iter().copied().map(place);
    document.detail("changed_at", changed.collect::<Value>());
    if !comparison.disagreements.is_empty() || comparison.denials > 0 {
        document.fault();
    }
}

fn place(piece: Piece) -> Value {
    json!({
        "kind": piece.source.kind(),
        "address": hexadecimal(piece.source.address()),
        "length": piece.length,
    })
}

fn answer(answer: Answer) -> Value {
    json!({ "status": answer.status.to_string(), "copied": answer.copied })
}

fn show(comparison: &Comparison, seed: Option<u64>, view: &mut View<'_, '_>) -> Result<(), Stop> {
    let Comparison {
        compared,
        bytes,
        incomplete,
        ..
    } = comparison;
    let seed = seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
    view.line(&format!(
        "compared {compared} pieces{seed}: {} read alike by both engines, {incomplete} pieces \
         stopped or refused alike",
        BinaryBytes(*bytes)
    ))?;
    view.line(&format!(
        "changed {}: memory that was written to in between",
        comparison.changed.len()
    ))?;
    view.line(&format!("disagreements {}", comparison.disagreements.len()))?;
    for disagreement in comparison.disagreements.iter().take(NAMED) {
        view.line(&format!("  {}", sentence(disagreement)))?;
    }
    let more = comparison.disagreements.len().saturating_sub(NAMED);
    if more > 0 {
        view.line(&format!("  and {more} more; --json lists them"))?;
    }
    if let Some(explanation) = comparison.denied.as_ref().and_then(explain_transfer) {
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
    let said = |answer: &Answer| format!("{} of {} bytes", answer.status, answer.copied);
    let difference = byte.map_or_else(String::new, |byte| format!("; byte {byte} differs"));
    let hole = hole.map_or_else(String::new, |hole| {
        format!(
            "; one engine says both, for it counts the byte to a hole of {} bytes from {:#x} on",
            hole.length,
            hole.source.address()
        )
    });
    format!(
        "{} {:#x}, {} bytes: native says {}, system {}{difference}{hole}",
        piece.source.kind(),
        piece.source.address(),
        piece.length,
        said(native),
        said(system)
    )
}
