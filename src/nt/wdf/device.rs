//! The device and its file objects.

use core::ptr;

use ringcopy_protocol::NtStatus;
use wdk_sys::{
    _WDF_IO_QUEUE_DISPATCH_TYPE::WdfIoQueueDispatchParallel, _WDF_TRI_STATE::WdfFalse,
    WDF_IO_QUEUE_CONFIG, WDFDEVICE, WDFFILEOBJECT, WDFQUEUE, WDFREQUEST,
    call_unsafe_wdf_function_binding,
};

use super::{Request, plain_attributes, size_field};
use crate::nt::{
    context::{self, Context},
    unicode::WideString,
};

/// A device.
pub struct Device(pub(super) WDFDEVICE);

impl Device {
    /// Wraps the handle that a callback received.
    pub const fn of_callback(device: WDFDEVICE) -> Self {
        Self(device)
    }

    /// Returns the device of the queue that a callback received.
    pub fn of_queue(queue: WDFQUEUE) -> Self {
        // SAFETY: the queue lives, and its device outlives it.
        Self(unsafe { call_unsafe_wdf_function_binding!(WdfIoQueueGetDevice, queue) })
    }

    /// Returns the context of the device.
    #[inline]
    pub fn context<T: Context>(&self) -> Option<&T> {
        // SAFETY: the device outlives the callback that this wrapper was made in.
        unsafe { context::get(self.0.cast()) }
    }

    /// Puts a request into the queue, or completes it if that fails.
    pub fn enqueue(&self, request: Request) {
        // SAFETY: both are live, and the request is handed over.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(WdfDeviceEnqueueRequest, self.0, request.0)
        };
        match NtStatus::from_raw(status).into_result() {
            // The framework has the request now.
            Ok(()) => {}
            Err(status) => request.complete(Err(status)),
        }
    }

    pub(super) fn link(&self, link: &str) -> Result<(), NtStatus> {
        let link = WideString::new(link);
        let link = link.as_unicode();
        // SAFETY: the device lives, and the string through the call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(WdfDeviceCreateSymbolicLink, self.0, link.as_ptr())
        };
        NtStatus::from_raw(status).into_result()
    }

    /// Creates the default queue: parallel, not power-managed (a control device has no power state).
    pub(super) fn queue(
        &self,
        device_control: extern "C" fn(WDFQUEUE, WDFREQUEST, usize, usize, u32),
    ) -> Result<(), NtStatus> {
        let mut config = WDF_IO_QUEUE_CONFIG {
            Size: size_field::<WDF_IO_QUEUE_CONFIG>(),
            DispatchType: WdfIoQueueDispatchParallel,
            PowerManaged: WdfFalse,
            DefaultQueue: u8::from(true),
            EvtIoDeviceControl: Some(device_control),
            ..Default::default()
        };
        config.Settings.Parallel.NumberOfPresentedRequests = u32::MAX;
        let mut attributes = plain_attributes();
        // SAFETY: the device lives; config and attributes are copied; no handle is asked for.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfIoQueueCreate,
                self.0,
                &raw mut config,
                &raw mut attributes,
                ptr::null_mut(),
            )
        };
        NtStatus::from_raw(status).into_result()
    }
}

/// A file object: one open of the device.
pub struct FileObject(WDFFILEOBJECT);

impl FileObject {
    /// Wraps the handle that a callback received.
    pub const fn of_callback(file: WDFFILEOBJECT) -> Self {
        Self(file)
    }

    /// Sets the context of the file object.
    pub fn set_context<T: Context>(&self, value: T) -> Result<(), NtStatus> {
        // SAFETY: the file object is being created, in this callback alone.
        unsafe { context::set(self.0.cast(), value) }
    }
}
