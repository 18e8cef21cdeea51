//! A request: what it says, its buffers, and how it ends.

use core::{
    ffi::c_void,
    mem::size_of,
    ptr::{self, NonNull},
};

use ringcopy_protocol::{Method, NtStatus};
use usermode_accessors::{Mode, VolatileSlice};
use wdk_sys::{
    _WDF_REQUEST_TYPE::WdfRequestTypeDeviceControl, IO_STACK_LOCATION, IRP_MJ_CREATE, PIRP,
    SECURITY_SUBJECT_CONTEXT, SL_FORCE_ACCESS_CHECK, WDF_REQUEST_PARAMETERS, WDFFILEOBJECT,
    WDFREQUEST, call_unsafe_wdf_function_binding,
};

use crate::nt::context::{self, Context};

/// A request, ours until it is completed or queued.
#[must_use = "a request that is not completed never returns to its caller"]
pub struct Request(pub(super) WDFREQUEST);

/// The fixed part of a device control request, as the I/O manager recorded it.
#[derive(Clone, Copy)]
pub struct ControlParameters {
    /// The control code.
    pub code: u32,
    /// Bytes of input.
    pub input_length: usize,
    /// Bytes of output.
    pub output_length: usize,
}

/// One of the framework's `WdfRequestRetrieve…Buffer` functions, which differ in name alone.
macro_rules! retrieve {
    ($request:ident, $function:ident, $minimum:ident) => {{
        let mut buffer = Located::default();
        // SAFETY: the request is ours, and what is filled lives through the call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                $function,
                $request.0,
                $minimum,
                &raw mut buffer.address,
                &raw mut buffer.length,
            )
        };
        NtStatus::from_raw(status).into_result().map(|()| buffer)
    }};
}

impl Request {
    /// As a callback was given it.
    pub const fn of_callback(request: WDFREQUEST) -> Self {
        Self(request)
    }

    /// Ends the request: with bytes of output, or with the status that says why not.
    pub fn complete(self, outcome: Result<usize, NtStatus>) {
        let (status, information) = match outcome {
            Ok(information) => (NtStatus::SUCCESS, information),
            Err(status) => (status, 0),
        };
        // SAFETY: the request is ours, and `self` is consumed.
        unsafe {
            call_unsafe_wdf_function_binding!(
                WdfRequestCompleteWithInformation,
                self.0,
                status.as_raw(),
                information as u64,
            );
        }
    }

    /// What a device control request asks; nothing if it is another kind of request.
    pub fn control(&self) -> Option<ControlParameters> {
        let mut parameters = WDF_REQUEST_PARAMETERS {
            // The one framework structure whose size is a USHORT.
            Size: const {
                assert!(size_of::<WDF_REQUEST_PARAMETERS>() == 40);
                40
            },
            ..Default::default()
        };
        // SAFETY: the request is ours, and the structure lives through the call.
        unsafe {
            call_unsafe_wdf_function_binding!(WdfRequestGetParameters, self.0, &raw mut parameters,);
        }
        if parameters.Type != WdfRequestTypeDeviceControl {
            return None;
        }
        // SAFETY: the type says which member of the union the framework filled.
        let control = unsafe { parameters.Parameters.DeviceIoControl };
        Some(ControlParameters {
            code: control.IoControlCode,
            input_length: control.InputBufferLength,
            output_length: control.OutputBufferLength,
        })
    }

    /// Whose rules the request follows, as the I/O manager recorded it.
    pub fn requestor_mode(&self) -> Mode {
        // SAFETY: the request is ours.
        let mode = unsafe { call_unsafe_wdf_function_binding!(WdfRequestGetRequestorMode, self.0) };
        Mode::from_raw(mode)
    }

    /// Whose open this is, as the I/O manager captured it; nothing if it is no open, or the system
    /// captures none.
    pub(in crate::nt) fn subject(&self) -> Option<NonNull<SECURITY_SUBJECT_CONTEXT>> {
        let location = self.location();
        // SAFETY: the location is the request's, and lives as long.
        if u32::from(unsafe { (*location).MajorFunction }) != IRP_MJ_CREATE {
            return None;
        }
        // SAFETY: as above; only an address is taken.
        let context = unsafe { &raw const (*location).Parameters.Create.SecurityContext };
        // SAFETY: the function says that the I/O manager filled this member of the union.
        let context = unsafe { context.read() };
        // SAFETY: the context lives as long as the request.
        let state = NonNull::new(unsafe { context.as_ref() }?.AccessState)?.as_ptr();
        // SAFETY: only the address of a part of it is taken.
        NonNull::new(unsafe { &raw mut (*state).SubjectSecurityContext })
    }

    /// Whether the open is checked as a user's, whoever the requestor is: `SL_FORCE_ACCESS_CHECK`.
    pub(in crate::nt) fn is_check_forced(&self) -> bool {
        // SAFETY: the location is the request's, and lives as long.
        let flags = unsafe { (*self.location()).Flags };
        u32::from(flags) & SL_FORCE_ACCESS_CHECK != 0
    }

