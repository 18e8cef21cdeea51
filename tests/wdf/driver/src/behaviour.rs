//! What the registry asks the driver to do.

use crate::{text::with_text, wdf};
use core::{
    ptr::null_mut,
    sync::atomic::{AtomicU32, Ordering},
};
use wdk_sys::{KEY_QUERY_VALUE, ULONG, WDFDRIVER, WDFKEY};

static BITS: AtomicU32 = AtomicU32::new(0);

/// Whether a bit of [`codes`](crate::codes) is set.
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
    let mut bits: ULONG = 0;
    let read = with_text(b"Behaviour", |name| {
        wdf!(WdfRegistryQueryULong, key, name, &raw mut bits)
    });
    if read >= 0 {
        BITS.store(bits, Ordering::Relaxed);
    }
    wdf!(WdfRegistryClose, key);
}
