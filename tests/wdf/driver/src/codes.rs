//! The bits of the driver's behaviour and the codes of its requests. Its tests include this file.

// Bits of the value `Behaviour` under the service's `Parameters` key.

/// `EvtDevicePrepareHardware` fails.
pub const PREPARE_FAILS: u32 = 1;
/// `EvtDeviceD0Entry` fails.
pub const D0_ENTRY_FAILS: u32 = 2;
/// `EvtDeviceD0EntryPostInterruptsEnabled` fails.
pub const POST_INTERRUPTS_FAILS: u32 = 4;
/// `EvtDeviceSelfManagedIoInit` fails.
pub const SELF_MANAGED_IO_FAILS: u32 = 8;
/// The driver refuses to be stopped, or to be removed.
pub const QUERIES_FAIL: u32 = 16;
/// `EvtDriverDeviceAdd` fails after it has made the device.
pub const ADD_FAILS: u32 = 32;
/// The device has the synchronization scope of a device.
pub const DEVICE_SCOPE: u32 = 64;
/// The device's callbacks run at passive level.
pub const PASSIVE: u32 = 128;
/// The driver is a filter.
pub const FILTER: u32 = 256;
/// The target that the driver opens has callbacks, which do what the framework does without them.
pub const TARGET_CALLBACKS: u32 = 512;

/// Returns a device control code without access bits.
const fn code(number: u32, method: u32) -> u32 {
    0x0022_2000 + 4 * number + method
}

const BUFFERED: u32 = 0;
const NEITHER: u32 = 3;

// Requests that end in one way each. A code that is not here ends with `STATUS_NOT_SUPPORTED`.

/// Succeeds at once, at `PASSIVE_LEVEL`; fails with `STATUS_INVALID_LEVEL` at another.
pub const LEVEL: u32 = code(0, BUFFERED);
/// A timer ends it after 100 ms.
pub const TIMER: u32 = code(1, BUFFERED);
/// A work item ends it.
pub const WORK_ITEM: u32 = code(2, BUFFERED);
/// A deferred procedure call ends it.
pub const DPC: u32 = code(3, BUFFERED);
/// The driver keeps it until it is cancelled.
pub const KEEP: u32 = code(4, BUFFERED);
/// It waits in a manual queue.
pub const MANUAL: u32 = code(5, BUFFERED);
/// Ends the request that waits there.
pub const RETRIEVE: u32 = code(6, BUFFERED);
/// Goes to the device below. The completion routine ends it, with the status of that.
pub const SEND: u32 = code(7, BUFFERED);
/// Goes to the device below. The driver waits for it, and ends it with the status of that.
pub const SEND_AND_WAIT: u32 = code(8, BUFFERED);
/// Goes to the device below, which ends it.
pub const SEND_AND_FORGET: u32 = code(9, BUFFERED);
/// As [`LEVEL`], after the driver has sent its packet to its own device again, without a file.
pub const WITHOUT_FILE: u32 = code(10, BUFFERED);
/// Gets the property of the device whose number is in the input, by a buffer.
pub const PROPERTY: u32 = code(11, BUFFERED);
/// The same, by memory of the framework.
pub const ALLOCATED_PROPERTY: u32 = code(12, BUFFERED);

/// As [`LEVEL`], for a thread that can't be suspended.
pub const CRITICAL_REGION: u32 = code(13, BUFFERED);
/// Its output is its input, backwards.
pub const REVERSE: u32 = code(14, BUFFERED);

// What the driver does with a target of its own, which is the driver's device: opened by the name of its
// interface, and kept open from one request to another.

