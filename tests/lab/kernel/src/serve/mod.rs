//! The mailbox: commands of the host, one after the other.

mod facts;
mod memory;
mod requests;

use alloc::vec;
use alloc::vec::Vec;
use core::mem::offset_of;

use ringcopy_lab_mailbox::{
    Command, DATA_LENGTH, DATA_OFFSET, Interference, MAGIC, Mailbox, PHYSICAL_ADDRESS, RamState,
    VALUES, opener,
};

use crate::boot::Archive;
use crate::io::control::Control;
use crate::io::{KERNEL_MODE, USER_MODE};
use crate::irql::PASSIVE_LEVEL;
use crate::memory::{PAGE, frames, kernel_space, mosaic, page_of, phys, ranges};
use crate::object::{file, process};
use crate::outcome::{self, Outcome};
use crate::parallel::{Closing, Work};
use crate::pe::Missing;
use crate::{cpu, driver, failure, interference, parallel, raw, smp};
use nt_status::NtStatus;

fn place(offset: usize) -> u64 {
    phys::linear(PHYSICAL_ADDRESS) + offset as u64
}

/// The data that travels with a command or an answer.
fn data() -> u64 {
    place(DATA_OFFSET as usize)
}

fn read(offset: usize) -> u64 {
    raw::read_volatile(place(offset))
}

fn write(offset: usize, value: u64) {
    raw::write_volatile(place(offset), value);
}

/// What a command came to.
#[derive(Default)]
struct Answer {
    results: Vec<u64>,
    data_length: u64,
}

impl From<Vec<u64>> for Answer {
    fn from(results: Vec<u64>) -> Self {
        Self {
            results,
            data_length: 0,
        }
    }
}

impl From<u64> for Answer {
    fn from(result: u64) -> Self {
        vec![result].into()
    }
}

/// The page that the second processor changes, to be put right again.
#[derive(Default)]
struct Disturbed {
    /// 0: there is no such page.
    entry: u64,
    was: u64,
    address: u64,
    /// The range of RAM that it removes, instead of a page.
    ram: Option<ranges::Range>,
    /// The frame that it shows in turn, or 0.
    spare: u64,
}

/// How often the mailbox is looked at without a pause: a host that has its next command ready is
/// answered within microseconds.
const PATIENCE: u32 = 20_000;

/// Listens for ever. The driver has been started, with `entry_status`.
pub(crate) fn listen(archive: Archive, entry_status: NtStatus) -> ! {
    let mut disturbed = None;
    let (mut last, mut idle) = (0, 0);
    write(offset_of!(Mailbox, asked), 0);
    write(offset_of!(Mailbox, answered), 0);
    write(offset_of!(Mailbox, status), u64::from(entry_status.0));
    write(offset_of!(Mailbox, magic), MAGIC);
    loop {
        let asked = read(offset_of!(Mailbox, asked));
        if asked == last {
            idle += 1;
            if idle > PATIENCE {
                smp::rest();
            } else {
                core::hint::spin_loop();
            }
            continue;
        }
        idle = 0;
        last = asked;
        let command = Command::from_wire(read(offset_of!(Mailbox, command)));
        let mut arguments = [0; VALUES];
        for (position, argument) in arguments.iter_mut().enumerate() {
            *argument = read(offset_of!(Mailbox, arguments) + position * 8);
        }
        let length = read(offset_of!(Mailbox, data_length)).min(DATA_LENGTH);
        let result = command.map_or(Err(NtStatus::INVALID_PARAMETER), |command| {
            carry_out(command, &arguments, length, archive, &mut disturbed)
        });
        let (status, answer) = match result {
            Ok((status, answer)) => (status, answer),
            Err(status) => (status, Answer::default()),
        };
        for position in 0..VALUES {
            let result = answer.results.get(position).copied().unwrap_or(0);
            write(offset_of!(Mailbox, results) + position * 8, result);
        }
        write(offset_of!(Mailbox, data_length), answer.data_length);
        write(offset_of!(Mailbox, status), u64::from(status.0));
        write(offset_of!(Mailbox, answered), asked);
        if command == Some(Command::Shutdown) {
            outcome::end(Outcome::Done);
        }
    }
}

