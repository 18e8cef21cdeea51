//! Threads of drivers: system threads, and those that carry out work items.
//!
//! They run on the first processor, one at a time. A thread runs until it waits or ends; then the next
//! one goes on. The first thread is the lab's own, which carries out the host's commands and calls
//! drivers. When it waits and no other thread can go on, the clock moves; if nothing is due either, the
//! wait never ends, and that is said.

mod context;
mod wait;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::{format, string::String, vec::Vec};
use core::arch::global_asm;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::global::Global;
use crate::irql::{self, DISPATCH_LEVEL};
use crate::nt::layout::{Structure, Thread as Header};
use crate::object::{self, Kind};
use crate::{call, dpc, images, kernel_state, locks, pool, processor, raw, timers, work_items};

pub(crate) use wait::{Waited, wait};

use context::Context;

global_asm!(
    include_str!("../saved_registers.s"),
    include_str!("switch.s")
);

unsafe extern "C" {
    fn switch_thread(stack_pointer: u64) -> u64;
    fn start_thread();
}

/// What `switch.s` takes from the stack of a thread that it goes on in: the saved registers, of which six
/// are no vectors, and the return address.
const SWITCHED: u64 = 168 + 6 * 8 + 8;

/// The most threads at once, so that a driver that starts them without end is told.
const MOST: usize = 256;

/// Rounds of all threads until the lab turns to its next command.
const SETTLING: u32 = 1000;

/// `ThreadObject` of a dispatcher header.
pub(crate) const THREAD: u8 = 6;

/// What a thread does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// Calls a routine of a driver with its context.
    Routine { routine: u64, context: u64 },
    /// Carries out a work item.
    Item(u64),
}

impl Work {
    /// Returns the routine, for reports.
    fn routine(self) -> u64 {
        match self {
            Self::Routine { routine, .. } => routine,
            Self::Item(item) => work_items::routine_of(item),
        }
    }
}

struct Thread {
    /// The object that drivers know it by; 0 for the first thread and those of work items.
    object: u64,
    /// Where it began, for reports.
    routine: u64,
    /// Until it has begun.
    work: Option<Work>,
    /// The lowest address of its stack; 0 for the first thread, and until it has begun.
    stack: u64,
    /// The stack pointer while another thread runs.
    pointer: u64,
    /// When its wait is over in any case.
    deadline: Option<u64>,
}

struct Threads {
    /// `None` stands for the first thread before any other was made.
    current: Option<Box<Thread>>,
    /// The others, the one that goes on next first.
    others: VecDeque<Box<Thread>>,
    /// Stacks of threads that have ended.
    stacks: Vec<u64>,
    /// Whether the thread that was left has ended.
    ended: bool,
}

static THREADS: Global<Threads> = Global::new(Threads {
    current: None,
    others: VecDeque::new(),
    stacks: Vec::new(),
    ended: false,
});

/// How often anything has happened that may end a wait.
static PROGRESS: AtomicU64 = AtomicU64::new(0);

/// Notes that something has happened that may end a wait.
pub(crate) fn note_progress() {
    PROGRESS.fetch_add(1, Ordering::Relaxed);
}

const FIRST: Thread = Thread {
    object: 0,
    routine: 0,
    work: None,
    stack: 0,
    pointer: 0,
    deadline: None,
};

/// Adds a thread, which begins when the current one waits. Returns `false` if there are too many.
pub(crate) fn add(work: Work, object: u64) -> bool {
    note_progress();
    THREADS.with(|threads| {
        let is_allowed = threads.others.len() < MOST;
        if is_allowed {
            threads.others.push_back(Box::new(Thread {
                object,
                routine: work.routine(),
                work: Some(work),
                ..FIRST
            }));
        }
        is_allowed
    })
}

/// Makes a thread object with a reference for the thread itself, and one for the caller.
pub(crate) fn make_object() -> u64 {
    let header = Header(pool::allocate_for_lab(Header::SIZE, *b"Thre"));
    header.set(Header::KIND, THREAD);
    object::create(header.0, Kind::Thread);
    object::reference(header.0);
    header.0
}

/// Frees a thread object after its last reference.
pub(crate) fn free_object(object: u64) {
    pool::free(object, None);
}

/// Whether the current thread is not the first.
pub(crate) fn is_added() -> bool {
    processor::number() == 0
        && THREADS.with(|threads| {
            let current = threads.current.as_ref();
            current.is_some_and(|thread| thread.stack != 0)
        })
}

