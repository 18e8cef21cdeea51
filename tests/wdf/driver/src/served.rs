//! Requests that bring four bytes.

use crate::{requests::make, status_of, wdf};
use core::{
    ptr::null_mut,
    sync::atomic::{AtomicU32, Ordering},
};
use wdk_sys::{NTSTATUS, PVOID, WDFQUEUE, WDFREQUEST};

/// What was written to the device last.
static WRITTEN: AtomicU32 = AtomicU32::new(0);

/// Returns an input of at least four bytes.
pub fn input(request: WDFREQUEST) -> Result<PVOID, NTSTATUS> {
    make(|buffer| {
        wdf!(
            WdfRequestRetrieveInputBuffer,
            request,
            4,
            buffer,
            null_mut()
        )
    })
}

fn output(request: WDFREQUEST) -> Result<PVOID, NTSTATUS> {
    make(|buffer| {
        wdf!(
            WdfRequestRetrieveOutputBuffer,
            request,
            4,
            buffer,
            null_mut()
        )
    })
}

/// Reads a buffer of at least four bytes.
const fn bytes(buffer: PVOID) -> u32 {
    // SAFETY: the framework's buffer.
    unsafe { buffer.cast::<u32>().read_unaligned() }
}

/// Fills a buffer of at least four bytes.
const fn fill(buffer: PVOID, bytes: u32) {
    // SAFETY: the framework's buffer.
    unsafe { buffer.cast::<u32>().write_unaligned(bytes) };
}

fn end(request: WDFREQUEST, result: Result<(), NTSTATUS>) {
    let status = status_of(result);
    wdf!(WdfRequestCompleteWithInformation, request, status, 4);
}

/// Ends a request with its input backwards.
pub fn reverse(request: WDFREQUEST) {
    let reversed = input(request).map(|buffer| bytes(buffer).swap_bytes());
    let filled = reversed.and_then(|bytes| output(request).map(|buffer| fill(buffer, bytes)));
    end(request, filled);
}

/// `EvtIoRead`: what was written last.
pub unsafe extern "C" fn read(_queue: WDFQUEUE, request: WDFREQUEST, _length: usize) {
    let written = WRITTEN.load(Ordering::Relaxed);
    end(request, output(request).map(|buffer| fill(buffer, written)));
}

/// `EvtIoWrite`.
pub unsafe extern "C" fn write(_queue: WDFQUEUE, request: WDFREQUEST, _length: usize) {
    let written = input(request).map(|buffer| WRITTEN.store(bytes(buffer), Ordering::Relaxed));
    end(request, written);
}