/// The command's status and answer, or the status alone.
type Carried = Result<(NtStatus, Answer), NtStatus>;

#[expect(clippy::unnecessary_wraps, reason = "commands end with it")]
fn done(answer: impl Into<Answer>) -> Carried {
    Ok((NtStatus::SUCCESS, answer.into()))
}

fn carry_out(
    command: Command,
    arguments: &[u64; VALUES],
    length: u64,
    archive: Archive,
    disturbed: &mut Option<Disturbed>,
) -> Carried {
    let [one, two, three, ..] = *arguments;
    match command {
        Command::CreateProcess => done(process::start(one)?),
        Command::EndProcess => {
            if disturbed.is_some() {
                return Err(NtStatus::INVALID_PARAMETER);
            }
            process::end(one)?;
            done(Answer::default())
        }
        Command::Open => {
            let mut name = vec![0; length as usize];
            raw::copy_out(data(), &mut name);
            let path = file::path_of(&name)?;
            process::require(one)?;
            let opener = file::Opener {
                mode: if three & opener::KERNEL == 0 {
                    USER_MODE
                } else {
                    KERNEL_MODE
                },
                forced: three & opener::FORCED != 0,
                impersonated: (three & opener::IMPERSONATES != 0).then_some(arguments[3]),
            };
            done(process::attached(one, || {
                file::open(&path, two as u32, opener)
            })??)
        }
        Command::Close => {
            process::require(one)?;
            file::close_handle(one, two)?;
            done(Answer::default())
        }
        Command::Duplicate => done(file::duplicate(one, two, three)?),
        Command::DeviceIoControl | Command::Exchange | Command::Exchanges => {
            requests::carry_out(command, arguments, length)
        }
        Command::Parallel if disturbed.is_some() => Err(NtStatus::INVALID_PARAMETER),
        Command::Parallel => parallel_requests(arguments),
        Command::Allocate
        | Command::Protect
        | Command::WriteUser
        | Command::ReadUser
        | Command::Translate
        | Command::ReadSystem
        | Command::ReadPhysical
        | Command::WriteKernelScratch
        | Command::ReadKernelScratch
        | Command::PageOut
        | Command::Withhold
        | Command::SetRam
        | Command::CopyMemory => memory::carry_out(command, arguments, length),
        Command::StartInterference => start_interference(one, two, three, disturbed),
        Command::StopInterference => stop_interference(disturbed),
        Command::Machine => done(facts::machine()),
        Command::RamRanges => facts::ram_ranges(),
        Command::Mosaic => facts::mosaic(),
        Command::Counts => done(facts::counts()),
        Command::FailAllocation => {
            failure::arm(one);
            done(Answer::default())
        }
        Command::Unload => {
            let left = driver::unload()?.join("\n");
            let bytes = &left.as_bytes()[..left.len().min(DATA_LENGTH as usize)];
            raw::copy_in(bytes, data());
            Ok((
                NtStatus::SUCCESS,
                Answer {
                    results: vec![left.lines().count() as u64],
                    data_length: bytes.len() as u64,
                },
            ))
        }
        Command::Load => Ok((driver::load(archive, Missing::Refuse), Answer::default())),
        Command::Shutdown => done(Answer::default()),
    }
}

/// A length as requests have it.
fn narrow(length: u64) -> Result<u32, NtStatus> {
    u32::try_from(length).map_err(|_| NtStatus::INVALID_PARAMETER)
}

/// An answer that is data alone.
fn data_of(length: u64) -> Carried {
    done(Answer {
        results: Vec::new(),
        data_length: length,
    })
}