pub const OPEN_TARGET: u32 = code(0x80, BUFFERED);
pub const CLOSE_TARGET: u32 = code(0x81, BUFFERED);
/// Closes it, and opens it again.
pub const REOPEN_TARGET: u32 = code(0x82, BUFFERED);
/// Succeeds, with the state as its information. Has 8 bytes of output.
pub const TARGET_STATE: u32 = code(0x83, BUFFERED);
/// Sends [`LEVEL`], and waits.
pub const TARGET_LEVEL: u32 = code(0x84, BUFFERED);
/// Sends [`REVERSE`] with each kind of buffer, and waits.
pub const TARGET_REVERSE: u32 = code(0x85, BUFFERED);
/// Writes and reads, and waits.
pub const TARGET_TRANSFER: u32 = code(0x86, BUFFERED);
/// Sends [`REVERSE`] in a request of the driver's. The completion routine ends it.
pub const TARGET_LATER: u32 = code(0x87, BUFFERED);
/// Sends [`KEEP`] in a request of the driver's, cancels that, sends [`LEVEL`] in it, and waits.
pub const TARGET_CANCEL: u32 = code(0x88, BUFFERED);
/// Sends [`KEEP`], and waits for 100 ms.
pub const TARGET_LIMIT: u32 = code(0x89, BUFFERED);
/// As [`TARGET_LIMIT`], with a completion routine.
pub const TARGET_LIMIT_LATER: u32 = code(0x8A, BUFFERED);
/// Sends [`KEEP`] in a request of the driver's. The completion routine ends it.
pub const TARGET_KEEP: u32 = code(0x8B, BUFFERED);
/// Opens the device below as a device that exists, and sends [`LEVEL`] there.
pub const EXISTING_DEVICE: u32 = code(0x8C, BUFFERED);
/// Opens a target by an empty name.
pub const EMPTY_NAME: u32 = code(0x8D, BUFFERED);
/// Formats a request for the target with more bytes than its buffer has.
pub const TOO_MANY_BYTES: u32 = code(0x8E, BUFFERED);
/// Formats the request itself for the target, which has more devices than its packet has locations.
pub const FEW_LOCATIONS: u32 = code(0x8F, BUFFERED);
/// Sends a request of the driver's, and forgets it.
pub const FORGOTTEN: u32 = code(0x90, BUFFERED);

// What the framework refuses or accepts. The status of the case is that of the request.

/// A queue that is not the default one, and whose handle is not taken.
pub const QUEUE_WITHOUT_HANDLE: u32 = code(0x100, BUFFERED);
pub const MANUAL_QUEUE_WITH_HANDLER: u32 = code(0x101, BUFFERED);
/// A default queue of a device that is started.
pub const LATE_DEFAULT_QUEUE: u32 = code(0x102, BUFFERED);
/// A parallel queue that presents no request.
pub const PARALLEL_QUEUE_FOR_NONE: u32 = code(0x103, BUFFERED);
/// A memory object without a synchronization scope.
pub const SCOPE_OF_MEMORY: u32 = code(0x104, BUFFERED);
/// A request that is completed with a status of the framework's own.
pub const FRAMEWORK_STATUS: u32 = code(0x105, BUFFERED);
/// Input and output in one system buffer have one list.
pub const LISTS_OF_ONE_BUFFER: u32 = code(0x106, BUFFERED);
pub const EMPTY_LINK: u32 = code(0x107, BUFFERED);
pub const CONTROL_DEVICE_WITHOUT_SDDL: u32 = code(0x108, BUFFERED);
/// `FILE_DEVICE_SECURE_OPEN` stays.
pub const CHARACTERISTICS: u32 = code(0x109, BUFFERED);
/// `WdfDriverCreate` with flags that do not exist.
pub const UNKNOWN_FLAGS: u32 = code(0x10A, BUFFERED);
/// A request that no queue has seen.
pub const CANCELABLE_WITHOUT_QUEUE: u32 = code(0x10B, BUFFERED);
/// A buffer of no bytes.
pub const NEITHER_OF_NOTHING: u32 = code(0x10C, NEITHER);
/// A second symbolic link of a device.
pub const SECOND_LINK: u32 = code(0x10D, BUFFERED);
/// A collection has what was added and not removed, in order, and keeps what is deleted meanwhile.
pub const COLLECTION: u32 = code(0x10E, BUFFERED);
/// A control device has no property.
pub const PROPERTY_OF_CONTROL_DEVICE: u32 = code(0x110, BUFFERED);
/// Two functions that the stand-in lacks.
pub const MISSING_FUNCTIONS: u32 = code(0x10F, BUFFERED);
