//! Device control requests: one by one, and those whose buffers' bytes travel with them.

use alloc::vec;
use alloc::vec::Vec;

use ringcopy_lab_mailbox::{Command, DATA_LENGTH, Exchange, Exchanged, UNTOUCHED, VALUES};

use super::memory::{within, words};
use super::{Answer, Carried, data, data_of, narrow};
use crate::io::control::{Control, device_control};
use crate::io::{Outcome, USER_MODE};
use crate::irql::{HIGH_LEVEL, PASSIVE_LEVEL};
use crate::memory::user::Access;
use crate::object::process;
use crate::raw;
use nt_status::NtStatus;

/// Carries one of the commands out; others are none.
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
    control.level = level as u8 & HIGH_LEVEL;
    let outcome = process::attached(id, || device_control(handle, control))??;
    Ok((outcome.status, results_of(&outcome).into()))
}

fn results_of(outcome: &Outcome) -> Vec<u64> {
    vec![outcome.information, outcome.ticks]
}

/// Copies between a process's memory and the lab's.
fn transfer(
    id: u64,
    address: u64,
    other: u64,
    length: u64,
    access: Access,
) -> Result<(), NtStatus> {
    process::with_memory(id, |memory| memory.transfer(address, other, length, access))
}

/// One request; the data are its input and what its output holds before it.
fn exchange(id: u64, handle: u64, control: Control, length: u64) -> Carried {
    let (input, output) = lengths(&control);
    if input + output != length {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    transfer(id, control.input, data(), input, Access::Write)?;
    transfer(id, control.output, data() + input, output, Access::Write)?;
    let sent = process::attached(id, || device_control(handle, control))?;
    transfer(id, control.output, data(), output, Access::Read)?;
    let outcome = sent.unwrap_or_else(refused);
    Ok((
        outcome.status,
        Answer {
            results: results_of(&outcome),
            data_length: output,
        },
    ))
}

/// Many of them.
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
        let room = end + size_of::<Exchanged>() as u64;
        within(room, output, DATA_LENGTH)?;
        let control = Control {
            input_length: narrow(input)?,
            output_length: narrow(output)?,
            ..control
        };
        transfer(
            id,
            control.input,
            bytes.as_ptr() as u64,
            input,
            Access::Write,
        )?;
        raw::fill(data() + room, UNTOUCHED, output);
        transfer(id, control.output, data() + room, output, Access::Write)?;
        let sent = process::attached(id, || device_control(handle, control))?;
        transfer(id, control.output, data() + room, output, Access::Read)?;
        let outcome = sent.unwrap_or_else(refused);
        let words = [
            u64::from(outcome.status.0),
            outcome.information,
            outcome.ticks,
        ];
        raw::write(data() + end, words);
        end = room + output;
    }
    data_of(end)
}

fn lengths(control: &Control) -> (u64, u64) {
    (control.input_length.into(), control.output_length.into())
}

/// A request that did not come as far as the driver.
const fn refused(status: NtStatus) -> Outcome {
    Outcome {
        status,
        information: 0,
        ticks: 0,
    }
}