fn parallel_requests(arguments: &[u64; VALUES]) -> Carried {
    let [
        process,
        handle,
        code,
        input_length,
        output_length,
        input,
        output,
        other_input,
        other_output,
        repetitions,
        other_process,
        other_handle,
        close,
        ..,
    ] = *arguments;
    let or = |value, otherwise| if value == 0 { otherwise } else { value };
    let (other_process, other_handle) = (or(other_process, process), or(other_handle, handle));
    process::require(process)?;
    process::require(other_process)?;
    if smp::running() < 2 {
        return Err(NtStatus::NOT_SUPPORTED);
    }
    let (input_length, output_length) = (narrow(input_length)?, narrow(output_length)?);
    let work = |process, handle, input, output, closing| Work {
        process,
        handle,
        control: Control {
            code: code as u32,
            input,
            input_length,
            output,
            output_length,
            mode: USER_MODE,
            cancelled: false,
            level: PASSIVE_LEVEL,
        },
        repetitions,
        closing,
    };
    let (closing, other_closing) = if close == 0 {
        (Closing::Never, Closing::Never)
    } else if (other_process, other_handle) == (process, handle) {
        (Closing::ByThis, Closing::ByOther)
    } else {
        return Err(NtStatus::INVALID_PARAMETER);
    };
    let tallies = parallel::run(
        work(process, handle, input, output, closing),
        work(
            other_process,
            other_handle,
            other_input,
            other_output,
            other_closing,
        ),
    );
    let results: Vec<u64> = tallies
        .iter()
        .flat_map(|tally| {
            [
                u64::from(tally.status.0),
                tally.information,
                tally.different,
                tally.sent,
            ]
        })
        .collect();
    done(results)
}

fn start_interference(
    id: u64,
    address: u64,
    kind: u64,
    disturbed: &mut Option<Disturbed>,
) -> Carried {
    let kind = Interference::from_wire(kind).ok_or(NtStatus::INVALID_PARAMETER)?;
    if smp::running() < 2 {
        return Err(NtStatus::NOT_SUPPORTED);
    }
    if disturbed.is_some() {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    if kind == Interference::Cancel {
        *disturbed = Some(Disturbed::default());
        interference::start(PAGE, 0, kind, 0, [0; 2]);
        return done(Answer::default());
    }
    if kind == Interference::Ram {
        let range = ranges::Range {
            start: address,
            end: address + id,
        };
        *disturbed = Some(Disturbed {
            ram: Some(range),
            ..Disturbed::default()
        });
        interference::start(address, id, kind, 0, [0; 2]);
        return done(Answer::default());
    }
    let tables = if id == 0 && mosaic::is_small_ram(page_of(address)) {
        kernel_space::system()
    } else {
        process::require(id)?;
        process::tables(id)?
    };
    let leaf = tables.walk(address).ok_or(NtStatus::INVALID_PARAMETER)?;
    let entry = tables
        .entry_of(address)
        .ok_or(NtStatus::INVALID_PARAMETER)?;
    let was = phys::read_entry(entry);
    let frame = page_of(leaf.physical);
    let spare = if kind == Interference::Flip {
        complement_of(frame)?
    } else {
        0
    };
    let mut frames = [0; 2];
    if kind == Interference::Alternate {
        for (frame, pages) in frames.iter_mut().zip([1, 2]) {
            let source = page_of(address) + pages * PAGE;
            let leaf = tables.walk(source).ok_or(NtStatus::INVALID_PARAMETER)?;
            *frame = page_of(leaf.physical);
        }
    }
    *disturbed = Some(Disturbed {
        ram: None,
        entry,
        was,
        address,
        spare,
    });
    interference::start(page_of(address), entry, kind, frame ^ spare, frames);
    done(Answer::default())
}

/// A frame that holds the complement of each byte of another.
fn complement_of(frame: u64) -> Result<u64, NtStatus> {
    let spare = frames::allocate().ok_or(NtStatus::NO_MEMORY)?;
    for offset in (0..PAGE).step_by(8) {
        let word: u64 = phys::read(frame + offset);
        raw::write(phys::linear(spare + offset), !word);
    }
    Ok(spare)
}

fn stop_interference(disturbed: &mut Option<Disturbed>) -> Carried {
    let stopped = disturbed.take().ok_or(NtStatus::INVALID_PARAMETER)?;
    let changes = interference::stop();
    if stopped.entry != 0 {
        phys::write_entry(stopped.entry, stopped.was);
        cpu::invalidate_page(stopped.address);
    }
    if let Some(range) = stopped.ram {
        ranges::change(range, RamState::Listed);
    }
    if stopped.spare != 0 {
        frames::free(stopped.spare);
    }
    done(changes)
}
