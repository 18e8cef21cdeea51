//! Framework objects. Each has a header with its parent, children, references, contexts and handle,
//! followed by the state of its kind.
//!
//! Source: "Framework Object Life Cycle" and "Framework Object Hierarchy" of the WDF documentation.

pub(crate) mod attributes;
pub(crate) mod context;
pub(crate) mod functions;
pub(crate) mod handle;
mod life;

use crate::{
    client::ClientRef,
    nt::pool::{self, Allocation},
};
use attributes::Attributes;
use context::Context;
use core::{
    cell::Cell,
    ffi::c_void,
    ops::Deref,
    ptr::{NonNull, null_mut},
    sync::atomic::AtomicU32,
};
use wdk_sys::{NTSTATUS, STATUS_INSUFFICIENT_RESOURCES};

macro_rules! kinds {
    ($($name:ident = $handle:literal,)+) => {
        /// The kinds of objects.
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($name,)+
        }

        impl Kind {
            const ALL: &[Self] = &[$(Self::$name,)+];

            /// Returns Microsoft's name for a handle of this kind.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $handle,)+
                }
            }
        }
    };
}

kinds! {
    Driver = "WDFDRIVER",
    DeviceInit = "PWDFDEVICE_INIT",
    Device = "WDFDEVICE",
    Queue = "WDFQUEUE",
    Request = "WDFREQUEST",
    File = "WDFFILEOBJECT",
    Memory = "WDFMEMORY",
    SpinLock = "WDFSPINLOCK",
    WaitLock = "WDFWAITLOCK",
    String = "WDFSTRING",
    Key = "WDFKEY",
    Timer = "WDFTIMER",
    Dpc = "WDFDPC",
    WorkItem = "WDFWORKITEM",
    Collection = "WDFCOLLECTION",
    Target = "WDFIOTARGET",
    Interface = "device interface",
    ResourceList = "WDFCMRESLIST",
    General = "WDFOBJECT",
}

impl Kind {
    /// Undoes `kind as u8`.
    fn from_number(number: u8) -> Self {
        let kind = Self::ALL.get(usize::from(number));
        kind.copied().unwrap_or(Self::General)
    }
}

/// A kind of object.
pub(crate) trait Class: Sized {
    const KIND: Kind;

    /// Whether `WdfObjectDelete` may be called for the object.
    fn may_be_deleted(_this: Ref<Self>) -> bool {
        true
    }

    /// Releases what the object owns. Runs once, after the clean-up callbacks of the object and its
    /// children. References may keep the object itself for longer.
    fn dispose(_this: Ref<Self>) {}
}

/// The functions of a class, for code that handles objects of any kind.
struct Operations {
    may_be_deleted: fn(Any) -> bool,
    dispose: fn(Any),
    free: fn(Any),
}

/// The phase of an object's life.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It may be used, and may get children.
    Live,
    /// Its deletion has begun.
    Deleting,
}

/// The header of all objects. The lock of the tree (`life::TREE`) guards the cells.
pub(crate) struct Header {
    kind: Kind,
    operations: &'static Operations,
    client: ClientRef,
    handle: Cell<*mut c_void>,
    references: AtomicU32,
    phase: Cell<Phase>,
    parent: Cell<Option<Any>>,
    first_child: Cell<Option<Any>>,
    /// The next child of the same parent, or the next condemned one.
    next: Cell<Option<Any>>,
    /// Children whose deletion has begun together with this object's.
    condemned: Cell<Option<Any>>,
    contexts: Cell<Option<NonNull<Context>>>,
}

/// An object of a known kind in the pool. `header` comes first, so that a pointer to either is a
/// pointer to the other.
#[repr(C)]
struct Object<T> {
    header: Header,
    body: T,
}

/// A pointer to an object of any kind, valid as long as the object has references. Its holder has
/// one: the tree for its members, a dispatcher for a request.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Any(NonNull<Header>);

impl Any {
    /// # Safety
    ///
    /// `header` is that of an object that exists for as long as the result is used.
    const unsafe fn new(header: NonNull<Header>) -> Self {
        Self(header)
    }

    const fn as_ptr(self) -> *mut Header {
        self.0.as_ptr()
    }

    const fn header(&self) -> &Header {
        // SAFETY: the object exists (the promise made to `new`).
        unsafe { self.0.as_ref() }
    }

    pub(crate) const fn kind(self) -> Kind {
        self.header().kind
    }

    pub(crate) const fn client(self) -> ClientRef {
        self.header().client
    }

    /// Returns the driver's handle of the object.
    pub(crate) const fn handle(self) -> *mut c_void {
        self.header().handle.get()
    }

    /// Returns the object as one of a class, if it is of that class.
    pub(crate) fn downcast<T: Class>(self) -> Option<Ref<T>> {
        (self.kind() == T::KIND).then_some(Ref(self.0.cast()))
    }

    pub(crate) fn may_be_deleted(self) -> bool {
        (self.header().operations.may_be_deleted)(self)
    }
}

/// A pointer to an object of a class: as [`Any`], and dereferences to the state of its kind.
#[repr(transparent)]
pub(crate) struct Ref<T>(NonNull<Object<T>>);

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ref<T> {}

impl<T> PartialEq for Ref<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Ref<T> {
    pub(crate) const fn any(self) -> Any {
        Any(self.0.cast())
    }

    pub(crate) const fn handle(self) -> *mut c_void {
        self.any().handle()
    }

    pub(crate) const fn client(self) -> ClientRef {
        self.any().client()
    }
}

/// Returns the driver's handle of an object; null if there is none.
pub(crate) fn handle_or_null<T, H>(object: Option<Ref<T>>) -> *mut H {
    object.map_or(null_mut(), |object| object.handle().cast())
}

impl<T> Deref for Ref<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the object exists (the promise made to `Any::new`).
        let object = unsafe { self.0.as_ref() };
        &object.body
    }
}

impl<T: Class> Object<T> {
    const OPERATIONS: &'static Operations = &Operations {
        may_be_deleted: |object| T::may_be_deleted(Ref(object.0.cast())),
        dispose: |object| T::dispose(Ref(object.0.cast())),
        free: |object| {
            // SAFETY: `create` made the object of an allocation of this type, and its last
            // reference is gone.
            drop(unsafe { Allocation::<Self>::from_raw(object.0.cast()) });
        },
    };
}

/// Makes an object, with the context that the attributes ask for, as a child of `parent` or of the
/// parent that the attributes name.
///
/// `STATUS_INSUFFICIENT_RESOURCES`; `STATUS_DELETE_PENDING` if the parent is being deleted.
pub(crate) fn create<T: Class>(
    client: ClientRef,
    attributes: &Attributes,
    parent: Option<Any>,
    body: T,
) -> Result<Ref<T>, NTSTATUS> {
    const { assert!(align_of::<Object<T>>() <= pool::ALIGNMENT) };

    let object = Allocation::new(Object {
        header: Header {
            kind: T::KIND,
            operations: Object::<T>::OPERATIONS,
            client,
            handle: Cell::new(null_mut()),
            references: AtomicU32::new(1),
            phase: Cell::new(Phase::Live),
            parent: Cell::new(None),
            first_child: Cell::new(None),
            next: Cell::new(None),
            condemned: Cell::new(None),
            contexts: Cell::new(None),
        },
        body,
    })
    .ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
    let object = Ref(object.into_raw());

    let made = life::admit(object.any(), attributes, attributes.parent.or(parent));
    match made {
        Ok(()) => Ok(object),
        Err(status) => {
            (Object::<T>::OPERATIONS.free)(object.any());
            Err(status)
        }
    }
}