/// Returns the object of the current thread, if it has one.
pub(crate) fn current_object() -> Option<u64> {
    let own = |threads: &mut Threads| threads.current.as_ref().map(|thread| thread.object);
    let is_first_processor = processor::number() == 0;
    let object = is_first_processor.then(|| THREADS.with(own)).flatten();
    object.filter(|&object| object != 0)
}

/// Returns when the next wait of any thread is over in any case.
pub(crate) fn next_due() -> Option<u64> {
    THREADS.with(|threads| {
        let all = threads.current.iter().chain(&threads.others);
        all.filter_map(|thread| thread.deadline).min()
    })
}

/// Lets deferred procedure calls, due timers and the other threads run until each waits. Returns
/// whether anything happened that may end a wait.
pub(crate) fn turn() -> bool {
    let before = PROGRESS.load(Ordering::Relaxed);
    timers::expire();
    dpc::deliver();
    if processor::number() == 0 && irql::current() < DISPATCH_LEVEL {
        switch(false);
    }
    PROGRESS.load(Ordering::Relaxed) != before
}

/// Lets everything run that can, without moving the clock.
pub(crate) fn settle() {
    for _ in 0..SETTLING {
        if !turn() {
            break;
        }
    }
}

/// Goes on in the next thread, if there is one. Returns when it is this thread's turn again.
fn switch(ends: bool) {
    let next = THREADS.with(|threads| {
        let mut next = threads.others.pop_front()?;
        if next.pointer == 0 {
            begin(&mut next, &mut threads.stacks);
        }
        let pointer = next.pointer;
        let left = threads.current.replace(next);
        let left = left.unwrap_or_else(|| Box::new(FIRST));
        threads.ended = ends;
        if ends {
            threads.stacks.push(left.stack);
        } else {
            threads.others.push_back(left);
        }
        Some(pointer)
    });
    let Some(pointer) = next else {
        return;
    };
    let context = Context::take();
    // SAFETY: the pointer is that of a thread that was left here, or of a stack that `begin` made.
    let left = unsafe { switch_thread(pointer) };
    arrive(left);
    context.restore();
}

/// Gives a thread a stack on which `switch.s` can go on: at `start_thread`.
fn begin(thread: &mut Thread, free: &mut Vec<u64>) {
    thread.stack = free.pop().unwrap_or_else(call::make_stack);
    // A function is entered with the stack pointer 8 below a multiple of 16.
    let top = call::top_of(thread.stack) - 16;
    thread.pointer = top - SWITCHED;
    raw::fill(thread.pointer, 0, SWITCHED);
    raw::write(top - 8, start_thread as *const () as u64);
}

/// Keeps the stack pointer of the thread that was left.
fn arrive(pointer: u64) {
    THREADS.with(|threads| {
        if !core::mem::take(&mut threads.ended)
            && let Some(left) = threads.others.back_mut()
        {
            left.pointer = pointer;
        }
    });
}

/// Entered from `switch.s` at the start of a thread.
#[unsafe(no_mangle)]
extern "C" fn thread_started(left: u64) -> ! {
    arrive(left);
    let begun = THREADS.with(|threads| {
        let current = threads.current.as_mut()?;
        Some((current.work.take()?, current.stack))
    });
    let Some((work, stack)) = begun else {
        unreachable!("a thread without work")
    };
    Context::of_new_thread(stack).restore();
    note_progress();
    match work {
        Work::Routine { routine, context } => {
            call::driver("a system thread", routine, [context, 0, 0, 0]);
        }
        Work::Item(item) => work_items::carry_out(item),
    }
    end()
}

/// Ends the current thread, which is not the first: signals its object and goes on in another thread.
pub(crate) fn end() -> ! {
    locks::require_released(0, "a system thread");
    if kernel_state::critical_regions() > 0 {
        crate::bugcheck::rule_broken!(
            CriticalRegions,
            "a system thread ended inside of a critical region"
        );
    }
    if let Some(object) = current_object() {
        Header(object).set(Header::SIGNAL_STATE, 1);
        object::dereference(object);
    }
    note_progress();
    switch(true);
    unreachable!("a thread went on after its end")
}

/// Forgets all threads but the first, which runs, and returns a line for each.
pub(crate) fn left() -> Vec<String> {
    let others = THREADS.with(|threads| core::mem::take(&mut threads.others));
    let line = |thread: Box<Thread>| {
        let routine = images::Location(thread.routine);
        let state = if thread.work.is_some() {
            "has not begun"
        } else {
            "still waits"
        };
        format!("thread: the one that runs {routine} {state}")
    };
    others.into_iter().map(line).collect()
}
