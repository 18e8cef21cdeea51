//! Requests on their way to a target and back.
//!
//! A request that is sent has one hold for its packet, one for its time limit, and one for each thread that
//! cancels it. The request is back when the last one is given up: so nobody touches a packet that the driver
//! has again.
//!
//! Source: "Sending I/O Requests to a General I/O Target", "Forwarding I/O Requests", `WdfRequestSend`,
//! `WDF_REQUEST_SEND_OPTIONS`, "Canceling I/O Requests", `WdfRequestReuse`.

use super::{Target, format::Formatted};
use crate::{
    call::Call,
    callback,
    nt::{
        deferred::{Dpc, Timer},
        event::Event,
        irp::Irp,
    },
    object::{Ref, handle, handle_or_null},
    request::Request,
};
use core::{
    cell::Cell,
    ptr::{NonNull, null_mut},
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};
use wdk_sys::{
    _WDF_REQUEST_SEND_OPTIONS_FLAGS as SendFlags, _WDF_REQUEST_TYPE as RequestType, KDPC, LONGLONG,
    NTSTATUS, PDEVICE_OBJECT, PFN_WDF_REQUEST_COMPLETION_ROUTINE, PIRP, PVOID,
    PWDF_REQUEST_SEND_OPTIONS, STATUS_CANCELLED, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_INVALID_PARAMETER, STATUS_IO_TIMEOUT, ULONG, WDF_REQUEST_COMPLETION_PARAMS, WDFCONTEXT,
};

/// What a request has for targets.
pub(crate) struct Sending {
    /// Whether the next driver's stack location is made.
    pub(super) is_formatted: Cell<bool>,
    formatted: Cell<Option<Formatted>>,
    pub(super) evt_completion: Cell<PFN_WDF_REQUEST_COMPLETION_ROUTINE>,
    pub(super) context: Cell<WDFCONTEXT>,
    target: Cell<Option<Ref<Target>>>,
    /// The next one that has been sent to that target, whose lock guards it.
    pub(super) next: Cell<Option<Ref<Request>>>,
    /// Whether a visit of the target's sent requests has got here; guarded likewise.
    pub(super) is_visited: Cell<bool>,
    /// 0 while the request is not on its way.
    holds: AtomicU32,
    is_cancelled: AtomicBool,
    /// Whether the time limit has passed.
    is_late: AtomicBool,
    has_limit: Cell<bool>,
    timer: Timer,
    dpc: Dpc,
    /// What the thread waits for that sent the request.
    waits: Cell<Option<NonNull<Event>>>,
}

impl Sending {
    pub(crate) fn new() -> Self {
        Self {
            is_formatted: Cell::new(false),
            formatted: Cell::new(None),
            evt_completion: Cell::new(None),
            context: Cell::new(null_mut()),
            target: Cell::new(None),
            next: Cell::new(None),
            is_visited: Cell::new(false),
            holds: AtomicU32::new(0),
            is_cancelled: AtomicBool::new(false),
            is_late: AtomicBool::new(false),
            has_limit: Cell::new(false),
            timer: Timer::new(),
            dpc: Dpc::new(),
            waits: Cell::new(None),
        }
    }

    /// Whether a target has the request.
    pub(crate) fn is_sent(&self) -> bool {
        self.holds.load(Ordering::Acquire) != 0
    }

    pub(super) fn set_formatted(&self, formatted: Formatted) {
        self.formatted.set(Some(formatted));
        self.is_formatted.set(true);
    }

    /// Releases what the request was formatted with, and gives its packet its own buffers back. A request that
    /// a target has keeps them.
    pub(crate) fn release(&self, irp: Option<Irp>) {
        if self.is_sent() {
            return;
        }
        if let (Some(formatted), Some(irp)) = (self.formatted.take(), irp) {
            formatted.restore(irp);
        }
        self.is_formatted.set(false);
    }

    pub(super) fn has_buffers(&self) -> bool {
        let formatted = self.formatted.take();
        let has = formatted.is_some();
        self.formatted.set(formatted);
        has
    }

