//! A device opened for overlapped requests.
//!
//! A request accesses memory of this process until it is complete. So a call that borrows a buffer
//! returns only after the request has ended, and a request that outlives its call owns its buffers.
//! An interrupted request is cancelled and then waited for like any other.
//!
//! Pointers within the input are between the caller and the driver, as between a debugger and the
//! system. This crate does not read them.

use crate::{Event, Pages, Win32Error, wide::wide};
use std::{
    cell::UnsafeCell,
    os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle},
    ptr::{null, null_mut},
    sync::{Arc, Weak},
};
use windows_sys::Win32::{
    Foundation::{
        ERROR_INVALID_ADDRESS, ERROR_IO_PENDING, ERROR_OPERATION_ABORTED, GENERIC_READ,
        GENERIC_WRITE, HANDLE, INVALID_HANDLE_VALUE, STATUS_PENDING, WAIT_OBJECT_0,
    },
    Storage::FileSystem::{
        CreateFileW, FILE_FLAG_OVERLAPPED, FILE_SHARE_READ, FILE_SHARE_WRITE, OPEN_EXISTING,
    },
    System::{
        IO::{CancelIoEx, DeviceIoControl, OVERLAPPED},
        Threading::{INFINITE, WaitForMultipleObjects},
    },
};

/// A range of addresses, which need not be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first byte.
    pub address: u64,
    /// Bytes.
    pub length: u32,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// It succeeded, and returned this many bytes.
    Done(usize),
    /// It failed with this `NTSTATUS`, as the driver or the I/O manager completed it.
    Status(u32),
    /// It failed with this error before the driver or the I/O manager could complete it.
    Refused(Win32Error),
}

/// An open device. Pending requests outlive it.
#[derive(Debug)]
pub struct DeviceHandle(Arc<OwnedHandle>);

impl DeviceHandle {
    /// Opens the device at a Win32 path for reads, writes, both, or neither.
    ///
    /// # Errors
    /// What `CreateFileW` fails with: 2 where there is no device, 5 where its security descriptor
    /// or its driver refuses.
    pub fn open(path: &str, read: bool, write: bool) -> Result<Self, Win32Error> {
        let path = wide(path);
        let access = if read { GENERIC_READ } else { 0 } | if write { GENERIC_WRITE } else { 0 };
        // SAFETY: a string that outlives the call and ends with a null; no security attributes,
        // no template.
        let handle = unsafe {
            CreateFileW(
                path.as_ptr(),
                access,
                FILE_SHARE_READ | FILE_SHARE_WRITE,
                null(),
                OPEN_EXISTING,
                FILE_FLAG_OVERLAPPED,
                null_mut(),
            )
        };
        if handle == INVALID_HANDLE_VALUE {
            return Err(Win32Error::last());
        }
        // SAFETY: the handle was just opened, and no other code knows it.
        let handle = unsafe { OwnedHandle::from_raw_handle(handle) };
        Ok(Self(Arc::new(handle)))
    }

    /// Sends a request and waits for its end. It is cancelled once `interrupt` is set.
    #[must_use]
    pub fn control(
        &self,
        code: u32,
        input: &[u8],
        output: &mut [u8],
        interrupt: &Event,
    ) -> Completion {
        let (Some(from), Some(to)) = (
            range(input.as_ptr().addr(), input.len()),
            range(output.as_mut_ptr().addr(), output.len()),
        ) else {
            return Completion::Refused(Win32Error(ERROR_BAD_LENGTH));
        };
        // SAFETY: both buffers are borrowed until this call ends, which is not before the request
        // has ended.
        unsafe { self.control_raw(code, from, to, interrupt) }
    }

