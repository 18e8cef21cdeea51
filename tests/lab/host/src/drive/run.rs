//! Carries out a plan.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use nt_status::NtStatus;
use ringcopy_transport::{Handle, RequestError, Transport as _, TransportError};

use super::{
    Bytes, Done, Outcome, Part, Plan, Step,
    image::examine,
    symbols::Symbols,
    verdict::{Crash, Verdict},
};
use crate::{Lab, LabError, Process, process::RawError};

/// Starts a lab and does with the driver what a plan says. `echo` gets every line of the log at once,
/// `done` every step that was carried out.
///
/// # Errors
///
/// If QEMU cannot run the lab, a file cannot be read, or the user interrupts it. Whatever is wrong with
/// the driver is in the [`Outcome`].
pub fn drive(
    plan: &Plan,
    mut echo: impl FnMut(&str) + Send + 'static,
    mut done: impl FnMut(&Done),
) -> Result<Outcome, LabError> {
    let driver = plan.driver();
    let mut outcome = Outcome {
        driver: driver.clone(),
        ..Outcome::default()
    };
    match examine(&driver).map_err(LabError::file(&driver))? {
        Ok(notes) => outcome.notes = notes,
        Err(reason) => {
            outcome.verdicts.push(Verdict::ImageRefused(reason));
            return Ok(outcome);
        }
    }
    let symbols = Symbols::beside(&plan.options.images);
    let log = Arc::<Mutex<Vec<String>>>::default();
    let gathered = Arc::clone(&log);
    let booted = Lab::boot_with(plan.options.clone(), move |line| {
        echo(line);
        lock(&gathered).push(line.to_owned());
    });
    let ended = booted.and_then(|lab| {
        outcome.entry = Some(NtStatus::SUCCESS);
        in_lab(lab, plan, &symbols, &mut outcome, &mut done)
    });
    outcome.log.clone_from(&lock(&log));
    let lines = outcome.log.iter();
    let mut missing: Vec<Verdict> = Vec::new();
    for verdict in lines.filter_map(|line| Verdict::missing_in(line)) {
        // A function of the framework is told at its call and at the end.
        if !missing.contains(&verdict) {
            missing.push(verdict);
        }
    }
    outcome.verdicts.splice(0..0, missing);
    if let Err(error) = ended {
        let verdict = verdict_of(error, plan.options.patience, &mut outcome, &symbols)?;
        outcome.verdicts.push(verdict);
        let lines = outcome.log.iter();
        let left = lines.filter_map(|line| line.strip_prefix("leaked by a failed start: "));
        let left = left.map(|line| leak(line, &symbols));
        outcome.verdicts.extend(left);
    }
    Ok(outcome)
}

fn lock(log: &Mutex<Vec<String>>) -> std::sync::MutexGuard<'_, Vec<String>> {
    // Lines are pushed whole, so that the list is valid after a panic, too.
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns what the end of a lab says about the driver; the error if it says nothing.
fn verdict_of(
    error: LabError,
    patience: Duration,
    outcome: &mut Outcome,
    symbols: &Symbols,
) -> Result<Verdict, LabError> {
    let crash = Crash::in_log(&outcome.log, symbols);
    Ok(match error {
        LabError::DriverEntry { status, .. } => {
            outcome.entry = Some(status);
            Verdict::StartFailed(status)
        }
        LabError::Silent { waited, .. } => {
            Verdict::NoReturn(waited.as_secs(), crash.unwrap_or_default())
        }
        LabError::Stopped { reason, .. } => match crash {
            Some(crash) if crash.is_interruption() => Verdict::NoReturn(patience.as_secs(), crash),
            Some(crash) => Verdict::Crash(crash),
            None => {
                let refused = outcome
                    .log
                    .iter()
                    .find(|line| line.contains(" was not loaded: "));
                refused.map_or(Verdict::Stopped(reason), |line| {
                    Verdict::ImageRefused(line.clone())
                })
            }
        },
        error => return Err(error),
    })
}

