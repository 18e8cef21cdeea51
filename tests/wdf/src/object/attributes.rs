//! `WDF_OBJECT_ATTRIBUTES`, read and validated.
//!
//! Source: "Framework Object Creation Errors", `WDF_OBJECT_ATTRIBUTES`.

use super::Any;
use crate::{
    call::Call,
    report::report,
    status::{
        STATUS_WDF_EXECUTION_LEVEL_INVALID, STATUS_WDF_OBJECT_ATTRIBUTES_INVALID,
        STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED, STATUS_WDF_PARENT_NOT_SPECIFIED,
        STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID,
    },
};
use core::ptr::NonNull;
use wdk_sys::{
    _WDF_EXECUTION_LEVEL as ExecutionLevel, _WDF_SYNCHRONIZATION_SCOPE as SynchronizationScope,
    NTSTATUS, PFN_WDF_OBJECT_CONTEXT_CLEANUP, PFN_WDF_OBJECT_CONTEXT_DESTROY,
    STATUS_INFO_LENGTH_MISMATCH, WDF_EXECUTION_LEVEL, WDF_OBJECT_ATTRIBUTES,
    WDF_OBJECT_CONTEXT_TYPE_INFO, WDF_SYNCHRONIZATION_SCOPE,
};

/// A type of context space, and its size.
#[derive(Clone, Copy)]
pub(crate) struct ContextType {
    /// Identifies the type: the driver has one such address for each.
    pub(super) unique_type: NonNull<WDF_OBJECT_CONTEXT_TYPE_INFO>,
    /// In bytes.
    pub(super) size: usize,
}

/// The attributes that an object is made with.
#[derive(Clone, Copy)]
pub(crate) struct Attributes {
    pub(super) cleanup: PFN_WDF_OBJECT_CONTEXT_CLEANUP,
    pub(super) destroy: PFN_WDF_OBJECT_CONTEXT_DESTROY,
    /// The parent that the driver gives.
    pub(crate) parent: Option<Any>,
    pub(super) context: Option<ContextType>,
    pub(crate) execution_level: WDF_EXECUTION_LEVEL,
    pub(crate) synchronization_scope: WDF_SYNCHRONIZATION_SCOPE,
}

/// Which attributes an object of some kind can have.
#[derive(Clone, Copy)]
pub(crate) struct Allowed {
    pub(crate) parent: bool,
    pub(crate) execution_level: bool,
    pub(crate) synchronization_scope: bool,
}

impl Allowed {
    /// A parent, and nothing else: most objects.
    pub(crate) const PARENT: Self = Self::new(true, false, false);
    /// Timers.
    pub(crate) const PARENT_AND_LEVEL: Self = Self::new(true, true, false);
    /// Drivers and devices.
    pub(crate) const LEVELS: Self = Self::new(false, true, true);
    /// Queues.
    pub(crate) const PARENT_AND_LEVELS: Self = Self::new(true, true, true);
    /// File objects.
    pub(crate) const EXECUTION_LEVEL: Self = Self::new(false, true, false);
    /// Requests of the framework, and further contexts.
    pub(crate) const NOTHING: Self = Self::new(false, false, false);

    const fn new(parent: bool, execution_level: bool, synchronization_scope: bool) -> Self {
        Self {
            parent,
            execution_level,
            synchronization_scope,
        }
    }
}

impl Attributes {
    /// `WDF_NO_OBJECT_ATTRIBUTES`.
    pub(crate) const NONE: Self = Self {
        cleanup: None,
        destroy: None,
        parent: None,
        context: None,
        execution_level: ExecutionLevel::WdfExecutionLevelInheritFromParent,
        synchronization_scope: SynchronizationScope::WdfSynchronizationScopeInheritFromParent,
    };

    /// Reads the driver's attributes; null is `WDF_NO_OBJECT_ATTRIBUTES`.
    ///
    /// `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_WDF_OBJECT_ATTRIBUTES_INVALID`,
    /// `STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED`, `STATUS_WDF_EXECUTION_LEVEL_INVALID` and
    /// `STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID`, as "Framework Object Creation Errors" has them.
    pub(crate) fn read(
        call: &Call,
        attributes: *const WDF_OBJECT_ATTRIBUTES,
        allowed: Allowed,
    ) -> Result<Self, NTSTATUS> {
        let Some(attributes) = call.read_optional(attributes) else {
            return Ok(Self::NONE);
        };
        let validated = Self::validate(call, &attributes, allowed);
        if let Err(status) = validated {
            report!(
                "{}: the object attributes are refused with {status:#010x}",
                call.name()
            );
        }
        validated
    }

