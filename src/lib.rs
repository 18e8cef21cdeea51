//! `ringcopy.sys`: a KMDF control device that copies memory for its callers, and is safe whatever
//! they pass.
//!
//! The driver is a thin shell. Accesses that can fault are in `usermode-accessors`, the copies of
//! virtual and physical memory in `mm-copy`, the messages in `ringcopy-protocol`. None of these
//! crates knows the WDK. The modules of the driver connect them to Windows. Each uses only modules
//! below it:
//!
//! | module | contents | uses |
//! | --- | --- | --- |
//! | [`driver`] | load and unload | `device`, `state`, `trace`, `nt` |
//! | [`device`] | the control device: name, security, callbacks | `caller_context`, `queue`, `state`, `trace`, `nt` |
//! | [`caller_context`] | the first callback for every request, in its sender's process | `dispatch`, `ops`, `state`, `trace`, `nt` |
//! | [`queue`] | the callback of the queue, in any process | `dispatch`, `ops`, `state`, `trace`, `nt` |
//! | [`dispatch`] | where each request is served, and its handler | `ops` |
//! | [`ops`] | one file per family of requests | `engine`, `state`, `trace`, `nt` |
//! | [`state`] | what outlives a request: settings, and the contexts of device and handle | `engine`, `trace`, `nt` |
//! | [`engine`] | the two engines that copy virtual and physical memory | `trace`, `nt` |
//! | [`trace`] | the events for Event Tracing for Windows | `nt` |
//! | [`nt`] | the only calls into ntoskrnl and WDF, in safe functions | the kernel |
//!
//! All callbacks run at `PASSIVE_LEVEL`, except [`caller_context`], which runs at its sender's level
//! and refuses any other. No lock is held during an access to user memory. The driver raises its level
//! only to read through a window of the native engine, and touches only nonpaged memory there.

#![cfg(windows)]
#![no_std]
#![deny(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

extern crate alloc;

mod caller_context;
mod device;
mod dispatch;
mod driver;
mod engine;
#[expect(unsafe_code, reason = "this module alone calls the kernel")]
mod nt;
mod ops;
mod queue;
mod state;
mod trace;

use wdk_alloc::WdkAllocator;
use wdk_sys::{NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT};

// Links the panic handler, whose bug check holds the location of the panic.
extern crate wdk_panic as _;

/// For the collections of `alloc`, which grow by `try_reserve` alone. Buffers come from `nt::pool`.
#[global_allocator]
static ALLOCATOR: WdkAllocator = WdkAllocator;

/// The entry point that KMDF's `FxDriverEntry` calls once the framework is bound.
///
/// # Safety
///
/// Only the framework's entry stub may call this, once, with the arguments of an entry point:
/// "`DriverEntry` for WDF Drivers routine", Windows driver documentation.
#[expect(unsafe_code, reason = "the linker finds the entry point by its name")]
#[unsafe(export_name = "DriverEntry")]
pub unsafe extern "system" fn driver_entry(
    driver_object: PDRIVER_OBJECT,
    registry_path: PCUNICODE_STRING,
) -> NTSTATUS {
    driver::load(&nt::wdf::EntryArguments {
        driver_object,
        registry_path,
    })
}
