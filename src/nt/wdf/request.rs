//! A request: its parameters, its buffers, its completion.

use core::{
    ffi::c_void,
    mem::size_of,
    ptr::{self, NonNull},
};

use ringcopy_protocol::{Method, NtStatus};
use usermode_accessors::{Mode, VolatileSlice};
use wdk_sys::{
    _WDF_REQUEST_TYPE::WdfRequestTypeDeviceControl, IO_STACK_LOCATION, IRP_MJ_CREATE, PIRP,
    SECURITY_SUBJECT_CONTEXT, SL_FORCE_ACCESS_CHECK, WDF_REQUEST_PARAMETERS, WDFREQUEST,
    call_unsafe_wdf_function_binding, ntddk::PsIsThreadTerminating,
};

use crate::nt::context::{self, Context};

/// A request, which the driver owns until it is completed or queued.
#[must_use = "a request that is not completed never returns to its caller"]
pub struct Request(pub(super) WDFREQUEST);

/// The parameters of a device control request, as the I/O manager recorded them.
#[derive(Clone, Copy)]
pub struct ControlParameters {
    /// The control code.
    pub code: u32,
    /// The length of the input in bytes.
    pub input_length: usize,
    /// The length of the output in bytes.
    pub output_length: usize,
}

/// Calls one of the framework's `WdfRequestRetrieve…Buffer` functions, which differ only in name.
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
    /// Wraps the handle that a callback received.
    pub const fn of_callback(request: WDFREQUEST) -> Self {
        Self(request)
    }

    /// Completes the request: with a number of bytes of output, or with a status.
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

    /// Returns the parameters of a device control request; `None` for other requests.
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

    /// Returns the requestor mode that the I/O manager recorded.
    pub fn requestor_mode(&self) -> Mode {
        // SAFETY: the request is ours.
        let mode = unsafe { call_unsafe_wdf_function_binding!(WdfRequestGetRequestorMode, self.0) };
        Mode::from_raw(mode)
    }

    /// Returns whether nobody waits for the request any more: it is cancelled, or the thread that sent
    /// it is ending. Ending the thread cancels no request that the thread is still carrying out.
    ///
    /// `WdfRequestIsCanceled` (`wdfrequest.h`) may be asked of a request that the driver owns and has
    /// not marked cancelable: so here, from the first callback on. `PsIsThreadTerminating`
    /// (`ntifs.h`). IRQL: at most `DISPATCH_LEVEL`.
    pub fn is_interrupted(&self) -> bool {
        // SAFETY: the request is ours, and not cancelable.
        let cancelled = unsafe { call_unsafe_wdf_function_binding!(WdfRequestIsCanceled, self.0) };
        if cancelled != 0 {
            return true;
        }
        let packet = self.packet();
        // SAFETY: only the address of a part of the packet is taken.
        let thread = unsafe { &raw const (*packet).Tail.Overlay.Thread };
        // SAFETY: the packet lives as long as the request, and is at this driver, so that this member
        // of the union is the one in use.
        let thread = unsafe { thread.read() };
        // SAFETY: the thread of a request lives as long as the request.
        !thread.is_null() && unsafe { PsIsThreadTerminating(thread) } != 0
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

    /// Returns the requestor's address of its output, which the I/O manager keeps in the packet or in
    /// the MDL: `MmGetMdlVirtualAddress`.
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

    /// Returns the context of the request's file object.
    #[inline]
    pub fn file_context<T: Context>(&self) -> Option<&T> {
        // SAFETY: the request is ours.
        let file = unsafe { call_unsafe_wdf_function_binding!(WdfRequestGetFileObject, self.0) };
        if file.is_null() {
            return None;
        }
        // SAFETY: the file object lives as long as the request, and so the borrow of it.
        unsafe { context::get(file.cast()) }
    }

    /// Returns the input in system memory, of `METHOD_BUFFERED` (where it is also the output) and
    /// `METHOD_OUT_DIRECT`.
    pub fn input(&self, minimum: usize) -> Result<VolatileSlice<'_>, NtStatus> {
        let buffer = retrieve!(self, WdfRequestRetrieveInputBuffer, minimum)?;
        // SAFETY: the framework returned system memory, which belongs to the request while it is under
        // way; completing it consumes what is borrowed here.
        Ok(unsafe { buffer.into_volatile() })
    }

    /// Returns the output in system memory, or the caller's locked pages mapped there.
    pub fn output(&self, minimum: usize) -> Result<VolatileSlice<'_>, NtStatus> {
        let buffer = retrieve!(self, WdfRequestRetrieveOutputBuffer, minimum)?;
        // SAFETY: as above. The caller may change locked pages at any time, so the slice is volatile.
        Ok(unsafe { buffer.into_volatile() })
    }

    /// Returns the caller's unchecked address of the input of a `METHOD_NEITHER` request. Only in the
    /// caller's context.
    pub fn unsafe_user_input(&self, minimum: usize) -> Result<usize, NtStatus> {
        retrieve!(self, WdfRequestRetrieveUnsafeUserInputBuffer, minimum)
            .map(|buffer| buffer.address.addr())
    }

    /// Returns the caller's unchecked address of the output of a `METHOD_NEITHER` request. Only in the
    /// caller's context.
    pub fn unsafe_user_output(&self, minimum: usize) -> Result<usize, NtStatus> {
        retrieve!(self, WdfRequestRetrieveUnsafeUserOutputBuffer, minimum)
            .map(|buffer| buffer.address.addr())
    }
}

/// A buffer that the framework located.
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
    /// Returns the buffer as memory.
    ///
    /// # Safety
    ///
    /// It is system memory, valid for `'a`, and only touched through volatile accesses.
    const unsafe fn into_volatile<'a>(self) -> VolatileSlice<'a> {
        // SAFETY: the caller guarantees the memory, and the framework its length.
        unsafe { VolatileSlice::from_raw_parts(self.address.cast(), self.length) }
    }
}
