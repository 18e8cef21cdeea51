//! `ringcopy ranges`: which physical memory is RAM.

use indicatif::BinaryBytes;
use ringcopy_protocol::{NtStatus, RequestKind};
use serde_json::{Value, json};

use super::{
    Stop, View,
    record::{Document, Record, hexadecimal},
};
use crate::{Device, OpenAccess, Transport};

pub(super) fn perform(
    transport: &mut dyn Transport,
    view: &mut View<'_, '_>,
    document: &mut Document,
) -> Result<(), Stop> {
    let ranges = Device::open(transport, OpenAccess::Read)?.memory_ranges()?;
    // Ranges that do not overlap cannot have more bytes than there are addresses.
    let total: u64 = ranges.iter().map(|range| range.length).sum();
    document.record(Record::plain(RequestKind::MemoryRanges, NtStatus::SUCCESS));
    let list = ranges.iter().map(|range| {
        json!({
            "base": hexadecimal(range.base),
            "end": hexadecimal(range.base + range.length),
            "length": range.length,
        })
    });
    document.detail("ranges", list.collect::<Value>());
    document.detail("total", total);
    view.line(&line("base", "end (exclusive)", "size"))?;
    for range in &ranges {
        view.line(&line(
            &format!("{:#018x}", range.base),
            &format!("{:#018x}", range.base + range.length),
            &BinaryBytes(range.length).to_string(),
        ))?;
    }
    let count = match ranges.len() {
        1 => "1 range".into(),
        count => format!("{count} ranges"),
    };
    view.line(&line("total", &count, &BinaryBytes(total).to_string()))?;
    Ok(())
}

fn line(base: &str, end: &str, size: &str) -> String {
    format!("{base:<20}{end:<20}{size:>14}")
}
