//! `ringcopy ranges`: which physical memory is RAM.

use indicatif::BinaryBytes;
use ringcopy_protocol::{NtStatus, RequestKind};
use serde_json::Value;

use super::{
    Stop,
    record::{Record, range},
    view::View,
};
use crate::{Device, OpenAccess, Transport};

pub(super) fn run(transport: &mut dyn Transport, view: &mut View<'_, '_>) -> Result<(), Stop> {
    let ranges = Device::open(transport, OpenAccess::Read)?.memory_ranges()?;
    // Ranges that do not overlap cannot have more bytes than there are addresses.
    let total: u64 = ranges.iter().map(|range| range.length).sum();
    let record = Record::plain(RequestKind::MemoryRanges, NtStatus::SUCCESS);
    view.document.record(record);
    let list = ranges.iter().map(|ram| range(ram.base, ram.length));
    view.document.detail("ranges", list.collect::<Value>());
    view.document.detail("total", total);
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
