//! The driver's provider of events for Event Tracing for Windows (ETW).
//!
//! The provider and its events describe themselves (`TraceLogging`), so that no manifest is installed.
//! The events are in [`crate::trace`]. Sources: "`EtwRegister` function (wdm.h)", "`EtwUnregister`
//! function (wdm.h)", "`TraceLoggingUnregister` function", Windows documentation.

use tracelogging::{Provider, define_provider};

// Its identifier is derived from the name, as tools do that are given `*RingCopy.Driver`.
define_provider!(PROVIDER, "RingCopy.Driver");

/// Returns the provider. Unless it is registered and a session listens, its events cost a comparison.
pub const fn provider() -> &'static Provider {
    &PROVIDER
}

/// Registers the provider; [`unregister`] has to follow before the image is unloaded. If that fails,
/// nobody can listen, and the driver works as usual. IRQL: `PASSIVE_LEVEL`.
pub fn register() {
    // SAFETY: the provider is a static, which does not move. The driver's entry point registers it
    // once, and both ways on which the image is unloaded unregister it: a failed entry, and the unload
    // routine.
    let _status = unsafe { PROVIDER.register() };
}

/// Unregisters the provider: no callback of the system's reaches the image any more. IRQL:
/// `PASSIVE_LEVEL`.
pub fn unregister() {
    let _status = PROVIDER.unregister();
}
