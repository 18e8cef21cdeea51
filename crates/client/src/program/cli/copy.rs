//! `ringcopy copy`: memory of the caller's own, through the driver and back.

use ringcopy_protocol::SESSION_LENGTH;
use serde_json::Value;

use super::{Stop, arguments::CopyArguments, record::Record, view::View};
use crate::{
    CallerCopy, CopyReport, CopyThrough, Device, OpenAccess, Transport, TransportError,
    explain_copy, suites::pattern,
};

type DynDevice<'t, 'o> = Device<'t, dyn Transport + 'o>;

pub(super) fn run(
    arguments: &CopyArguments,
    transport: &mut dyn Transport,
    view: &mut View<'_, '_>,
) -> Result<(), Stop> {
    let mut device = Device::open(transport, OpenAccess::ReadWrite)?;
    let user_limit = device.information()?.user_limit;
    let bytes = arguments.text.as_ref().map_or_else(
        || pattern(0, arguments.length),
        |text| text.clone().into_bytes(),
    );
    let length = bytes.len() as u64;
    let misalign = arguments.misalign;
    let source = allocate(&mut device, length, misalign)?;
    device.transport().write(source, &bytes)?;

    let destination = allocate(&mut device, length, misalign)?;
    let through = device.copy_through(CopyThrough {
        source,
        destination,
        length,
        alignment: arguments.alignment,
    })?;
    let arrived = arrived(&mut device, destination, &bytes, &through)?;
    report(view, &through, user_limit, Some(arrived == bytes))?;
    if arguments.text.is_some() {
        let arrived = String::from_utf8_lossy(&arrived).into_owned();
        view.line(&arrived)?;
        view.document.detail("text", arrived);
        return Ok(());
    }

    let limit = usize::try_from(SESSION_LENGTH).unwrap_or(usize::MAX);
    let session = &bytes[..bytes.len().min(limit)];
    let copy = |address| CallerCopy {
        alignment: arguments.alignment,
        ..CallerCopy::new(address, session.len() as u64)
    };
    let from = device.copy_from(copy(source))?;
    report(view, &from, user_limit, None)?;
    if !from.is_complete() {
        return Ok(());
    }
    let destination = allocate(&mut device, length, misalign)?;
    let to = device.copy_to(copy(destination))?;
    let intact = self::arrived(&mut device, destination, session, &to)? == session;
    report(view, &to, user_limit, Some(intact))
}

fn allocate(
    device: &mut DynDevice<'_, '_>,
    length: u64,
    misalign: u64,
) -> Result<u64, TransportError> {
    let base = device.transport().allocate((length + misalign).max(1))?;
    Ok(base + misalign)
}

/// Reads the bytes that arrived of `sent`.
fn arrived(
    device: &mut DynDevice<'_, '_>,
    destination: u64,
    sent: &[u8],
    report: &CopyReport,
) -> Result<Vec<u8>, TransportError> {
    let copied = usize::try_from(report.result.copied).unwrap_or(usize::MAX);
    let mut bytes = vec![0; copied.min(sent.len())];
    device.transport().read(destination, &mut bytes)?;
    Ok(bytes)
}

/// Reports a copy. `intact` says whether the bytes that arrived are those that were sent, if that
/// is known yet.
fn report(
    view: &mut View<'_, '_>,
    report: &CopyReport,
    user_limit: u64,
    intact: Option<bool>,
) -> Result<(), Stop> {
    let complete = report.is_complete();
    // The missing bytes of a copy that stopped cannot be compared.
    let intact = intact.filter(|_| complete);
    if !complete || intact == Some(false) {
        view.document.fault();
    }
    view.document.record(
        Record::of_copy(report, user_limit).with("intact", intact.map_or(Value::Null, Value::Bool)),
    );
    view.line(&format!(
        "{:<13} {}: {} of {} bytes{}",
        report.operation,
        report.result.status(),
        report.result.copied,
        report.asked,
        match intact {
            Some(true) => ", intact",
            Some(false) => ", NOT the bytes that were sent",
            None => "",
        }
    ))?;
    if let Some(explanation) = explain_copy(report, user_limit) {
        view.remark(&explanation)?;
    }
    Ok(())
}
