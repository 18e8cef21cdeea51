//! The mailbox: carries out the host's commands, one after the other.

mod facts;
mod memory;
mod requests;

use alloc::vec;
use alloc::vec::Vec;
use core::mem::offset_of;

use ringcopy_lab_mailbox::rules::Rule;
use ringcopy_lab_mailbox::{
    Command, DATA_LENGTH, DATA_OFFSET, Exit, Interference, MAGIC, Mailbox, PHYSICAL_ADDRESS,
    PnpRequest, RamState, VALUES, opener,
};
use zerocopy::{Immutable, IntoBytes};

use crate::boot::Archive;
use crate::io::{KERNEL_MODE, USER_MODE, control};
use crate::memory::{PAGE, frames, kernel_space, mixed_mappings, page_of, phys, ranges};
use crate::object::{directory, file, process};
use crate::{clock, cpu, driver, exit, exports, failure, interference, pnp, raw, smp, threads};
use nt_status::NtStatus;

fn place(offset: usize) -> u64 {
    phys::linear(PHYSICAL_ADDRESS) + offset as u64
}

/// Returns the address of the data of a command or reply.
fn data() -> u64 {
    place(DATA_OFFSET as usize)
}

fn read(offset: usize) -> u64 {
    raw::read_volatile(place(offset))
}

fn write(offset: usize, value: u64) {
    raw::write_volatile(place(offset), value);
}

/// The reply to a command.
#[derive(Default)]
struct Reply {
    results: Vec<u64>,
    data_length: u64,
}

impl From<Vec<u64>> for Reply {
    fn from(results: Vec<u64>) -> Self {
        Self {
            results,
            data_length: 0,
        }
    }
}

impl From<u64> for Reply {
    fn from(result: u64) -> Self {
        vec![result].into()
    }
}

/// The page that the second processor changes, and how to restore it.
#[derive(Default)]
struct ChangedPage {
    /// The physical address of its entry, or 0 for no page.
    entry: u64,
    was: u64,
    address: u64,
    /// The range of RAM that is removed and added, instead of a page.
    ram: Option<ranges::Range>,
    /// The other frame that it maps in turn, or 0.
    spare: u64,
}

/// Polls of the mailbox without a pause: a host that sends its next command at once gets its reply
/// within microseconds.
const PATIENCE: u32 = 20_000;

/// Listens until the run ends. `entry_status` is the status of the driver's entry point.
pub(crate) fn listen(archive: Archive, entry_status: NtStatus) -> ! {
    let mut changed = None;
    let (mut last, mut idle) = (0, 0);
    write(offset_of!(Mailbox, asked), 0);
    write(offset_of!(Mailbox, finished), 0);
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
            carry_out(command, &arguments, length, archive, &mut changed)
        });
        threads::settle();
        let (status, reply) = match result {
            Ok((status, reply)) => (status, reply),
            Err(status) => (status, Reply::default()),
        };
        for position in 0..VALUES {
            let result = reply.results.get(position).copied().unwrap_or(0);
            write(offset_of!(Mailbox, results) + position * 8, result);
        }
        write(offset_of!(Mailbox, data_length), reply.data_length);
        write(offset_of!(Mailbox, status), u64::from(status.0));
        write(offset_of!(Mailbox, finished), asked);
        if command == Some(Command::Shutdown) {
            exit::end(Exit::Done);
        }
    }
}

/// A command's status and reply, or the status of a failure.
type Carried = Result<(NtStatus, Reply), NtStatus>;

#[expect(clippy::unnecessary_wraps, reason = "commands end with it")]
fn done(reply: impl Into<Reply>) -> Carried {
    Ok((NtStatus::SUCCESS, reply.into()))
}

