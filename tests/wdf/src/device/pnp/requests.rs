//! `IRP_MJ_PNP`.
//!
//! Source: "WDM IRPs and KMDF Event Callback Functions", "Rules for Handling `PnP` IRPs".

use super::{Pnp, Query};
use crate::{device::Device, nt::irp::Irp, object::Ref, status::check};
use wdk_sys::{
    IRP_MN_CANCEL_REMOVE_DEVICE, IRP_MN_CANCEL_STOP_DEVICE, IRP_MN_QUERY_REMOVE_DEVICE,
    IRP_MN_QUERY_STOP_DEVICE, IRP_MN_REMOVE_DEVICE, IRP_MN_START_DEVICE, IRP_MN_STOP_DEVICE,
    IRP_MN_SURPRISE_REMOVAL, NTSTATUS, STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS,
};

/// Carries out a request of the Plug and Play manager.
pub(crate) fn plug_and_play(device: Ref<Device>, irp: Irp) -> NTSTATUS {
    let Some(pnp) = &device.pnp else {
        return irp.complete_with(STATUS_INVALID_DEVICE_REQUEST);
    };
    match u32::from(irp.stack().minor_function()) {
        IRP_MN_START_DEVICE => {
            // The bus has to power the device before its drivers use it.
            let below = check(irp.send_and_wait(pnp.lower));
            let started = below.and_then(|()| device.start(pnp));
            irp.complete_with(started.err().unwrap_or(STATUS_SUCCESS))
        }
        IRP_MN_QUERY_STOP_DEVICE => query(device, pnp, irp, Query::Stop),
        IRP_MN_QUERY_REMOVE_DEVICE => query(device, pnp, irp, Query::Remove),
        IRP_MN_CANCEL_STOP_DEVICE | IRP_MN_CANCEL_REMOVE_DEVICE => succeed(pnp, irp),
        IRP_MN_STOP_DEVICE => {
            device.stop(pnp);
            succeed(pnp, irp)
        }
        IRP_MN_SURPRISE_REMOVAL => {
            device.end_by_surprise(pnp);
            succeed(pnp, irp)
        }
        IRP_MN_REMOVE_DEVICE => {
            device.remove(pnp);
            let status = succeed(pnp, irp);
            device.any().delete();
            status
        }
        _ => irp.pass_to(pnp.lower),
    }
}

fn query(device: Ref<Device>, pnp: &Pnp, irp: Irp, query: Query) -> NTSTATUS {
    let asked = if pnp.is_started() {
        device.ask_query(pnp, query)
    } else {
        STATUS_SUCCESS
    };
    if asked < 0 {
        return irp.complete_with(asked);
    }
    succeed(pnp, irp)
}

/// Passes on a request that this driver has carried out.
fn succeed(pnp: &Pnp, irp: Irp) -> NTSTATUS {
    irp.set_status(STATUS_SUCCESS);
    irp.pass_to(pnp.lower)
}
