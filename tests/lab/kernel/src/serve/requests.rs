//! Device control requests, with and without the bytes of their buffers.

use alloc::vec;
use alloc::vec::Vec;

use ringcopy_lab_mailbox::{
    Command, DATA_LENGTH, Exchange, Exchanged, Repeated, Sender, UNTOUCHED, VALUES,
};

use super::memory::{within, words};
use super::{Carried, Reply, data, data_of, data_of_records, done, narrow};
use crate::io::control::{Control, device_control};
use crate::io::read_write::{self, Transfer};
use crate::io::{Completion, USER_MODE};
use crate::irql::{HIGH_LEVEL, PASSIVE_LEVEL};
use crate::memory::user::AccessKind;
use crate::object::process;
use crate::parallel::{self, Closing, Work};
use crate::{raw, smp};
use nt_status::NtStatus;

/// Carries out one of the commands.
pub(super) fn carry_out(command: Command, arguments: &[u64; VALUES], length: u64) -> Carried {
    let [
        id,
        handle,
        code,
        four,
        five,
        six,
        seven,
        mode,
        cancelled,
        level,
        thread_ends,
        ..,
    ] = *arguments;
    process::require(id)?;
    let mut control = Control {
        code: code as u32,
        input: four,
        input_length: 0,
        output: five,
        output_length: 0,
        mode: USER_MODE,
        cancelled: false,
        thread_ends: false,
        level: PASSIVE_LEVEL,
    };
    if command == Command::Exchanges {
        return many(id, handle, control, length);
    }
    control.input_length = narrow(five)?;
    control.output = six;
    control.output_length = narrow(seven)?;
    if command == Command::Exchange {
        return exchange(id, handle, control, length);
    }
    control.mode = u8::from(mode != 0);
    control.cancelled = cancelled != 0;
    control.thread_ends = thread_ends != 0;
    control.level = level as u8 & HIGH_LEVEL;
    let completed = process::attached(id, || device_control(handle, control))??;
    Ok((completed.status, results_of(&completed).into()))
}

/// Sends a read or a write.
pub(super) fn read_or_write(command: Command, arguments: &[u64; VALUES]) -> Carried {
    let [id, handle, buffer, length, offset, ..] = *arguments;
    process::require(id)?;
    let transfer = Transfer {
        is_write: command == Command::WriteFile,
        buffer,
        length: narrow(length)?,
        offset,
    };
    let completed = process::attached(id, || read_write::transfer(handle, transfer))??;
    Ok((completed.status, results_of(&completed).into()))
}

fn results_of(completed: &Completion) -> Vec<u64> {
    vec![completed.information, completed.ticks]
}

/// Copies between a process's memory and the lab's.
fn transfer(
    id: u64,
    address: u64,
    other: u64,
    length: u64,
    access: AccessKind,
) -> Result<(), NtStatus> {
    process::with_memory(id, |memory| memory.transfer(address, other, length, access))
}

/// Sends a request whose input is at `input` in the lab's memory and whose output is copied from
/// and to `output`.
fn send(
    id: u64,
    handle: u64,
    control: Control,
    input: u64,
    output: u64,
) -> Result<Completion, NtStatus> {
    let (input_length, output_length) = lengths(&control);
    transfer(id, control.input, input, input_length, AccessKind::Write)?;
    transfer(id, control.output, output, output_length, AccessKind::Write)?;
    let sent = process::attached(id, || device_control(handle, control))?;
    transfer(id, control.output, output, output_length, AccessKind::Read)?;
    Ok(sent.unwrap_or_else(refused))
}

/// Sends one request. The data has its input, then the initial bytes of its output.
fn exchange(id: u64, handle: u64, control: Control, length: u64) -> Carried {
    let (input, output) = lengths(&control);
    if input + output != length {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    let completed = send(id, handle, control, data(), data() + input)?;
    raw::copy(data() + input, data(), output);
    Ok((
        completed.status,
        Reply {
            results: results_of(&completed),
            data_length: output,
        },
    ))
}

/// Sends many requests.
fn many(id: u64, handle: u64, control: Control, length: u64) -> Carried {
    let mut asked = vec![0; length as usize];
    raw::copy_out(data(), &mut asked);
    let (mut left, mut end) = (asked.as_slice(), 0);
    while let Some((header, rest)) = left.split_at_checked(size_of::<Exchange>()) {
        let [input, output] = words(header);
        let (bytes, rest) = rest
            .split_at_checked(input as usize)
            .ok_or(NtStatus::INVALID_PARAMETER)?;
        left = rest;
        let start = end + size_of::<Exchanged>() as u64;
        within(start, output, DATA_LENGTH)?;
        let control = Control {
            input_length: narrow(input)?,
            output_length: narrow(output)?,
            ..control
        };
        raw::fill(data() + start, UNTOUCHED, output);
        let completed = send(id, handle, control, bytes.as_ptr() as u64, data() + start)?;
        let words = [
            u64::from(completed.status.0),
            completed.information,
            completed.ticks,
        ];
        raw::write(data() + end, words);
        end = start + output;
    }
    data_of(end)
}

fn lengths(control: &Control) -> (u64, u64) {
    (control.input_length.into(), control.output_length.into())
}

/// The result of a request that was not sent to the driver.
const fn refused(status: NtStatus) -> Completion {
    Completion {
        status,
        information: 0,
        ticks: 0,
    }
}

/// Sends requests from several processors at once: [`Command::Parallel`].
pub(super) fn parallel(code: u32, repetitions: u64, closes: bool, length: u64) -> Carried {
    let mut asked = vec![0; length as usize];
    raw::copy_out(data(), &mut asked);
    let (senders, _) = asked.as_chunks::<{ size_of::<Sender>() }>();
    if senders.len() < 2 || senders.len() as u64 > smp::running() {
        return Err(NtStatus::NOT_SUPPORTED);
    }
    let mut works: Vec<Work> = Vec::new();
    for sender in senders {
        let [id, handle, input, input_length, output, output_length] = words(sender);
        process::require(id)?;
        let closing = match works.first() {
            _ if !closes => Closing::Never,
            None => Closing::ByThis,
            Some(first) if (first.process, first.handle) == (id, handle) => Closing::ByOther,
            Some(_) => return Err(NtStatus::INVALID_PARAMETER),
        };
        works.push(Work {
            process: id,
            handle,
            control: Control {
                code,
                input,
                input_length: narrow(input_length)?,
                output,
                output_length: narrow(output_length)?,
                mode: USER_MODE,
                cancelled: false,
                thread_ends: false,
                level: PASSIVE_LEVEL,
            },
            repetitions,
            closing,
        });
    }
    let repeated: Vec<_> = parallel::run(&works)
        .into_iter()
        .map(|tally| Repeated {
            status: tally.status.0.into(),
            information: tally.information,
            different: tally.different,
            sent: tally.sent,
        })
        .collect();
    done(data_of_records(&repeated))
}