    /// Sends a request with buffers at addresses, valid or not, and waits for its end.
    ///
    /// # Errors
    /// `ERROR_INVALID_ADDRESS` if the output's range contains memory that is not of `pages`.
    pub fn control_at(
        &self,
        code: u32,
        input: Range,
        output: Range,
        pages: &Pages,
        interrupt: &Event,
    ) -> Result<Completion, Win32Error> {
        if !pages.are_expendable(output.address, output.length.into()) {
            return Err(Win32Error(ERROR_INVALID_ADDRESS));
        }
        // SAFETY: what there is in the output's range is of `pages`, to which nothing refers, and
        // which is borrowed, so not freed, until the request has ended.
        Ok(unsafe { self.control_raw(code, input, output, interrupt) })
    }

    /// # Safety
    ///
    /// Where there is memory of this process in the output's range, the request may write it until
    /// this returns, and nothing else relies on it.
    unsafe fn control_raw(
        &self,
        code: u32,
        input: Range,
        output: Range,
        interrupt: &Event,
    ) -> Completion {
        let request = match Overlapped::new() {
            Ok(request) => request,
            Err(error) => return Completion::Refused(error),
        };
        // SAFETY: the caller's promise about the output, until the request has ended; `request`
        // lives on this stack until `finish` has seen that end.
        let started = unsafe { request.start(self.raw(), code, input, output) };
        started.unwrap_or_else(|| request.finish(Some((self.raw(), interrupt))))
    }

    /// Sends a request and does not wait.
    ///
    /// # Errors
    /// If it has failed already.
    pub fn start(&self, code: u32, input: Vec<u8>, output: Vec<u8>) -> Result<Pending, Completion> {
        let mut pending = Pending {
            device: Arc::downgrade(&self.0),
            request: Box::new(Overlapped::new().map_err(Completion::Refused)?),
            input,
            output,
            ended: None,
        };
        let (Some(from), Some(to)) = (
            range(pending.input.as_ptr().addr(), pending.input.len()),
            range(pending.output.as_mut_ptr().addr(), pending.output.len()),
        ) else {
            pending.ended = Some(Completion::Refused(Win32Error(ERROR_BAD_LENGTH)));
            return Err(Completion::Refused(Win32Error(ERROR_BAD_LENGTH)));
        };
        // SAFETY: `pending` owns both buffers and the OVERLAPPED, moves none of them, and frees
        // them no sooner than the request has ended; forgotten, it frees nothing.
        let started = unsafe { pending.request.start(self.raw(), code, from, to) };
        pending.ended = started;
        started.map_or(Ok(pending), Err)
    }

    /// Asks the driver to cancel every request of this handle.
    pub fn cancel_all(&self) {
        // SAFETY: an open handle; no OVERLAPPED is named, so all requests are meant. Whether
        // there were any is no matter.
        let _ = unsafe { CancelIoEx(self.raw(), null()) };
    }

    fn raw(&self) -> HANDLE {
        self.0.as_raw_handle()
    }
}

/// The error for a buffer that is too long for its parameter.
const ERROR_BAD_LENGTH: u32 = 24;

fn range(address: usize, length: usize) -> Option<Range> {
    Some(Range {
        address: address as u64,
        length: u32::try_from(length).ok()?,
    })
}

/// A pending request, with its buffers. When dropped, it is cancelled and waited for.
#[derive(Debug)]
pub struct Pending {
    device: Weak<OwnedHandle>,
    request: Box<Overlapped>,
    /// The request reads it, by its address.
    input: Vec<u8>,
    output: Vec<u8>,
    ended: Option<Completion>,
}

impl Pending {
    /// Asks the driver to cancel the request. Returns whether there was anything to cancel.
    #[must_use]
    pub fn cancel(&self) -> bool {
        let device = self.device.upgrade();
        device.is_some_and(|device| self.request.cancel(device.as_raw_handle()))
    }

    /// Returns whether the request has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.is_some() || self.request.event.is_set()
    }

    /// Waits for the end of the request. Returns also the output.
    #[must_use]
    pub fn wait(mut self) -> (Completion, Vec<u8>) {
        let outcome = self.end();
        (outcome, std::mem::take(&mut self.output))
    }

    fn end(&mut self) -> Completion {
        if let Some(outcome) = self.ended {
            return outcome;
        }
        let outcome = self.request.finish(None);
        self.ended = Some(outcome);
        outcome
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = self.cancel();
            self.end();
        }
    }
}