fn in_lab(
    lab: Lab,
    plan: &Plan,
    symbols: &Symbols,
    outcome: &mut Outcome,
    done: &mut impl FnMut(&Done),
) -> Result<(), LabError> {
    if !plan.steps.is_empty() {
        let mut program = Program {
            process: lab.process(plan.token)?,
            handles: BTreeMap::new(),
            order: Vec::new(),
            memory: BTreeMap::new(),
        };
        for step in &plan.steps {
            match program.carry_out(step) {
                Ok(result) => {
                    done(&result);
                    outcome.steps.push(result);
                }
                Err(Failure::Lab(error)) => return Err(error),
                Err(Failure::NotDone(reason)) => {
                    let verdict = Verdict::StepNotDone(step.to_string(), reason);
                    outcome.verdicts.push(verdict);
                    break;
                }
            }
        }
        program.process.end()?;
    }
    match lab.unload() {
        Ok(left) => {
            let left = left.iter().map(|line| leak(line, symbols));
            outcome.verdicts.extend(left);
        }
        Err(LabError::Refused {
            status: NtStatus::NOT_SUPPORTED,
            ..
        }) => outcome.verdicts.push(Verdict::NoUnload),
        Err(error) => return Err(error),
    }
    lab.shut_down().map(drop)
}

/// The verdict for a line about what was left. The code that allocated pool is known by where it goes on.
fn leak(line: &str, symbols: &Symbols) -> Verdict {
    Verdict::Leak(symbols.annotate(line, line.starts_with("pool: ")))
}

/// Why a step was not carried out.
enum Failure {
    Lab(LabError),
    NotDone(String),
}

impl From<LabError> for Failure {
    fn from(error: LabError) -> Self {
        Self::Lab(error)
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self::NotDone(error.to_string())
    }
}

impl From<RawError> for Failure {
    fn from(error: RawError) -> Self {
        match error {
            RawError::Lab(error) => error.into(),
            RawError::Memory(error) => error.into(),
        }
    }
}

/// A program of user mode that carries out the steps.
struct Program<'l> {
    process: Process<'l>,
    handles: BTreeMap<String, Handle>,
    /// The names of the open handles, the last opened last.
    order: Vec<String>,
    /// The addresses of memory by its name.
    memory: BTreeMap<String, u64>,
}

