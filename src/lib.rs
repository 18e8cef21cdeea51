//! `ringcopy.sys`: a KMDF control device that copies memory for its callers and is not hurt by
//! what they pass.
//!
//! The driver is a thin shell. What can fault lives in `usermode-accessors`, what decides how
//! memory is copied lives in `mm-copy`, what travels lives in `ringcopy-protocol`; none of them
//! knows the WDK. Here is what ties them to Windows:
//!
//! | room | what is in it | may touch |
//! | --- | --- | --- |
//! | [`driver`] | entry, settings, unload | everything below |
//! | [`device`] | the control device, its queue, its context | `nt` |
//! | [`file`](mod@file) | what belongs to one handle | `nt` |
//! | [`caller_context`] | the first look at every request, in its caller's process | `dispatch`, `nt` |
//! | [`dispatch`] | the table of control codes | `ops` |
//! | [`ops`] | one file per family of requests | `engine`, accessors |
//! | [`engine`] | who copies virtual and physical memory | `nt`, `mm-copy` |
//! | [`nt`] | the only calls into ntoskrnl and WDF, safe on the outside | the kernel |
//!
//! All callbacks run at `PASSIVE_LEVEL`; the first look at a request runs at its sender's level, and
//! refuses the request where that is another. No lock is held across an access to user memory; the one
//! spin lock of the driver guards the native engine's window, under which only nonpaged memory is
//! touched.

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
mod file;
#[expect(unsafe_code, reason = "the one room where the kernel is called")]
mod nt;
mod ops;

use wdk_alloc::WdkAllocator;
use wdk_sys::{NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT};

// Brings in the panic handler, a bug check that carries the place of the panic.
extern crate wdk_panic as _;

/// For `alloc`'s collections, which are filled through `try_reserve` alone; buffers are `nt::pool`'s.
#[global_allocator]
static ALLOCATOR: WdkAllocator = WdkAllocator;

/// Where KMDF's `FxDriverEntry` goes once the framework is bound.
///
/// # Safety
///
/// Called once, by the framework's entry stub, with the arguments of a driver's entry point:
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
