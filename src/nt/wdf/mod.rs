//! The framework's objects that this driver uses.
//!
//! A wrapper is only made from a handle that the framework passes to a callback, which is valid while
//! the callback runs. [`Request::complete`] consumes the [`Request`], so completing it twice does not
//! compile.

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

/// Returns the value of the `Size` member at the start of a framework structure.
pub const fn size_field<T>() -> u32 {
    assert!(size_of::<T>() < 4096);
    #[expect(clippy::cast_possible_truncation, reason = "asserted above")]
    let size = size_of::<T>() as u32;
    size
}

/// Returns the attributes of an object without a context, which inherits execution level and
/// synchronization from its parent.
pub fn plain_attributes() -> WDF_OBJECT_ATTRIBUTES {
    WDF_OBJECT_ATTRIBUTES {
        Size: size_field::<WDF_OBJECT_ATTRIBUTES>(),
        ExecutionLevel: _WDF_EXECUTION_LEVEL::WdfExecutionLevelInheritFromParent,
        SynchronizationScope: _WDF_SYNCHRONIZATION_SCOPE::WdfSynchronizationScopeInheritFromParent,
        ..Default::default()
    }
}
