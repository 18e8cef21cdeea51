//! The state of one handle: its owner, its reach, its session buffer, its quota.

use core::sync::atomic::{AtomicU32, Ordering};

use ringcopy_protocol::{NtStatus, Reach};

use super::DeviceContext;
use crate::nt::{
    context::{Context, ContextType},
    process::{self, ProcessKey},
    session_pages::SessionPages,
    wdf::Request,
};

/// The greatest number of requests that one handle may have under way. Each may hold a bounce
/// buffer, so this limits the pool that a handle can occupy.
const REQUESTS_UNDER_WAY: u32 = 64;

/// The number of open handles.
static OPEN: AtomicU32 = AtomicU32::new(0);

/// One of the handles that the setting allows, until it is dropped.
struct OpenCount(());

impl OpenCount {
    fn add(maximum: u32) -> Result<Self, NtStatus> {
        let count = Self(());
        if OPEN.fetch_add(1, Ordering::Relaxed) < maximum {
            Ok(count)
        } else {
            Err(NtStatus::TOO_MANY_OPENED_FILES)
        }
    }
}

impl Drop for OpenCount {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The context of one handle.
pub struct FileContext {
    _open: OpenCount,
    owner: ProcessKey,
    /// Whether the opener held `SeDebugPrivilege`. Then the handle may know and name the addresses of
    /// its session buffer.
    pub privileged: bool,
    /// The memory that the opener may read in addition to its own and the session buffer.
    pub reach: Reach,
    /// The session buffer.
    pub session: SessionPages,
    under_way: AtomicU32,
}

impl Context for FileContext {
    fn context_type() -> &'static ContextType<Self> {
        static TYPE: ContextType<FileContext> = ContextType::new(c"RingCopyFile", &TYPE);
        &TYPE
    }
}

impl FileContext {
    /// Makes the context of a handle that is being opened, in its opener's process and thread.
    pub fn open(device: &DeviceContext, request: &Request) -> Result<Self, NtStatus> {
        let policy = device.settings.policy;
        let privileged = process::opener_holds_debug_privilege(request, policy);
        Ok(Self {
            _open: OpenCount::add(device.settings.maximum_handles)?,
            owner: ProcessKey::current(),
            privileged,
            reach: if privileged {
                policy & Reach::MEMORY
            } else {
                Reach::empty()
            },
            session: SessionPages::new(),
            under_way: AtomicU32::new(0),
        })
    }

    /// Checks that the current process opened the handle. A handle can be duplicated into another
    /// process, but carries the privileges of its opener.
    pub fn check_owner(&self) -> Result<(), NtStatus> {
        if self.owner == ProcessKey::current() {
            Ok(())
        } else {
            Err(NtStatus::ACCESS_DENIED)
        }
    }

    /// Counts a request as under way, until the returned value is dropped.
    pub fn enter(&self) -> Result<UnderWay<'_>, NtStatus> {
        let request = UnderWay(&self.under_way);
        if self.under_way.fetch_add(1, Ordering::Relaxed) < REQUESTS_UNDER_WAY {
            Ok(request)
        } else {
            Err(NtStatus::QUOTA_EXCEEDED)
        }
    }
}

/// A request that [`FileContext::enter`] counted.
pub struct UnderWay<'a>(&'a AtomicU32);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
