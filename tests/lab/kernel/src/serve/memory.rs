//! The commands that look at memory or change it, without the driver.

use alloc::vec;

use ringcopy_lab_mailbox::{
    Call, Called, Command, DATA_LENGTH, Protection, RamState, UNTOUCHED, VALUES, Withheld,
};

use super::{Carried, Reply, data, data_of, done};
use crate::memory::layout;
use crate::memory::paging::Tables;
use crate::memory::user::AccessKind;
use crate::memory::{PAGE, kernel_space, page_of, paging_file, phys, ranges};
use crate::object::process;
use crate::{exports, raw, test_memory, withheld};
use nt_status::NtStatus;

/// Carries out one of them. Other commands are refused.
pub(super) fn carry_out(command: Command, arguments: &[u64; VALUES], length: u64) -> Carried {
    let [one, two, three, four, ..] = *arguments;
    match command {
        Command::Allocate => done(process::with_memory(one, |memory| {
            memory.allocate(two, three)
        })?),
        Command::Protect => {
            let protection = Protection::from_wire(four).ok_or(NtStatus::INVALID_PARAMETER)?;
            process::with_memory(one, |memory| memory.protect(two, three, protection))?;
            done(Reply::default())
        }
        Command::WriteUser => {
            process::with_memory(one, |memory| {
                memory.transfer(two, data(), length, AccessKind::Write)
            })?;
            done(Reply::default())
        }
        Command::ReadUser => {
            require_space(three)?;
            process::with_memory(one, |memory| {
                memory.transfer(two, data(), three, AccessKind::Read)
            })?;
            data_of(three)
        }
        Command::Translate => {
            let tables = tables_of(one)?;
            let translation = tables.walk(two).ok_or(NtStatus::INVALID_ADDRESS)?;
            done(translation.physical)
        }
        Command::ReadSystem => read_system(one, two),
        Command::ReadPhysical => read_physical(one, two),
        Command::WriteKernelScratch => {
            let (scratch, size) = test_memory::scratch();
            within(one, length, size)?;
            raw::copy(data(), scratch + one, length);
            done(scratch + one)
        }
        Command::ReadKernelScratch => {
            let (scratch, size) = test_memory::scratch();
            within(one, two, size)?;
            require_space(two)?;
            raw::copy(scratch + one, data(), two);
            data_of(two)
        }
        Command::PageOut => {
            paging_file::take_out(one)?;
            done(Reply::default())
        }
        Command::Withhold => {
            let frame = page_of(match Withheld::from_wire(two) {
                Some(Withheld::Frame) => one,
                Some(Withheld::Table) => tables_of(0)?
                    .entry_of(one)
                    .ok_or(NtStatus::INVALID_ADDRESS)?,
                None => return Err(NtStatus::INVALID_PARAMETER),
            });
            withheld::set(frame, three != 0);
            done(frame)
        }
        Command::SetRam => {
            let state = RamState::from_wire(three).ok_or(NtStatus::INVALID_PARAMETER)?;
            let range = ranges::Range {
                start: page_of(one),
                end: page_of(one) + two.next_multiple_of(PAGE),
            };
            ranges::change(range, state);
            done(Reply::default())
        }
        Command::CopyMemory => copy_memory(one, length),
        _ => Err(NtStatus::INVALID_PARAMETER),
    }
}

/// Calls `MmCopyMemory` in the context of a process for each call in the data. The targets are in
/// the data of the reply.
fn copy_memory(id: u64, length: u64) -> Carried {
    process::require(id)?;
    let mut asked = vec![0; length as usize];
    raw::copy_out(data(), &mut asked);
    let (calls, _) = asked.as_chunks::<{ size_of::<Call>() }>();
    let mut end = 0;
    for call in calls {
        let [flags, source, length] = words(call);
        let target = end + size_of::<Called>() as u64;
        within(target, length, DATA_LENGTH)?;
        raw::fill(data() + target, UNTOUCHED, length);
        let mut transferred = u64::MAX;
        let place = (&raw mut transferred) as u64;
        let status = process::attached(id, || {
            exports::mm_copy_memory(data() + target, source, length, flags as u32, place)
        })?;
        raw::write(data() + end, [u64::from(status.0), raw::read(place)]);
        end = target + length;
    }
    data_of(end)
}

/// Returns the 64-bit words of some bytes; missing words are zero.
pub(super) fn words<const N: usize>(bytes: &[u8]) -> [u64; N] {
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

fn require_space(length: u64) -> Result<(), NtStatus> {
    within(0, length, DATA_LENGTH)
}

pub(super) const fn within(offset: u64, length: u64, size: u64) -> Result<(), NtStatus> {
    match offset.checked_add(length) {
        Some(end) if end <= size => Ok(()),
        _ => Err(NtStatus::INVALID_PARAMETER),
    }
}

/// Returns the tables of a process; 0 is the system's.
fn tables_of(id: u64) -> Result<Tables, NtStatus> {
    if id == 0 {
        Ok(kernel_space::system())
    } else {
        process::tables(id)
    }
}

fn read_system(address: u64, length: u64) -> Carried {
    require_space(length)?;
    address
        .checked_add(length)
        .ok_or(NtStatus::INVALID_PARAMETER)?;
    if layout::is_lower_half(address) {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    let mut done = 0;
    while done < length {
        let at = address + done;
        let count = (PAGE - at % PAGE).min(length - done);
        let translation = kernel_space::system()
            .walk(at)
            .filter(|translation| ranges::is_ram(page_of(translation.physical)))
            .ok_or(NtStatus::INVALID_ADDRESS)?;
        raw::copy(phys::linear(translation.physical), data() + done, count);
        done += count;
    }
    data_of(length)
}

fn read_physical(address: u64, length: u64) -> Carried {
    require_space(length)?;
    let end = address
        .checked_add(length)
        .ok_or(NtStatus::INVALID_PARAMETER)?;
    // The host may read the hole, too, to compare what the driver must not read.
    if end > ranges::end() {
        return Err(NtStatus::INVALID_ADDRESS);
    }
    raw::copy(phys::linear(address), data(), length);
    data_of(length)
}
