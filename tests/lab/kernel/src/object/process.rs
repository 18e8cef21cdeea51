//! Processes. Each has an address space, a token and handles.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use ringcopy_lab_mailbox::token;

use super::handle::{self, Table};
use super::{Kind, create, dereference, file, kind_of};
use crate::bugcheck::{Code, bugcheck_here};
use crate::global::Global;
use crate::memory::kernel_space;
use crate::memory::paging::Tables;
use crate::memory::user::UserMemory;
use crate::processor::{MOST, PerProcessor};
use crate::{pool, random, raw};
use nt_status::NtStatus;

/// The number of the system process, on every Windows.
pub(crate) const SYSTEM_ID: u64 = 4;

/// Bytes of `EPROCESS`, which is opaque to drivers. The lab keeps the process's number there, and
/// uses the addresses of its words for the threads, one on each processor.
const OBJECT_SIZE: u64 = 64;
/// Where in it the start key is.
const START_KEY: u64 = 8;
const _: () = assert!(MOST as u64 * 8 <= OBJECT_SIZE);

struct Process {
    object: u64,
    tables: Tables,
    token: u64,
    /// None for the system process.
    memory: Option<UserMemory>,
}

static PROCESSES: Global<BTreeMap<u64, Process>> = Global::new(BTreeMap::new());
/// The current process of each processor.
static CURRENT: PerProcessor<AtomicU64> = PerProcessor([const { AtomicU64::new(SYSTEM_ID) }; MOST]);
static NEXT: AtomicU64 = AtomicU64::new(SYSTEM_ID);
/// The numbers of processes whose objects are gone. The next process gets the last one, so that code
/// that takes a number for the process that had it fails.
static FREE_IDS: Global<Vec<u64>> = Global::new(Vec::new());
static STARTED: AtomicU64 = AtomicU64::new(0);
/// The object of the process whose thread is ending; 0: none.
static ENDING: AtomicU64 = AtomicU64::new(0);

fn add(id: u64, process: Process) {
    raw::write(process.object, id);
    let started = STARTED.fetch_add(1, Ordering::Relaxed);
    raw::write(process.object + START_KEY, started);
    create(process.object, Kind::Process);
    PROCESSES.with(|processes| processes.insert(id, process));
}

/// Makes the system process.
pub(crate) fn initialize() {
    let process = Process {
        object: pool::allocate_for_lab(OBJECT_SIZE, *b"Proc"),
        tables: kernel_space::system(),
        token: token::SYSTEM | token::ADMINISTRATORS | token::DEBUG_PRIVILEGE,
        memory: None,
    };
    add(SYSTEM_ID, process);
}

/// Starts a process with an empty user half.
pub(crate) fn start(token: u64) -> Result<u64, NtStatus> {
    let tables = kernel_space::new_root().ok_or(NtStatus::NO_MEMORY)?;
    let id = FREE_IDS.with(Vec::pop).unwrap_or_else(|| {
        // The numbers after it are those of its threads.
        let step = 4 * (MOST as u64 + random::below(16));
        NEXT.fetch_add(step, Ordering::Relaxed) + step
    });
    // User allocations start on a 64 KiB boundary, as Windows' do.
    let first = 0x100_0000_0000 + random::below(1 << 20) * 0x1_0000;
    let process = Process {
        object: pool::allocate_for_lab(OBJECT_SIZE, *b"Proc"),
        tables,
        token,
        memory: Some(UserMemory::new(tables, first)),
    };
    add(id, process);
    Ok(id)
}

/// Ends a process as its exit does: closes its handles in its context, then frees its memory.
pub(crate) fn end(id: u64) -> Result<(), NtStatus> {
    require(id)?;
    for value in handle::of_table(Table::Process(id)) {
        file::close_handle(id, value)?;
    }
    let process = PROCESSES.with(|processes| processes.remove(&id));
    if let Some(mut process) = process {
        leave_user_half();
        if let Some(memory) = &mut process.memory {
            let locked = memory.locked_pages();
            if locked > 0 {
                let parameters = [0, process.object, locked, 0];
                bugcheck_here(Code::PROCESS_HAS_LOCKED_PAGES, parameters);
            }
            memory.free();
        }
        dereference(process.object);
    }
    Ok(())
}