    /// Returns what a packet that is back tells. Of one that the target got as it was, it is the status alone.
    pub(super) fn params(&self, irp: Irp) -> WDF_REQUEST_COMPLETION_PARAMS {
        let mut formatted = self.formatted.take();
        #[expect(clippy::cast_possible_truncation, reason = "a small structure")]
        let mut params = formatted.as_mut().map_or_else(
            || WDF_REQUEST_COMPLETION_PARAMS {
                Size: size_of::<WDF_REQUEST_COMPLETION_PARAMS>() as ULONG,
                Type: RequestType::WdfRequestTypeNoFormat,
                ..WDF_REQUEST_COMPLETION_PARAMS::default()
            },
            |formatted| formatted.take_back(irp),
        );
        self.formatted.set(formatted);
        params.IoStatus.Information = irp.information();
        params.IoStatus.__bindgen_anon_1.Status = irp.status();
        params
    }
}

/// The options of a send.
#[derive(Clone, Copy)]
pub(super) struct Options {
    pub(super) flags: ULONG,
    /// In units of 100 ns: a moment, or if it is negative a span; 0: no limit.
    limit: LONGLONG,
}

pub(super) const FORGET: ULONG = SendFlags::WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET.cast_unsigned();
pub(super) const WAIT: ULONG = SendFlags::WDF_REQUEST_SEND_OPTION_SYNCHRONOUS.cast_unsigned();
const LIMIT: ULONG = SendFlags::WDF_REQUEST_SEND_OPTION_TIMEOUT.cast_unsigned();
/// A target that is open accepts requests in every state that the stand-in has.
const IGNORE_STATE: ULONG = SendFlags::WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE.cast_unsigned();

impl Options {
    /// Reads the driver's options; null is none.
    ///
    /// `STATUS_INFO_LENGTH_MISMATCH`; `STATUS_INVALID_PARAMETER` for options that do not exist, or that do not
    /// go together.
    pub(super) fn read(call: &Call, options: PWDF_REQUEST_SEND_OPTIONS) -> Result<Self, NTSTATUS> {
        if options.is_null() {
            return Ok(Self { flags: 0, limit: 0 });
        }
        let options = call.read_versioned(options, &[])?;
        let flags = options.Flags;
        if flags & !(FORGET | WAIT | LIMIT | IGNORE_STATE) != 0
            || (flags & FORGET != 0 && flags != FORGET)
        {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let limit = if flags & LIMIT == 0 {
            0
        } else {
            options.Timeout
        };
        Ok(Self { flags, limit })
    }
}

impl Ref<Request> {
    /// Sends the request, and has an event set when it is back; without one, the driver is called.
    ///
    /// `STATUS_CANCELLED` if the driver has cancelled it; `STATUS_INVALID_DEVICE_STATE` for a target that is
    /// closed.
    pub(super) fn send(
        self,
        target: Ref<Target>,
        options: Options,
        event: Option<&Event>,
    ) -> Result<(), NTSTATUS> {
        let sending = &self.sending;
        let irp = self.irp.get().ok_or(STATUS_INVALID_DEVICE_REQUEST)?;
        if sending.is_cancelled.load(Ordering::Acquire) {
            return Err(STATUS_CANCELLED);
        }
        let has_limit = options.limit != 0;
        let holds = 1 + u32::from(has_limit);
        sending.has_limit.set(has_limit);
        sending.is_late.store(false, Ordering::Relaxed);
        sending.waits.set(event.map(NonNull::from));
        sending.target.set(Some(target));
        // From here on, the request can be cancelled, and the target can be closed.
        sending.holds.store(holds, Ordering::Release);
        let device = target.admit(self).inspect_err(|_| {
            sending.holds.store(0, Ordering::Release);
        })?;
        sending.is_formatted.set(false);
        self.any().reference();
        target.any().reference();
        if has_limit {
            sending.dpc.initialize(Some(on_limit), self.handle());
            sending.timer.initialize();
            sending.timer.set(options.limit, 0, &sending.dpc);
        }
        irp.send(device, Some(on_completed), self.handle());
        Ok(())
    }