    /// Reads the attributes of an object that has to have a parent, and returns the parent, too.
    ///
    /// `STATUS_WDF_PARENT_NOT_SPECIFIED`; as [`Attributes::read`].
    pub(crate) fn with_parent(
        call: &Call,
        attributes: *const WDF_OBJECT_ATTRIBUTES,
        allowed: Allowed,
    ) -> Result<(Self, Any), NTSTATUS> {
        let attributes = Self::read(call, attributes, allowed)?;
        let parent = attributes.parent.ok_or(STATUS_WDF_PARENT_NOT_SPECIFIED)?;
        Ok((attributes, parent))
    }

    fn validate(
        call: &Call,
        attributes: &WDF_OBJECT_ATTRIBUTES,
        allowed: Allowed,
    ) -> Result<Self, NTSTATUS> {
        if attributes.Size as usize != size_of::<WDF_OBJECT_ATTRIBUTES>() {
            return Err(STATUS_INFO_LENGTH_MISMATCH);
        }
        let context = ContextType::validate(call, attributes)?;
        if !attributes.ParentObject.is_null() && !allowed.parent {
            return Err(STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
        }
        validate_levels(attributes, allowed)?;
        Ok(Self {
            cleanup: attributes.EvtCleanupCallback,
            destroy: attributes.EvtDestroyCallback,
            parent: (!attributes.ParentObject.is_null())
                .then(|| call.any_object(attributes.ParentObject)),
            context,
            execution_level: attributes.ExecutionLevel,
            synchronization_scope: attributes.SynchronizationScope,
        })
    }

    /// Whether the object needs a context.
    pub(super) const fn wants_context(&self) -> bool {
        self.context.is_some() || self.cleanup.is_some() || self.destroy.is_some()
    }
}

const fn validate_levels(
    attributes: &WDF_OBJECT_ATTRIBUTES,
    allowed: Allowed,
) -> Result<(), NTSTATUS> {
    match attributes.ExecutionLevel {
        ExecutionLevel::WdfExecutionLevelInheritFromParent => {}
        ExecutionLevel::WdfExecutionLevelPassive | ExecutionLevel::WdfExecutionLevelDispatch => {
            if !allowed.execution_level {
                return Err(STATUS_WDF_EXECUTION_LEVEL_INVALID);
            }
        }
        _ => return Err(STATUS_WDF_OBJECT_ATTRIBUTES_INVALID),
    }
    match attributes.SynchronizationScope {
        // No scope is none for every object, also for those that could not have one.
        SynchronizationScope::WdfSynchronizationScopeInheritFromParent
        | SynchronizationScope::WdfSynchronizationScopeNone => Ok(()),
        SynchronizationScope::WdfSynchronizationScopeDevice
        | SynchronizationScope::WdfSynchronizationScopeQueue => {
            if allowed.synchronization_scope {
                Ok(())
            } else {
                Err(STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID)
            }
        }
        _ => Err(STATUS_WDF_OBJECT_ATTRIBUTES_INVALID),
    }
}

impl ContextType {
    fn validate(call: &Call, attributes: &WDF_OBJECT_ATTRIBUTES) -> Result<Option<Self>, NTSTATUS> {
        let Some(info) = call.read_optional(attributes.ContextTypeInfo) else {
            return if attributes.ContextSizeOverride == 0 {
                Ok(None)
            } else {
                Err(STATUS_WDF_OBJECT_ATTRIBUTES_INVALID)
            };
        };
        if info.Size as usize != size_of::<WDF_OBJECT_CONTEXT_TYPE_INFO>() {
            return Err(STATUS_INFO_LENGTH_MISMATCH);
        }
        let size = match attributes.ContextSizeOverride {
            0 => info.ContextSize,
            size if size < info.ContextSize => return Err(STATUS_WDF_OBJECT_ATTRIBUTES_INVALID),
            size => size,
        };
        if info.ContextName.is_null() || size == 0 {
            return Err(STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
        }
        let unique_type = unique_type(call, &info).ok_or(STATUS_WDF_OBJECT_ATTRIBUTES_INVALID)?;
        Ok(Some(Self { unique_type, size }))
    }
}

/// Returns the address that identifies a type of context space.
pub(super) fn unique_type(
    call: &Call,
    info: &WDF_OBJECT_CONTEXT_TYPE_INFO,
) -> Option<NonNull<WDF_OBJECT_CONTEXT_TYPE_INFO>> {
    let Some(get) = info.EvtDriverGetUniqueContextType else {
        return NonNull::new(info.UniqueType.cast_mut());
    };
    // SAFETY: the driver's callback, which takes no arguments.
    let info = unsafe { get() };
    NonNull::new(call.read(info).UniqueType.cast_mut())
}