fn carry_out(
    command: Command,
    arguments: &[u64; VALUES],
    length: u64,
    archive: Archive,
    changed: &mut Option<ChangedPage>,
) -> Carried {
    let [one, two, three, ..] = *arguments;
    match command {
        Command::CreateProcess => done(process::start(one)?),
        Command::EndProcess => {
            if changed.is_some() {
                return Err(NtStatus::INVALID_PARAMETER);
            }
            process::end(one)?;
            done(Reply::default())
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
            done(Reply::default())
        }
        Command::Duplicate => done(file::duplicate(one, two, three)?),
        Command::DeviceIoControl | Command::Exchange | Command::Exchanges => {
            requests::carry_out(command, arguments, length)
        }
        Command::ReadFile | Command::WriteFile => requests::read_or_write(command, arguments),
        Command::Names => done(data_of_records(directory::left().join("\n").as_bytes())),
        Command::Parallel if changed.is_some() => Err(NtStatus::INVALID_PARAMETER),
        Command::Parallel => requests::parallel(one as u32, two, three != 0, length),
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
        Command::StartInterference => start_interference(one, two, three, changed),
        Command::StopInterference => stop_interference(changed),
        Command::Machine => done(facts::machine()),
        Command::RamRanges => facts::ram_ranges(),
        Command::MixedMappings => facts::mixed_mappings(),
        Command::Counts => done(facts::counts()),
        Command::FailAllocation => {
            failure::arm(one);
            done(Reply::default())
        }
        Command::Unload => {
            let left = driver::unload()?.join("\n");
            let bytes = &left.as_bytes()[..left.len().min(DATA_LENGTH as usize)];
            done(Reply {
                results: vec![left.lines().count() as u64],
                ..data_of_records(bytes)
            })
        }
        Command::Load => Ok((driver::load(archive), Reply::default())),
        Command::AdvanceTime => {
            clock::pass(one);
            done(Reply::default())
        }
        Command::Break => {
            exports::commit(Rule::from_wire(one).ok_or(NtStatus::INVALID_PARAMETER)?)?;
            done(Reply::default())
        }
        Command::Start => {
            process::require(one)?;
            done(process::attached(one, || {
                control::start(two, three as u32)
            })??)
        }
        Command::Finish => Ok((control::finish(one)?, Reply::default())),
        Command::PlugAndPlay => {
            let request = PnpRequest::from_wire(one).ok_or(NtStatus::INVALID_PARAMETER)?;
            Ok((pnp::requests::send(request)?, Reply::default()))
        }
        Command::Shutdown => done(Reply::default()),
    }
}

/// Converts a length to the width that requests have.
fn narrow(length: u64) -> Result<u32, NtStatus> {
    u32::try_from(length).map_err(|_| NtStatus::INVALID_PARAMETER)
}

/// A reply with `length` bytes of data and no results.
fn data_of(length: u64) -> Carried {
    done(Reply {
        results: Vec::new(),
        data_length: length,
    })
}

/// Writes records to the data of the reply.
fn data_of_records<T: IntoBytes + Immutable>(records: &[T]) -> Reply {
    let bytes = records.as_bytes();
    raw::copy_in(bytes, data());
    Reply {
        results: Vec::new(),
        data_length: bytes.len() as u64,
    }
}

fn start_interference(
    id: u64,
    address: u64,
    kind: u64,
    changed: &mut Option<ChangedPage>,
) -> Carried {
    let kind = Interference::from_wire(kind).ok_or(NtStatus::INVALID_PARAMETER)?;
    if smp::running() < 2 {
        return Err(NtStatus::NOT_SUPPORTED);
    }
    if changed.is_some() {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    if kind == Interference::Cancel {
        *changed = Some(ChangedPage::default());
        interference::start(PAGE, 0, kind, 0, [0; 2]);
        return done(Reply::default());
    }
    if kind == Interference::Ram {
        let range = ranges::Range {
            start: address,
            end: address + id,
        };
        *changed = Some(ChangedPage {
            ram: Some(range),
            ..ChangedPage::default()
        });
        interference::start(address, id, kind, 0, [0; 2]);
        return done(Reply::default());
    }
    let tables = if id == 0 && mixed_mappings::is_small_ram(page_of(address)) {
        kernel_space::system()
    } else {
        process::require(id)?;
        process::tables(id)?
    };
    let translation = tables.walk(address).ok_or(NtStatus::INVALID_PARAMETER)?;
    let entry = tables
        .entry_of(address)
        .ok_or(NtStatus::INVALID_PARAMETER)?;
    let was = phys::read_entry(entry);
    let frame = page_of(translation.physical);
    let spare = if kind == Interference::Flip {
        complement_of(frame)?
    } else {
        0
    };
    let mut frames = [0; 2];
    if kind == Interference::Alternate {
        for (frame, pages) in frames.iter_mut().zip([1, 2]) {
            let source = page_of(address) + pages * PAGE;
            let translation = tables.walk(source).ok_or(NtStatus::INVALID_PARAMETER)?;
            *frame = page_of(translation.physical);
        }
    }
    *changed = Some(ChangedPage {
        ram: None,
        entry,
        was,
        address,
        spare,
    });
    interference::start(page_of(address), entry, kind, frame ^ spare, frames);
    done(Reply::default())
}

/// Allocates a frame and fills it with the complement of each byte of another.
fn complement_of(frame: u64) -> Result<u64, NtStatus> {
    let spare = frames::allocate().ok_or(NtStatus::NO_MEMORY)?;
    for offset in (0..PAGE).step_by(8) {
        let word: u64 = phys::read(frame + offset);
        raw::write(phys::linear(spare + offset), !word);
    }
    Ok(spare)
}

fn stop_interference(page: &mut Option<ChangedPage>) -> Carried {
    let stopped = page.take().ok_or(NtStatus::INVALID_PARAMETER)?;
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