    /// Sends the request, waits until it is back, and returns its status. Callable at `PASSIVE_LEVEL`.
    ///
    /// As [`Self::send`].
    pub(super) fn send_and_wait(
        self,
        target: Ref<Target>,
        options: Options,
    ) -> Result<NTSTATUS, NTSTATUS> {
        let any = self.any();
        any.reference();
        let sent = Event::with(|event| {
            self.send(target, options, Some(event))?;
            event.wait();
            Ok(self.irp.get().map_or(STATUS_CANCELLED, Irp::status))
        });
        any.release();
        sent
    }

    /// Asks the driver that has the request to cancel it: whether that has a cancel routine.
    pub(super) fn cancel_sent(self) -> bool {
        let sending = &self.sending;
        sending.is_cancelled.store(true, Ordering::Release);
        let held = sending
            .holds
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |holds| {
                (holds != 0).then_some(holds + 1)
            });
        let (Ok(_), Some(irp)) = (held, self.irp.get()) else {
            return false;
        };
        let has_routine = irp.cancel();
        self.give_up(1);
        has_routine
    }

    /// Makes the request, which is back, one that can be formatted and sent again.
    pub(super) fn renew(self, status: NTSTATUS) {
        let sending = &self.sending;
        sending.release(self.irp.get());
        sending.evt_completion.set(None);
        sending.is_cancelled.store(false, Ordering::Release);
        if let Some(irp) = self.irp.get() {
            irp.renew(status);
        }
    }

    /// Gives up holds. With the last one, the request is back.
    fn give_up(self, holds: u32) {
        if self.sending.holds.fetch_sub(holds, Ordering::AcqRel) == holds {
            self.end_send();
        }
    }

    /// Gives the request back to the driver.
    fn end_send(self) {
        let sending = &self.sending;
        let (Some(irp), Some(target)) = (self.irp.get(), sending.target.take()) else {
            return;
        };
        if sending.is_late.load(Ordering::Acquire) && irp.status() == STATUS_CANCELLED {
            irp.set_status(STATUS_IO_TIMEOUT);
        }
        let mut params = sending.params(irp);
        let evt_completion = sending.evt_completion.take();
        let context = sending.context.replace(null_mut());
        let waits = sending.waits.take();
        // From here on, the driver may send the request again.
        target.forget(self);
        if let Some(event) = waits {
            // SAFETY: the event of `send_and_wait`, which waits for it.
            unsafe { event.as_ref() }.set();
        } else {
            let (request, target) = (self.handle().cast(), handle_or_null(Some(target)));
            let params = &raw mut params;
            let name = "EvtRequestCompletion";
            callback::call!(evt_completion, name, request, target, params, context);
        }
        target.any().release();
        self.any().release();
    }
}

/// The completion routine of a packet that a driver has sent.
///
/// # Safety
///
/// Called by the I/O manager with the context that [`Ref::<Request>::send`] gave.
unsafe extern "C" fn on_completed(_device: PDEVICE_OBJECT, _irp: PIRP, context: PVOID) -> NTSTATUS {
    if let Some(request) = handle::find::<Request>(context) {
        let sending = &request.sending;
        // A timer that can't be stopped has run out: what it calls gives its own hold up.
        let stopped = sending.has_limit.take() && sending.timer.cancel();
        request.give_up(1 + u32::from(stopped));
    }
    Irp::KEPT
}

/// What the timer of every time limit calls.
///
/// # Safety
///
/// Called by the kernel with the context that [`Ref::<Request>::send`] gave.
unsafe extern "C" fn on_limit(_dpc: *mut KDPC, context: PVOID, _one: PVOID, _two: PVOID) {
    if let Some(request) = handle::find::<Request>(context) {
        request.sending.is_late.store(true, Ordering::Release);
        request.cancel_sent();
        request.give_up(1);
    }
}