/// Frees a process's object after its last reference.
pub(super) fn free(object: u64) {
    let id = raw::read(object);
    FREE_IDS.with(|ids| ids.push(id));
    pool::free(object, None);
}

fn get<R>(id: u64, body: impl FnOnce(&mut Process) -> R) -> Result<R, NtStatus> {
    PROCESSES.with(|processes| {
        processes
            .get_mut(&id)
            .map(body)
            .ok_or(NtStatus::INVALID_HANDLE)
    })
}

/// Returns an error if there is no such process, or it is the system's.
pub(crate) fn require(id: u64) -> Result<(), NtStatus> {
    get(id, |process| process.memory.is_some()).and_then(|user| {
        if user {
            Ok(())
        } else {
            Err(NtStatus::INVALID_HANDLE)
        }
    })
}

/// Calls `body` with the user memory of a process.
pub(crate) fn with_memory<R>(
    id: u64,
    body: impl FnOnce(&mut UserMemory) -> Result<R, NtStatus>,
) -> Result<R, NtStatus> {
    get(id, |process| {
        process
            .memory
            .as_mut()
            .map_or(Err(NtStatus::INVALID_HANDLE), body)
    })?
}

pub(crate) fn tables(id: u64) -> Result<Tables, NtStatus> {
    get(id, |process| process.tables)
}

/// Runs `body` in the context of a process. Its tables stay loaded until others are needed, because
/// loading tables is slow in a virtual machine.
pub(crate) fn attached<R>(id: u64, body: impl FnOnce() -> R) -> Result<R, NtStatus> {
    let tables = tables(id)?;
    if Tables::current() != tables {
        tables.activate();
    }
    let before = CURRENT.here().swap(id, Ordering::Relaxed);
    let result = body();
    CURRENT.here().store(before, Ordering::Relaxed);
    Ok(result)
}

/// Sets the current process, as another thread goes on.
pub(crate) fn set_current(id: u64) {
    CURRENT.here().store(id, Ordering::Relaxed);
}

/// Loads the system process's tables, which have no user half.
pub(crate) fn leave_user_half() {
    kernel_space::system().activate();
}

/// Returns the number of the current process.
pub(crate) fn current_id() -> u64 {
    CURRENT.here().load(Ordering::Relaxed)
}

/// Returns the object of the current process.
pub(crate) fn current_object() -> u64 {
    get(current_id(), |process| process.object).unwrap_or(0)
}

/// Returns the token of the current process.
pub(crate) fn current_token() -> u64 {
    get(current_id(), |process| process.token).unwrap_or(0)
}

/// Returns the number of the process of an object, also after the process has ended.
pub(crate) fn id_of(object: u64) -> Option<u64> {
    (kind_of(object) == Some(Kind::Process)).then(|| raw::read(object))
}

/// Returns the start key of the process of an object, also after the process has ended.
pub(crate) fn start_key(object: u64) -> Option<u64> {
    (kind_of(object) == Some(Kind::Process)).then(|| raw::read(object + START_KEY))
}

/// Runs `body` while the thread of the current process is ending.
pub(crate) fn while_thread_ends<R>(body: impl FnOnce() -> R) -> R {
    ENDING.store(current_object(), Ordering::Relaxed);
    let result = body();
    ENDING.store(0, Ordering::Relaxed);
    result
}

/// Whether the thread of the process of an object is ending.
pub(crate) fn is_thread_ending(object: u64) -> Option<bool> {
    let ending = ENDING.load(Ordering::Relaxed) == object;
    (kind_of(object) == Some(Kind::Process)).then_some(ending)
}

/// Returns the handle table of the current process.
pub(crate) fn handle_table() -> Table {
    match current_id() {
        SYSTEM_ID => Table::Kernel,
        id => Table::Process(id),
    }
}
