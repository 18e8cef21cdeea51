//! WDFDPC: a deferred procedure call.
//!
//! Source: "Servicing an Interrupt", `WdfDpcCreate`.

use crate::{
    call::{Call, getters},
    callback,
    nt::deferred::{self, Dpc as KernelDpc},
    object::{
        Class, Kind, Ref,
        attributes::{Allowed, Attributes},
        handle,
    },
    sync::{self, Serial},
};
use wdk_sys::{
    BOOLEAN, KDPC, NTSTATUS, PFN_WDF_DPC, PKDPC, PVOID, PWDF_DPC_CONFIG, PWDF_OBJECT_ATTRIBUTES,
    WDFDPC, WDFOBJECT,
};

/// A deferred procedure call.
pub(crate) struct Dpc {
    evt_func: PFN_WDF_DPC,
    serial: Serial,
    kernel: KernelDpc,
}

impl Class for Dpc {
    const KIND: Kind = Kind::Dpc;

    fn dispose(this: Ref<Self>) {
        if !this.kernel.remove() {
            deferred::flush_dpcs();
        }
    }
}

/// The routine of every call.
///
/// # Safety
///
/// Called by the kernel with the context that the call was initialised with.
unsafe extern "C" fn on_dpc(_dpc: *mut KDPC, context: PVOID, _one: PVOID, _two: PVOID) {
    if let Some(dpc) = handle::find::<Dpc>(context) {
        let (evt_func, handle) = (dpc.evt_func, dpc.handle().cast());
        dpc.serial
            .run(|| callback::call!(evt_func, "EvtDpcFunc", handle));
    }
}

/// `WdfDpcCreate`.
///
/// `STATUS_WDF_PARENT_NOT_SPECIFIED`; `STATUS_INFO_LENGTH_MISMATCH` for a configuration of another
/// size; what [`sync::serial_of`] and "Framework Object Creation Errors" have.
pub(crate) fn create(
    call: &Call,
    config: PWDF_DPC_CONFIG,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    dpc: *mut WDFDPC,
) -> NTSTATUS {
    call.deliver(dpc, || {
        let (attributes, parent) = Attributes::with_parent(call, attributes, Allowed::PARENT)?;
        let config = call.read_versioned(config, &[])?;
        let made = call.create(
            &attributes,
            Dpc {
                evt_func: call.require_callback(config.EvtDpcFunc),
                serial: sync::serial_of(parent, config.AutomaticSerialization != 0, false)?,
                kernel: KernelDpc::new(),
            },
        )?;
        made.kernel.initialize(Some(on_dpc), made.handle());
        Ok(made)
    })
}

/// `WdfDpcCancel`: whether the call was queued.
pub(crate) fn cancel(call: &Call, dpc: WDFDPC, wait: BOOLEAN) -> BOOLEAN {
    let dpc = call.object::<Dpc>(dpc);
    if wait != 0 {
        call.require_passive();
    }
    let removed = dpc.kernel.remove();
    if wait != 0 && !removed {
        deferred::flush_dpcs();
    }
    removed.into()
}

getters! {
    /// `WdfDpcEnqueue`: whether the call was not queued before.
    enqueue(Call::object::<Dpc>: WDFDPC => dpc) -> BOOLEAN = dpc.kernel.enqueue().into();
    /// `WdfDpcGetParentObject`.
    get_parent_object(Call::object::<Dpc>: WDFDPC => dpc) -> WDFOBJECT
        = dpc.any().parent_handle();
    /// `WdfDpcWdmGetDpc`.
    wdm_get_dpc(Call::object::<Dpc>: WDFDPC => dpc) -> PKDPC = dpc.kernel.as_ptr();
}
