//! `ringcopy trace`: collects the driver's events, and shows them.

use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::{
    Stop,
    arguments::{TraceAction, TraceLevel},
    view::View,
};
use crate::{
    machine::{self, System, TraceRecord},
    trace::{PROVIDER, Value, level_name},
};

pub(super) fn run(
    action: &TraceAction,
    system: &mut dyn System,
    view: &mut View<'_, '_>,
) -> Result<(), Stop> {
    match action {
        TraceAction::Start(arguments) => start(&arguments.file, arguments.level, system, view),
        TraceAction::Stop => stop(system, view),
        TraceAction::Show { file } => show(file, system, view),
    }
}

fn start(
    file: &Path,
    level: TraceLevel,
    system: &mut dyn System,
    view: &mut View<'_, '_>,
) -> Result<(), Stop> {
    // The session does not know this program's current folder.
    let file = std::path::absolute(file).unwrap_or_else(|_| file.into());
    machine::start_trace(system, &file, level as u8)?;
    view.document.detail("result", "started");
    view.document.detail("file", file.display().to_string());
    view.line(&format!(
        "events go to {}, also those of a driver that is loaded later",
        file.display()
    ))?;
    Ok(())
}

fn stop(system: &mut dyn System, view: &mut View<'_, '_>) -> Result<(), Stop> {
    let written = machine::stop_trace(system)?;
    let file = written.file.display().to_string();
    view.document.detail("result", "stopped");
    view.document.detail("file", file.as_str());
    view.document.detail("lost", written.lost);
    view.line(&format!(
        "events are in {file}; `ringcopy trace show` shows them"
    ))?;
    if written.lost > 0 {
        view.line(&format!("{} events were lost", written.lost))?;
    }
    Ok(())
}

fn show(file: &Path, system: &mut dyn System, view: &mut View<'_, '_>) -> Result<(), Stop> {
    let mut records = Vec::new();
    machine::read_trace(system, file, &mut |record| {
        if record.event.provider == PROVIDER {
            records.push(record);
        }
    })?;
    let first = records.first().map_or(0, |record| record.time);
    let mut events = Vec::new();
    for record in &records {
        let decoded = record.event.decode();
        if let Err(error) = &decoded {
            view.document.fault();
            view.remark(&format!("an event cannot be decoded: {error}"))?;
        }
        let Ok(event) = decoded else { continue };
        view.line(&format!(
            "{:>16} {:>6} {event}",
            seconds(record.time.saturating_sub(first)),
            record.process
        ))?;
        let fields: Map<String, Json> = event
            .fields
            .iter()
            .map(|(name, value)| (name.clone(), value_of(value)))
            .collect();
        events.push(document_of(record, &event.name, &fields));
    }
    if records.is_empty() {
        view.line("no event of the driver is in the file")?;
    }
    view.document.detail("events", events);
    Ok(())
}

fn document_of(record: &TraceRecord, name: &str, fields: &Map<String, Json>) -> Json {
    json!({
        "event": name,
        "level": level_name(record.event.level),
        "time": record.time,
        "process": record.process,
        "thread": record.thread,
        "fields": fields,
    })
}

/// Returns a value as the document has it: addresses and bits as texts, as everywhere in it.
fn value_of(value: &Value) -> Json {
    match value {
        Value::Number(value) => json!(value),
        Value::Boolean(value) => json!(value),
        Value::Text(text) => json!(text),
        Value::Hex(_) | Value::Status(_) => json!(value.to_string()),
    }
}

/// Returns a time in units of 100 ns as seconds.
fn seconds(time: i64) -> String {
    const UNITS: u64 = 10_000_000;
    let sign = if time < 0 { "-" } else { "+" };
    let time = time.unsigned_abs();
    format!("{sign}{}.{:07}", time / UNITS, time % UNITS)
}