impl Program<'_> {
    fn carry_out(&mut self, step: &Step) -> Result<Done, Failure> {
        let ended = |status| Done {
            step: step.to_string(),
            status,
            information: 0,
            output: Vec::new(),
        };
        let (status, information, output) = match step {
            Step::Open {
                device,
                handle,
                access,
            } => {
                let name = handle.as_ref().unwrap_or(device);
                return Ok(ended(self.open(device, name, access.bits())?));
            }
            Step::Close { handle } => {
                let name = self.name_of(handle.as_ref())?;
                self.order.retain(|open| *open != name);
                let handle = self.handles.remove(&name);
                let closed = handle.map(|handle| self.process.close_raw(handle));
                return Ok(ended(closed.transpose()?.unwrap_or(NtStatus::SUCCESS)));
            }
            Step::Memory { name, bytes } => {
                let bytes = self.bytes_of(bytes)?;
                let address = self.process.allocate(bytes.len() as u64)?;
                self.process.write(address, &bytes)?;
                self.memory.insert(name.clone(), address);
                return Ok(ended(NtStatus::SUCCESS));
            }
            Step::Pnp { request } => {
                let lab = self.process.lab();
                return Ok(ended(lab.plug_and_play(request.request())?));
            }
            Step::Wait { milliseconds } => {
                self.process.lab().advance_time_by(*milliseconds)?;
                return Ok(ended(NtStatus::SUCCESS));
            }
            Step::Ioctl {
                code,
                input,
                output_length,
                on,
            } => {
                let handle = self.handle_of(on.as_ref())?;
                let input = self.bytes_of(input)?;
                let mut output = vec![0; *output_length];
                let (status, information) =
                    self.process
                        .control_raw(handle, *code, &input, &mut output)?;
                (status, information, output)
            }
            Step::Read { length, offset, on } => {
                let handle = self.handle_of(on.as_ref())?;
                let mut output = vec![0; *length];
                let (status, information) = self.process.read_raw(handle, *offset, &mut output)?;
                (status, information, output)
            }
            Step::Write { bytes, offset, on } => {
                let handle = self.handle_of(on.as_ref())?;
                let bytes = self.bytes_of(bytes)?;
                let (status, information) = self.process.write_raw(handle, *offset, &bytes)?;
                (status, information, Vec::new())
            }
        };
        let length = usize::try_from(information)
            .unwrap_or(usize::MAX)
            .min(output.len());
        Ok(Done {
            information,
            output: output[..length].to_vec(),
            ..ended(status)
        })
    }

    fn open(&mut self, device: &str, name: &str, access: u64) -> Result<NtStatus, Failure> {
        if self.handles.contains_key(name) {
            return Err(Failure::NotDone(format!(
                "the handle {name} is open already: name this one with --as"
            )));
        }
        match self.process.open_name(&native_name(device), access) {
            Ok(handle) => {
                self.handles.insert(name.to_owned(), handle);
                self.order.push(name.to_owned());
                Ok(NtStatus::SUCCESS)
            }
            Err(RequestError::Status(NtStatus::OBJECT_NAME_NOT_FOUND)) => {
                let names = self.process.lab().names()?;
                Err(Failure::NotDone(if names.is_empty() {
                    "there is no device with a name".into()
                } else {
                    format!(
                        "there is no such device, but:\n    {}",
                        names.join("\n    ")
                    )
                }))
            }
            Err(RequestError::Status(status)) => Ok(status),
            // The next command says how the lab ended.
            Err(RequestError::Transport(error)) => {
                self.process.lab().counts()?;
                Err(error.into())
            }
        }
    }

    /// Returns the bytes of a step, with the addresses of memory.
    fn bytes_of(&self, bytes: &Bytes) -> Result<Vec<u8>, Failure> {
        let mut whole = Vec::new();
        for part in bytes.parts() {
            match part {
                Part::Data(data) => whole.extend(data),
                Part::Address(name) => {
                    let address = self
                        .memory
                        .get(name)
                        .ok_or_else(|| Failure::NotDone(format!("there is no memory {name}")))?;
                    whole.extend(address.to_le_bytes());
                }
            }
        }
        Ok(whole)
    }

    fn name_of(&self, name: Option<&String>) -> Result<String, Failure> {
        let name = name.or_else(|| self.order.last()).cloned();
        name.ok_or_else(|| Failure::NotDone("no handle is open".into()))
    }

    fn handle_of(&self, name: Option<&String>) -> Result<Handle, Failure> {
        let name = self.name_of(name)?;
        let handle = self.handles.get(&name).copied();
        handle.ok_or_else(|| Failure::NotDone(format!("no handle {name} is open")))
    }
}

/// Returns the name by which NT knows a device that a program names.
fn native_name(device: &str) -> String {
    match device
        .strip_prefix(r"\\.\")
        .or_else(|| device.strip_prefix(r"\\?\"))
    {
        Some(link) => format!(r"\DosDevices\{link}"),
        // A device interface is known by its class.
        None if device.starts_with(['\\', '{']) => device.to_owned(),
        None => format!(r"\DosDevices\{device}"),
    }
}

#[cfg(test)]
mod tests {
    use super::native_name;

    #[test]
    fn a_device_may_be_named_in_each_of_the_usual_ways() {
        for (given, native) in [
            (r"\\.\It", r"\DosDevices\It"),
            (r"\\?\It", r"\DosDevices\It"),
            ("It", r"\DosDevices\It"),
            (r"\Device\It", r"\Device\It"),
            ("{class}", "{class}"),
            (r"\??\It", r"\??\It"),
        ] {
            assert_eq!(native_name(given), native);
        }
    }
}
