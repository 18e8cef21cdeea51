//! The framework's objects, as far as this driver uses them.
//!
//! A handle wrapper is made from what the framework hands to a callback, and from nothing else;
//! that it is valid while the callback runs is the framework's promise. [`Request`] is consumed by
//! [`Request::complete`], so completing twice does not compile.

mod control_device;
mod device;
mod driver;
mod request;

use core::mem::size_of;

use wdk_sys::{_WDF_EXECUTION_LEVEL, _WDF_SYNCHRONIZATION_SCOPE, WDF_OBJECT_ATTRIBUTES};

pub use control_device::{ControlDevice, FileCallbacks};
pub use device::{Device, FileObject};
pub use driver::{Driver, EntryArguments};
pub use request::{ControlParameters, Request};

/// The `Size` member that a framework structure starts with.
pub const fn size_field<T>() -> u32 {
    assert!(size_of::<T>() < 4096);
    #[expect(clippy::cast_possible_truncation, reason = "asserted above")]
    let size = size_of::<T>() as u32;
    size
}

/// Attributes of an object without a context, which takes execution level and synchronization from
/// its parent.
pub fn plain_attributes() -> WDF_OBJECT_ATTRIBUTES {
    WDF_OBJECT_ATTRIBUTES {
        Size: size_field::<WDF_OBJECT_ATTRIBUTES>(),
        ExecutionLevel: _WDF_EXECUTION_LEVEL::WdfExecutionLevelInheritFromParent,
        SynchronizationScope: _WDF_SYNCHRONIZATION_SCOPE::WdfSynchronizationScopeInheritFromParent,
        ..Default::default()
    }
}
