//! The driver's events, one function each.
//!
//! `ringcopy trace` collects them; so does any other tool for Event Tracing for Windows. An event is
//! built only if a session listens at its level, and otherwise costs a comparison.
//!
//! Members of Performance Log Users may listen, who may not open the device. So an event holds
//! statuses, counts, lengths, kinds, names that are constants of the driver, and user and physical
//! addresses. It holds no byte of memory, and no system address: see [`shown`].
//!
//! IRQL: any, as for `EtwWriteTransfer`; the arguments of an event are on the stack.

use mm_copy::Transfer;
use ringcopy_protocol::{Code, CopyResult, Direction, EngineKind, NtStatus, Reach, RequestKind};
use tracelogging::write_event;
use usermode_accessors::probe;

use crate::nt::{
    trace::{provider, register, unregister},
    wdf::Request,
};

/// What an event has in place of a system address, and of one that is not known.
const NOT_SHOWN: u64 = u64::MAX;

/// Writes an event, and drops the status: nobody can do anything about a lost event.
macro_rules! event {
    ($($argument:tt)*) => {{
        let provider = provider();
        let _status = write_event!(provider, $($argument)*);
    }};
}

/// Registers the provider. [`unloaded`] or [`not_loaded`] has to follow.
pub fn start() {
    register();
}

/// The settings, and whether the native engine is available.
pub fn settings(
    policy: Reach,
    engine: EngineKind,
    native_under_hypervisor: bool,
    native: NtStatus,
) {
    event!(
        "Settings",
        level(Informational),
        u32_hex("Policy", &policy.bits()),
        str8("Engine", engine_name(engine)),
        bool8("NativeUnderHypervisor", &native_under_hypervisor),
        win_ntstatus("NativeStatus", &native.as_raw()),
    );
}

/// A setting that is no `REG_DWORD`. `name` is a constant.
#[cold]
pub fn setting_ignored(name: &'static str, status: NtStatus) {
    event!(
        "SettingIgnored",
        level(Warning),
        str8("Name", name),
        win_ntstatus("Status", &status.as_raw()),
    );
}

/// The driver was loaded.
pub fn loaded() {
    event!(
        "Loaded",
        level(Informational),
        str8("Version", env!("CARGO_PKG_VERSION")),
    );
}

/// The driver was not loaded. The last event: unregisters the provider.
pub fn not_loaded(status: NtStatus) {
    event!(
        "NotLoaded",
        level(Error),
        win_ntstatus("Status", &status.as_raw()),
    );
    unregister();
}

/// The driver is being unloaded. The last event: unregisters the provider.
pub fn unloaded() {
    event!("Unloaded", level(Informational));
    unregister();
}

/// A handle was opened. `privileged`: its opener held `SeDebugPrivilege`.
pub fn opened(privileged: bool, reach: Reach) {
    event!(
        "Opened",
        level(Informational),
        bool8("Privileged", &privileged),
        u32_hex("Reach", &reach.bits()),
    );
}

/// An open failed in the driver.
#[cold]
pub fn open_refused(status: NtStatus) {
    event!(
        "OpenRefused",
        level(Warning),
        win_ntstatus("Status", &status.as_raw()),
    );
}

/// A request was refused as a whole. `Code` is its control code, or 0.
#[cold]
pub fn request_refused(request: &Request, status: NtStatus) {
    event!(
        "RequestRefused",
        level(Warning),
        u32_hex("Code", &code_of(request)),
        str8(
            "Request",
            Code::from_value(code_of(request)).map_or("", |code| code.name)
        ),
        win_ntstatus("Status", &status.as_raw()),
    );
}

fn code_of(request: &Request) -> u32 {
    request.control().map_or(0, |control| control.code)
}

/// A source was out of reach, by policy or for want of the privilege.
#[cold]
pub fn out_of_reach(kind: RequestKind, required: Reach, length: usize, status: NtStatus) {
    event!(
        "OutOfReach",
        level(Warning),
        str8("Request", kind.name()),
        u32_hex("Required", &required.bits()),
        u64("Length", &(length as u64)),
        win_ntstatus("Status", &status.as_raw()),
    );
}

/// The native engine met memory that only the system's may read, which went on.
#[cold]
pub fn fell_back(length: usize, native: &Transfer, whole: &Transfer) {
    event!(
        "FellBack",
        level(Verbose),
        win_ntstatus("NativeStatus", &native.status.as_raw()),
        u64("Length", &(length as u64)),
        u64("CopiedByNative", &(native.transferred as u64)),
        u64("Copied", &(whole.transferred as u64)),
    );
}

/// A copy ended. An event only if it stopped early: a fault, a hole, or a refusal.
#[inline]
pub fn copied(kind: RequestKind, length: u64, result: &CopyResult) {
    if result.status() != NtStatus::SUCCESS {
        copy_stopped(kind, length, result);
    }
}

#[cold]
fn copy_stopped(kind: RequestKind, length: u64, result: &CopyResult) {
    event!(
        "CopyStopped",
        level(Verbose),
        str8("Request", kind.name()),
        win_ntstatus("Status", &result.status().as_raw()),
        u64("Length", &length),
        u64("Copied", &result.copied),
        u64_hex("Address", &result.stop_address().map_or(NOT_SHOWN, shown)),
        str8("Direction", direction_name(result.direction())),
        str8(
            "Engine",
            EngineKind::from_wire(result.engine).map_or("", engine_name)
        ),
    );
}

const fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::None => "none",
        Direction::Read => "read",
        Direction::Write => "write",
    }
}

/// `auto` is the engine of a copy that none began, and the setting that leaves the choice.
const fn engine_name(engine: EngineKind) -> &'static str {
    match engine {
        EngineKind::Auto => "auto",
        EngineKind::Native => "native",
        EngineKind::System => "system",
    }
}

/// Returns an address as an event may hold it: a system address would tell a listener where the kernel
/// is. A physical address above the user limit, where no RAM is, is not shown either.
fn shown(address: u64) -> u64 {
    if address < probe::user_limit() as u64 {
        address
    } else {
        NOT_SHOWN
    }
}
