//! The lab: NT in ring 0, as far as a driver sees it.
//!
//! A bare virtual machine (QEMU, booted by PVH) on which a driver's `.sys` runs unchanged: real
//! page tables with SMEP and SMAP, real faults that become structured exceptions, an I/O manager
//! that builds real requests. A host program drives it through a mailbox in shared memory. It is
//! not Windows: it is a reading of Windows' documentation, which each export cites, and it ends the
//! run with a bugcheck where a driver breaks a rule.
//!
//! [`boot`] and [`memory`] bring the machine up, [`pe`] loads images, [`trap`] and [`seh`] turn
//! faults into exceptions, [`object`], [`io`] and [`exports`] are what drivers see of NT,
//! [`driver`] and [`serve`] are what the host sees.

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
    reason = "what reads memory by its address has no use at compile time"
)]

extern crate alloc;

mod alternation;
mod boot;
mod broadcast;
mod bugcheck;
mod call;
mod cpu;
mod descriptors;
mod driver;
mod exports;
mod failure;
mod global;
mod images;
mod interference;
mod io;
mod irql;
mod kernel_state;
mod machine;
mod memory;
mod nt;
mod object;
mod options;
mod outcome;
mod parallel;
mod pci;
mod pe;
mod pool;
mod processor;
mod random;
mod raw;
mod reserved;
mod seh;
mod serial;
mod serve;
mod smp;
mod trap;
mod withheld;

use crate::memory::{kernel_space, paging};
use crate::object::{process, registry};
use crate::options::Mode;
use crate::outcome::Outcome;
use crate::pe::Missing;
use crate::serial::say;

/// Entered from `boot.s`, interrupts off, on the tables that it made.
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
    machine::initialize(protected);
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

    match options::get().mode {
        Mode::Serve => {
            driver::load_framework(archive, Missing::Refuse);
            let status = driver::load(archive, Missing::Refuse);
            serve::listen(archive, status)
        }
        Mode::Load => outcome::end(load_once(archive)),
    }
}

/// Loads the driver, unloads it, and tells what it left behind.
fn load_once(archive: boot::Archive) -> Outcome {
    driver::load_framework(archive, Missing::Stub);
    if !driver::load(archive, Missing::Stub).is_success() {
        return Outcome::EntryFailed;
    }
    match driver::unload() {
        Ok(left) if left.is_empty() => {
            say!("unloaded: nothing is left");
            Outcome::Done
        }
        Ok(left) => {
            for line in &left {
                say!("left behind: {line}");
            }
            Outcome::Leaked
        }
        Err(_) => {
            say!("the driver has no unload routine");
            Outcome::Leaked
        }
    }
}
