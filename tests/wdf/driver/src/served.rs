//! Requests that bring bytes.

use crate::{check, status_of, wdf};
use core::{
    ptr::null_mut,
    sync::atomic::{AtomicU32, Ordering},
};
use wdk_sys::{PVOID, WDFQUEUE, WDFREQUEST};

/// What was written to the device last.
static WRITTEN: AtomicU32 = AtomicU32::new(0);

/// Ends a request with its input backwards.
pub fn reverse(request: WDFREQUEST) {
    let (mut input, mut output): (PVOID, PVOID) = (null_mut(), null_mut());
    let none = null_mut();
    let reversed = check(wdf!(
        WdfRequestRetrieveInputBuffer,
        request,
        4,
        &raw mut input,
        none
    ))
    .and_then(|()| {
        check(wdf!(
            WdfRequestRetrieveOutputBuffer,
            request,
            4,
            &raw mut output,
            none
        ))
    })
    .map(|()| {
        // SAFETY: a buffer of at least four bytes.
        let mut bytes: [u8; 4] = unsafe { input.cast::<[u8; 4]>().read() };
        bytes.reverse();
        // SAFETY: a buffer of at least four bytes.
        unsafe { output.cast::<[u8; 4]>().write(bytes) };
    });
    let status = status_of(reversed);
    wdf!(WdfRequestCompleteWithInformation, request, status, 4);
}

/// `EvtIoRead`: what was written last.
pub unsafe extern "C" fn read(_queue: WDFQUEUE, request: WDFREQUEST, _length: usize) {
    let mut buffer: PVOID = null_mut();
    let found = check(wdf!(
        WdfRequestRetrieveOutputBuffer,
        request,
        4,
        &raw mut buffer,
        null_mut()
    ));
    if found.is_ok() {
        let written = WRITTEN.load(Ordering::Relaxed);
        // SAFETY: a buffer of at least four bytes.
        unsafe { buffer.cast::<u32>().write_unaligned(written) };
    }
    wdf!(
        WdfRequestCompleteWithInformation,
        request,
        status_of(found),
        4
    );
}

/// `EvtIoWrite`.
pub unsafe extern "C" fn write(_queue: WDFQUEUE, request: WDFREQUEST, _length: usize) {
    let mut buffer: PVOID = null_mut();
    let found = check(wdf!(
        WdfRequestRetrieveInputBuffer,
        request,
        4,
        &raw mut buffer,
        null_mut()
    ));
    if found.is_ok() {
        // SAFETY: a buffer of at least four bytes.
        WRITTEN.store(
            unsafe { buffer.cast::<u32>().read_unaligned() },
            Ordering::Relaxed,
        );
    }
    wdf!(
        WdfRequestCompleteWithInformation,
        request,
        status_of(found),
        4
    );
}