    fn packet(&self) -> PIRP {
        // SAFETY: the request is ours; its packet lives as long.
        unsafe { call_unsafe_wdf_function_binding!(WdfRequestWdmGetIrp, self.0) }
    }

    /// `IoGetCurrentIrpStackLocation`.
    fn location(&self) -> *const IO_STACK_LOCATION {
        let packet = self.packet();
        // SAFETY: only the address of a part of the packet is taken.
        let location = unsafe {
            &raw const (*packet)
                .Tail
                .Overlay
                .__bindgen_anon_2
                .__bindgen_anon_1
                .CurrentStackLocation
        };
        // SAFETY: the packet is at this driver, so that this member of the unions is the one in use.
        unsafe { location.read() }
    }

    /// The address that the requestor gave for its output, which the I/O manager keeps in the
    /// packet, or in the list of its pages: `MmGetMdlVirtualAddress`.
    pub fn output_address(&self, method: Method) -> usize {
        let packet = self.packet();
        if method != Method::OutDirect {
            // SAFETY: the packet lives as long as the request.
            return unsafe { (*packet).UserBuffer }.addr();
        }
        // SAFETY: as above.
        let list = unsafe { (*packet).MdlAddress };
        // SAFETY: the list lives as long as the packet, and is not changed meanwhile.
        unsafe { list.as_ref() }.map_or(0, |list| {
            list.StartVa.addr().wrapping_add(list.ByteOffset as usize)
        })
    }

    /// The value that the request's device carries.
    pub fn device_context<T: Context>(&self) -> Option<&T> {
        let file = self.file_object()?;
        // SAFETY: the file object lives as long as the request.
        let device = unsafe { call_unsafe_wdf_function_binding!(WdfFileObjectGetDevice, file) };
        // SAFETY: the device outlives its file objects, and so the borrow of the request.
        unsafe { context::get(device.cast()) }
    }

    /// The value that the request's open carries.
    pub fn file_context<T: Context>(&self) -> Option<&T> {
        let file = self.file_object()?;
        // SAFETY: the file object lives as long as the request, and so the borrow of it.
        unsafe { context::get(file.cast()) }
    }

    fn file_object(&self) -> Option<WDFFILEOBJECT> {
        // SAFETY: the request is ours.
        let file = unsafe { call_unsafe_wdf_function_binding!(WdfRequestGetFileObject, self.0) };
        (!file.is_null()).then_some(file)
    }

    /// The input in system memory: of `METHOD_BUFFERED`, where it is the output too, and of
    /// `METHOD_OUT_DIRECT`.
    pub fn input(&self, minimum: usize) -> Result<VolatileSlice<'_>, NtStatus> {
        let buffer = retrieve!(self, WdfRequestRetrieveInputBuffer, minimum)?;
        // SAFETY: the framework gave system memory, which nobody else touches while the request is
        // under way; completing it consumes what is borrowed here.
        Ok(unsafe { buffer.into_volatile() })
    }

    /// The output in system memory, or the caller's locked pages mapped there.
    pub fn output(&self, minimum: usize) -> Result<VolatileSlice<'_>, NtStatus> {
        let buffer = retrieve!(self, WdfRequestRetrieveOutputBuffer, minimum)?;
        // SAFETY: as above, but that the caller may change locked pages at any time: hence
        // volatile.
        Ok(unsafe { buffer.into_volatile() })
    }

    /// The address that the caller of a `METHOD_NEITHER` request gave for its input: checked by
    /// nobody. Only in its caller's context.
    pub fn unsafe_user_input(&self, minimum: usize) -> Result<usize, NtStatus> {
        retrieve!(self, WdfRequestRetrieveUnsafeUserInputBuffer, minimum)
            .map(|buffer| buffer.address.addr())
    }

    /// The address that the caller of a `METHOD_NEITHER` request gave for its output: checked by
    /// nobody. Only in its caller's context.
    pub fn unsafe_user_output(&self, minimum: usize) -> Result<usize, NtStatus> {
        retrieve!(self, WdfRequestRetrieveUnsafeUserOutputBuffer, minimum)
            .map(|buffer| buffer.address.addr())
    }
}

/// What the framework says of a buffer.
struct Located {
    address: *mut c_void,
    length: usize,
}

impl Default for Located {
    fn default() -> Self {
        Self {
            address: ptr::null_mut(),
            length: 0,
        }
    }
}

impl Located {
    /// The buffer as memory.
    ///
    /// # Safety
    ///
    /// It is system memory, valid for `'a`, and only touched through volatile accesses.
    const unsafe fn into_volatile<'a>(self) -> VolatileSlice<'a> {
        // SAFETY: the caller vouches for the memory; the framework, for its length.
        unsafe { VolatileSlice::from_raw_parts(self.address.cast(), self.length) }
    }
}
