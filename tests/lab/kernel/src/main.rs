//! The lab's kernel: a stand-in for NT in ring 0, for drivers.
//!
//! It runs on a bare virtual machine (QEMU, booted by PVH) and loads a driver's `.sys` file
//! unchanged. It has real page tables with SMEP and SMAP, turns real faults into structured
//! exceptions, and has an I/O manager that builds requests. A host program drives it through a
//! mailbox in shared memory. It is not Windows. It follows Windows' documentation, which each
//! export cites, and ends the run with a bugcheck if a driver breaks a rule.
//!
//! The dispatcher and unwinder, the exports, the memory manager and `MmCopyMemory` are the lab's
//! own on purpose: they are a second reading of the contracts that the driver's code relies on, and
//! share nothing with it.
//!
//! [`boot`] and [`memory`] start the machine. [`pe`] loads images. [`trap`] and [`seh`] turn faults
//! into exceptions. [`object`], [`io`], [`pnp`] and [`exports`] are the drivers' view of NT. [`driver`] and
//! [`serve`] carry out the host's commands. Statuses at the end of a function's docs are those of its errors.

#![no_std]
#![no_main]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "usize and pointers have 64 bits here, and registers carry narrower values"
)]
#![allow(
    clippy::redundant_pub_crate,
    reason = "unreachable_pub asks for what it forbids"
)]
#![allow(
    clippy::missing_const_for_fn,
    reason = "functions that read memory by its address are of no use at compile time"
)]

extern crate alloc;

mod alternation;
mod boot;
mod broadcast;
mod bugcheck;
mod call;
mod clock;
mod cpu;
mod descriptors;
mod dispatcher;
mod dpc;
mod driver;
mod exit;
mod exports;
mod failure;
mod global;
mod hypervisor;
mod images;
mod interference;
mod io;
mod irql;
mod kernel_state;
mod locks;
mod memory;
mod nt;
mod object;
mod options;
mod pageable;
mod parallel;
mod pci;
mod pe;
mod pnp;
mod pool;
mod processor;
mod random;
mod raw;
mod reserved;
mod seh;
mod serial;
mod serve;
mod smp;
mod steps;
mod test_memory;
mod threads;
mod timers;
mod trap;
mod withheld;
mod work_items;

use crate::memory::{kernel_space, paging};
use crate::object::{process, registry};
use crate::serial::say;

/// Entered from `boot.s`, with interrupts off, on the tables that `boot.s` made.
#[unsafe(no_mangle)]
extern "C" fn kmain(start_info: u64) -> ! {
    descriptors::build();
    descriptors::load(0);
    paging::initialize();
    let archive = boot::take_over(start_info);
    kernel_space::build();
    let protected = kernel_space::protect_supervisor();
    trap::set_supervisor_access_prevention(cpu::read_cr4() & cpu::cr4::SMAP != 0);
    call::initialize();
    test_memory::initialize(protected);
    smp::start();
    cpu::enable_interrupts();
    process::initialize();
    registry::initialize();
    say!(
        "lab: {} processors, {} levels of page tables, SMEP and SMAP {}",
        smp::running(),
        paging::levels(),
        if protected { "on" } else { "missing" }
    );

    driver::load_framework(archive);
    let status = driver::load(archive);
    serve::listen(archive, status)
}