/// The identity of a request for the I/O manager.
#[derive(Debug)]
struct Overlapped {
    inner: UnsafeCell<OVERLAPPED>,
    event: Event,
}

impl Overlapped {
    fn new() -> Result<Self, Win32Error> {
        let event = Event::unnamed()?;
        let inner = UnsafeCell::new(OVERLAPPED {
            hEvent: event.raw(),
            ..OVERLAPPED::default()
        });
        Ok(Self { inner, event })
    }

    /// Starts the request. Returns how it ended, if there is nothing to wait for.
    ///
    /// # Safety
    ///
    /// `self` stays where it is, and the output's range the request's to write, until `finish` has
    /// returned; no other request uses `self`.
    unsafe fn start(
        &self,
        device: HANDLE,
        code: u32,
        input: Range,
        output: Range,
    ) -> Option<Completion> {
        // SAFETY: an open handle; the I/O manager checks both ranges, of which the output's is the
        // request's to write, and writes the OVERLAPPED until the request ends (the caller's
        // promise). The input's range is only read.
        let done = unsafe {
            DeviceIoControl(
                device,
                code,
                pointer(input.address),
                input.length,
                pointer(output.address),
                output.length,
                null_mut(),
                self.inner.get(),
            )
        };
        if done != 0 {
            return None;
        }
        match Win32Error::last() {
            Win32Error(ERROR_IO_PENDING) => None,
            error => Some(self.failed(error)),
        }
    }

    fn cancel(&self, device: HANDLE) -> bool {
        // SAFETY: an open handle, and an OVERLAPPED that a request has been started with.
        unsafe { CancelIoEx(device, self.inner.get()) != 0 }
    }

    /// Waits for the end of the request that was started. It is cancelled once the event is set.
    fn finish(&self, interrupt: Option<(HANDLE, &Event)>) -> Completion {
        if let Some((device, interrupt)) = interrupt {
            let both = [self.event.raw(), interrupt.raw()];
            // SAFETY: two open handles.
            let first = unsafe { WaitForMultipleObjects(2, both.as_ptr(), 0, INFINITE) };
            if first != WAIT_OBJECT_0 {
                self.cancel(device);
            }
        }
        self.event.wait_for_ever();
        let overlapped = self.inner.get();
        // SAFETY: the request has ended, so nothing writes the structure any more.
        let status = unsafe { (*overlapped).Internal };
        match status_of(status) {
            status if status.cast_signed() < 0 => Completion::Status(status),
            // SAFETY: as above.
            _ => Completion::Done(unsafe { (*overlapped).InternalHigh }),
        }
    }

    /// `Internal` is the status of a request that got so far as to be completed; the Win32 error
    /// stands for several.
    fn failed(&self, error: Win32Error) -> Completion {
        // SAFETY: the request has ended or never began, so nothing writes the structure any more.
        let status = unsafe { (*self.inner.get()).Internal };
        let status = status_of(status);
        match status.cast_signed() {
            0 | STATUS_PENDING if error.0 == ERROR_OPERATION_ABORTED => {
                Completion::Status(STATUS_CANCELLED)
            }
            0 | STATUS_PENDING => Completion::Refused(error),
            _ => Completion::Status(status),
        }
    }
}

/// Returns the status in the lower half of a word. The upper half is its sign, or zero.
fn status_of(word: usize) -> u32 {
    u32::try_from(word & 0xFFFF_FFFF).unwrap_or_default()
}

const STATUS_CANCELLED: u32 = 0xC000_0120;

/// Returns a pointer for the I/O manager, which checks it.
fn pointer<T>(address: u64) -> *mut T {
    std::ptr::with_exposed_provenance_mut(usize::try_from(address).unwrap_or(usize::MAX))
}
