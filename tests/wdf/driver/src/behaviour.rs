//! What the registry asks the driver to do.

use crate::wdf;
use core::{
    ptr::null_mut,
    sync::atomic::{AtomicU32, Ordering},
};
use wdk_sys::{KEY_QUERY_VALUE, ULONG, UNICODE_STRING, WDFDRIVER, WDFKEY};

/// `EvtDevicePrepareHardware` fails.
pub const PREPARE_FAILS: u32 = 1;
/// `EvtDeviceD0Entry` fails.
pub const D0_ENTRY_FAILS: u32 = 2;
/// `EvtDeviceD0EntryPostInterruptsEnabled` fails.
pub const POST_INTERRUPTS_FAILS: u32 = 4;
/// `EvtDeviceSelfManagedIoInit` fails.
pub const SELF_MANAGED_IO_FAILS: u32 = 8;
/// The driver refuses to be stopped, or to be removed.
pub const QUERIES_FAIL: u32 = 16;
/// `EvtDriverDeviceAdd` fails after it has made the device.
pub const ADD_FAILS: u32 = 32;
/// The device has the synchronization scope of a device.
pub const DEVICE_SCOPE: u32 = 64;
/// The device's callbacks run at passive level.
pub const PASSIVE: u32 = 128;

static BITS: AtomicU32 = AtomicU32::new(0);

pub fn has(bit: u32) -> bool {
    BITS.load(Ordering::Relaxed) & bit != 0
}

/// Reads the value `Behaviour`. Without it, nothing fails.
pub fn read(driver: WDFDRIVER) {
    let mut key: WDFKEY = null_mut();
    let opened = wdf!(
        WdfDriverOpenParametersRegistryKey,
        driver,
        KEY_QUERY_VALUE,
        null_mut(),
        &raw mut key
    );
    if opened < 0 {
        return;
    }
    let mut characters = "Behaviour".encode_utf16();
    let mut name = [0_u16; 9];
    for place in &mut name {
        *place = characters.next().unwrap_or(0);
    }
    let name = UNICODE_STRING {
        Length: 18,
        MaximumLength: 18,
        Buffer: name.as_mut_ptr(),
    };
    let mut bits: ULONG = 0;
    if wdf!(WdfRegistryQueryULong, key, &raw const name, &raw mut bits) >= 0 {
        BITS.store(bits, Ordering::Relaxed);
    }
    wdf!(WdfRegistryClose, key);
}
