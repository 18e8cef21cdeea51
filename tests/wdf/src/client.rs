//! A bound driver: its state from `WdfVersionBind` to `WdfVersionUnbind`.

use crate::{
    driver::Driver,
    nt::{pool::Allocation, text::Text},
    object::Ref,
};
use core::{
    cell::{Cell, UnsafeCell},
    ops::Deref,
    ptr::{NonNull, null_mut},
    sync::atomic::{AtomicPtr, Ordering},
};
use wdk_sys::{
    CHAR, NTSTATUS, PDRIVER_OBJECT, PWDF_DRIVER_GLOBALS, STATUS_INSUFFICIENT_RESOURCES, ULONG,
    WDF_DRIVER_GLOBALS,
};

/// The most drivers that can be bound at once.
const CLIENTS: usize = 16;

/// The bound drivers.
static BOUND: [AtomicPtr<Client>; CLIENTS] = [const { AtomicPtr::new(null_mut()) }; CLIENTS];

/// A bound driver. `globals` is the first member: the driver has its address and passes it with
/// every call.
#[repr(C)]
pub(crate) struct Client {
    globals: UnsafeCell<WDF_DRIVER_GLOBALS>,
    driver_object: PDRIVER_OBJECT,
    registry_path: Text,
    driver: Cell<Option<Ref<Driver>>>,
}

/// A pointer to a bound driver, valid until it is unbound.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientRef(NonNull<Client>);

impl Deref for ClientRef {
    type Target = Client;

    fn deref(&self) -> &Client {
        // SAFETY: a client exists until it is unbound, after which nothing of it is used.
        unsafe { self.0.as_ref() }
    }
}

/// The tag of a driver whose service has too short a name (`WdfMemoryCreate`).
const DEFAULT_TAG: ULONG = u32::from_le_bytes(*b"FxDr");

impl ClientRef {
    /// Adds a driver to the list.
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES`; `STATUS_INVALID_PARAMETER` for a path of more characters
    /// than a `UNICODE_STRING` can hold together with a terminator.
    pub(crate) fn bind(
        driver_object: PDRIVER_OBJECT,
        registry_path: &[u16],
    ) -> Result<Self, NTSTATUS> {
        let service = registry_path
            .rsplit(|character| *character == u16::from(b'\\'))
            .next()
            .unwrap_or(registry_path);
        let client = Allocation::new(Client {
            globals: UnsafeCell::new(WDF_DRIVER_GLOBALS {
                Driver: null_mut(),
                DriverFlags: 0,
                DriverTag: tag_of(service),
                DriverName: name_of(service),
                DisplaceDriverUnload: 0,
            }),
            driver_object,
            registry_path: Text::new(registry_path)?,
            driver: Cell::new(None),
        })
        .ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let client = client.into_raw();
        let place = BOUND.iter().find(|place| {
            place
                .compare_exchange(
                    null_mut(),
                    client.as_ptr(),
                    Ordering::AcqRel,
                    Ordering::Acquire,
                )
                .is_ok()
        });
        if place.is_none() {
            // SAFETY: made above, and known to nothing else.
            drop(unsafe { Allocation::from_raw(client) });
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        Ok(Self(client))
    }

    fn all() -> impl Iterator<Item = Self> {
        BOUND
            .iter()
            .filter_map(|place| NonNull::new(place.load(Ordering::Acquire)).map(Self))
    }

    /// Returns the bound driver of a driver object.
    pub(crate) fn of_driver_object(driver_object: PDRIVER_OBJECT) -> Option<Self> {
        Self::all().find(|client| client.driver_object == driver_object)
    }

    /// Returns the bound driver with these globals.
    ///
    /// # Safety
    ///
    /// The driver, if it is one, is not unbound while the result is used.
    pub(crate) unsafe fn from_globals(globals: PWDF_DRIVER_GLOBALS) -> Option<Self> {
        Self::all().find(|client| client.globals() == globals)
    }

    /// Whether any driver is bound.
    pub(crate) fn any_bound() -> bool {
        Self::all().next().is_some()
    }

    /// Removes the driver from the list. It must not be used after this.
    pub(crate) fn unbind(self) {
        let place = BOUND
            .iter()
            .find(|place| place.load(Ordering::Acquire) == self.0.as_ptr());
        if let Some(place) = place {
            place.store(null_mut(), Ordering::Release);
            // SAFETY: `bind` made it, and it was on the list until now: so nothing has freed it.
            drop(unsafe { Allocation::from_raw(self.0) });
        }
    }
}

impl Client {
    /// Returns the globals, which the driver passes with every call.
    pub(crate) const fn globals(&self) -> PWDF_DRIVER_GLOBALS {
        self.globals.get()
    }

    pub(crate) const fn driver_object(&self) -> PDRIVER_OBJECT {
        self.driver_object
    }

    pub(crate) const fn registry_path(&self) -> &Text {
        &self.registry_path
    }

    /// Returns the driver's WDFDRIVER, once `WdfDriverCreate` has made it.
    pub(crate) const fn driver(&self) -> Option<Ref<Driver>> {
        self.driver.get()
    }

    /// Sets the driver's WDFDRIVER, also in the globals (`WdfGetDriver`).
    pub(crate) fn set_driver(&self, driver: Option<Ref<Driver>>) {
        self.driver.set(driver);
        let handle = driver.map_or(null_mut(), |driver| driver.handle().cast());
        self.change_globals(|globals| globals.Driver = handle);
    }

    /// Sets the driver's parameters of `WdfDriverCreate`.
    pub(crate) fn set_up(&self, flags: ULONG, tag: ULONG, displace_unload: bool) {
        self.change_globals(|globals| {
            globals.DriverFlags = flags;
            if tag != 0 {
                globals.DriverTag = tag;
            }
            globals.DisplaceDriverUnload = displace_unload.into();
        });
    }

    /// Returns the tag for pool that the driver allocates without one.
    pub(crate) const fn tag(&self) -> ULONG {
        // SAFETY: the framework alone writes to the globals, in `change_globals`, at set-up.
        unsafe { self.globals.get().read() }.DriverTag
    }

    fn change_globals(&self, change: impl FnOnce(&mut WDF_DRIVER_GLOBALS)) {
        // SAFETY: the framework alone writes to the globals, while the driver is being set up or
        // unloaded, in one thread; the driver reads them between calls.
        change(unsafe { &mut *self.globals.get() });
    }
}

/// Makes a tag of a service's name: its first four characters, after a leading "WDF".
fn tag_of(service: &[u16]) -> ULONG {
    let is_prefix = service.len() >= 3
        && service
            .iter()
            .zip(*b"wdf")
            .all(|(character, letter)| *character | 0x20 == u16::from(letter));
    let name = service.get(if is_prefix { 3 } else { 0 }..).unwrap_or(&[]);
    match name {
        [a, b, c, d, ..] => u32::from_le_bytes([*a, *b, *c, *d].map(ascii)),
        _ => DEFAULT_TAG,
    }
}

/// Returns the start of the service's name, ended by a null.
fn name_of(service: &[u16]) -> [CHAR; 32] {
    let mut name = [0; 32];
    for (place, character) in name.iter_mut().take(31).zip(service) {
        *place = ascii(*character).cast_signed();
    }
    name
}

/// Converts a character of a service's name to ASCII, or to a question mark.
fn ascii(character: u16) -> u8 {
    u8::try_from(character)
        .ok()
        .filter(u8::is_ascii)
        .unwrap_or(b'?')
}
