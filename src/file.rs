//! What belongs to one handle: its owner, what it may reach, its session buffer, its quota.

use core::sync::atomic::{AtomicU32, Ordering};

use ringcopy_protocol::{MAXIMUM_HANDLES, NtStatus, Reach, SESSION_LENGTH};
use wdk_sys::{WDFDEVICE, WDFFILEOBJECT, WDFREQUEST};

use crate::{
    device::DeviceContext,
    nt::{
        context::{Context, ContextType},
        contiguous::{Caching, ContiguousPages},
        process::{self, Process},
        wdf::{Device, FileObject, Request},
    },
};

/// Requests that one handle may have under way at a time. Each may hold a bounce buffer, so this
/// bounds the pool that a handle can tie up.
const REQUESTS_UNDER_WAY: u32 = 64;

/// Handles that are open.
static OPEN: AtomicU32 = AtomicU32::new(0);

/// One of the [`MAXIMUM_HANDLES`], until it is dropped. Each holds contiguous memory.
struct Place(());

impl Place {
    fn take() -> Result<Self, NtStatus> {
        let place = Self(());
        if OPEN.fetch_add(1, Ordering::Relaxed) < MAXIMUM_HANDLES {
            Ok(place)
        } else {
            Err(NtStatus::TOO_MANY_OPENED_FILES)
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The state of one open handle.
pub struct FileContext {
    _place: Place,
    owner: Process,
    /// What the opener may reach besides its own memory and the session buffer.
    pub reach: Reach,
    /// Nonpaged and physically contiguous, zeroed at open.
    pub session: ContiguousPages,
    under_way: AtomicU32,
}

impl Context for FileContext {
    fn context_type() -> &'static ContextType<Self> {
        static TYPE: ContextType<FileContext> = ContextType::new(c"RingCopyFile", &TYPE);
        &TYPE
    }
}

impl FileContext {
    fn open(device: &DeviceContext, request: &Request) -> Result<Self, NtStatus> {
        let policy = device.settings.policy;
        let privileged = process::opener_holds_debug_privilege(request, policy);
        let place = Place::take()?;
        let length = usize::try_from(SESSION_LENGTH).map_err(|_| NtStatus::NOT_SUPPORTED)?;
        Ok(Self {
            _place: place,
            owner: Process::current(),
            reach: if privileged {
                policy & Reach::MEMORY
            } else {
                Reach::empty()
            },
            session: ContiguousPages::allocate(length, Caching::Cached)?,
            under_way: AtomicU32::new(0),
        })
    }

    /// A handle can be duplicated into another process; it serves only the one that opened it,
    /// whose privileges it carries.
    pub fn check_owner(&self) -> Result<(), NtStatus> {
        if self.owner.is_current() {
            Ok(())
        } else {
            Err(NtStatus::ACCESS_DENIED)
        }
    }

    /// Takes one of the handle's places for requests, until the answer is dropped.
    pub fn enter(&self) -> Result<UnderWay<'_>, NtStatus> {
        let place = UnderWay(&self.under_way);
        if self.under_way.fetch_add(1, Ordering::Relaxed) < REQUESTS_UNDER_WAY {
            Ok(place)
        } else {
            Err(NtStatus::QUOTA_EXCEEDED)
        }
    }
}

/// A place taken by [`FileContext::enter`].
pub struct UnderWay<'a>(&'a AtomicU32);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs in the opener's process and thread. Whose privileges count, the request says.
pub extern "C" fn evt_device_file_create(
    device: WDFDEVICE,
    request: WDFREQUEST,
    file_object: WDFFILEOBJECT,
) {
    let request = Request::of_callback(request);
    let opened = Device::of_callback(device)
        .context::<DeviceContext>()
        .ok_or(NtStatus::UNSUCCESSFUL)
        .and_then(|device| FileContext::open(device, &request))
        .and_then(|file| FileObject::of_callback(file_object).set_context(file));
    request.complete(opened.map(|()| 0));
}
