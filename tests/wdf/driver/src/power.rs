//! The callbacks for Plug and Play and power.

use crate::{
    codes::{
        D0_ENTRY_FAILS, POST_INTERRUPTS_FAILS, PREPARE_FAILS, QUERIES_FAIL, SELF_MANAGED_IO_FAILS,
    },
    fail_if, notes, sized,
};
use wdk_sys::{
    NTSTATUS, WDF_PNPPOWER_EVENT_CALLBACKS, WDF_POWER_DEVICE_STATE, WDFCMRESLIST, WDFDEVICE,
};

/// Callbacks: the name in the documentation, the arguments after the device, and the bit that makes
/// it fail.
macro_rules! callbacks {
    ($($function:ident = $name:literal ($($argument:ident: $type:ty),*) $fails:expr;)+) => {
        $(unsafe extern "C" fn $function(_device: WDFDEVICE, $($argument: $type),*) -> NTSTATUS {
            fail_if($fails, $name)
        })+
    };
}

/// A bit that is never set.
const NEVER: u32 = 0;

callbacks! {
    prepare = c"EvtDevicePrepareHardware" (_raw: WDFCMRESLIST, _translated: WDFCMRESLIST)
        PREPARE_FAILS;
    release = c"EvtDeviceReleaseHardware" (_translated: WDFCMRESLIST) NEVER;
    d0_entry = c"EvtDeviceD0Entry" (_previous: WDF_POWER_DEVICE_STATE) D0_ENTRY_FAILS;
    d0_entry_post = c"EvtDeviceD0EntryPostInterruptsEnabled" (_previous: WDF_POWER_DEVICE_STATE)
        POST_INTERRUPTS_FAILS;
    d0_exit = c"EvtDeviceD0Exit" (_target: WDF_POWER_DEVICE_STATE) NEVER;
    d0_exit_pre = c"EvtDeviceD0ExitPreInterruptsDisabled" (_target: WDF_POWER_DEVICE_STATE) NEVER;
    init = c"EvtDeviceSelfManagedIoInit" () SELF_MANAGED_IO_FAILS;
    suspend = c"EvtDeviceSelfManagedIoSuspend" () NEVER;
    restart = c"EvtDeviceSelfManagedIoRestart" () NEVER;
    query_remove = c"EvtDeviceQueryRemove" () QUERIES_FAIL;
    query_stop = c"EvtDeviceQueryStop" () QUERIES_FAIL;
}

notes! {
    flush(WDFDEVICE) = c"EvtDeviceSelfManagedIoFlush";
    clean_up(WDFDEVICE) = c"EvtDeviceSelfManagedIoCleanup";
    surprise_removal(WDFDEVICE) = c"EvtDeviceSurpriseRemoval";
}

pub fn callbacks() -> WDF_PNPPOWER_EVENT_CALLBACKS {
    sized!(WDF_PNPPOWER_EVENT_CALLBACKS {
        EvtDevicePrepareHardware: Some(prepare),
        EvtDeviceReleaseHardware: Some(release),
        EvtDeviceD0Entry: Some(d0_entry),
        EvtDeviceD0EntryPostInterruptsEnabled: Some(d0_entry_post),
        EvtDeviceD0Exit: Some(d0_exit),
        EvtDeviceD0ExitPreInterruptsDisabled: Some(d0_exit_pre),
        EvtDeviceSelfManagedIoInit: Some(init),
        EvtDeviceSelfManagedIoSuspend: Some(suspend),
        EvtDeviceSelfManagedIoRestart: Some(restart),
        EvtDeviceSelfManagedIoFlush: Some(flush),
        EvtDeviceSelfManagedIoCleanup: Some(clean_up),
        EvtDeviceSurpriseRemoval: Some(surprise_removal),
        EvtDeviceQueryRemove: Some(query_remove),
        EvtDeviceQueryStop: Some(query_stop),
    })
}
