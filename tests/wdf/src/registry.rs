//! WDFKEY: an open key of the registry.

use crate::{
    call::Call,
    driver::Driver,
    nt::{
        pool,
        text::{Text, wide},
    },
    object::{Class, Kind, Ref, attributes::Attributes},
    status::check,
};
use core::{
    mem::offset_of,
    ptr::{NonNull, null_mut},
};
use wdk_sys::{
    ACCESS_MASK, HANDLE, KEY_VALUE_PARTIAL_INFORMATION, NTSTATUS, OBJ_CASE_INSENSITIVE,
    OBJ_KERNEL_HANDLE, OBJECT_ATTRIBUTES, PCUNICODE_STRING, PULONG, PVOID, PWDF_OBJECT_ATTRIBUTES,
    STATUS_BUFFER_OVERFLOW, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_PARAMETER,
    STATUS_SUCCESS, ULONG, UNICODE_STRING, WDFDRIVER, WDFKEY, ntddk,
};

/// `KeyValuePartialInformation` of `KEY_VALUE_INFORMATION_CLASS`.
const PARTIAL_INFORMATION: i32 = 2;

/// Sizes as the kernel takes them.
const ATTRIBUTES_SIZE: ULONG = 48;
const HEADER_SIZE: ULONG = 12;
const ULONG_SIZE: ULONG = 4;

const _: () = {
    assert!(ATTRIBUTES_SIZE as usize == size_of::<OBJECT_ATTRIBUTES>());
    assert!(HEADER_SIZE as usize == DATA);
};

/// Where the data of a value begins.
const DATA: usize = offset_of!(KEY_VALUE_PARTIAL_INFORMATION, Data);

/// An open key.
struct Key(HANDLE);

impl Class for Key {
    const KIND: Kind = Kind::Key;

    fn dispose(this: Ref<Self>) {
        // SAFETY: the handle is the object's, and is closed once.
        let _ = unsafe { ntddk::ZwClose(this.0) };
    }
}

/// Opens a key, and creates it if it does not exist and `create` says so.
fn open(
    parent: HANDLE,
    mut name: UNICODE_STRING,
    access: ACCESS_MASK,
    create: bool,
) -> Result<HANDLE, NTSTATUS> {
    let mut attributes = OBJECT_ATTRIBUTES {
        Length: ATTRIBUTES_SIZE,
        RootDirectory: parent,
        ObjectName: &raw mut name,
        Attributes: OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
        SecurityDescriptor: null_mut(),
        SecurityQualityOfService: null_mut(),
    };
    let mut handle = null_mut();
    let (key, attributes) = (&raw mut handle, &raw mut attributes);
    check(if create {
        // SAFETY: locals that outlive the call; the name describes memory that does too. No class,
        // no options, and no disposition.
        unsafe { ntddk::ZwCreateKey(key, access, attributes, 0, null_mut(), 0, null_mut()) }
    } else {
        // SAFETY: as above.
        unsafe { ntddk::ZwOpenKey(key, access, attributes) }
    })?;
    Ok(handle)
}

/// Makes the object for an open key, or closes the key on failure.
fn make_key(call: &Call, attributes: &Attributes, handle: HANDLE) -> Result<Ref<Key>, NTSTATUS> {
    call.create(attributes, Key(handle)).inspect_err(|_| {
        // SAFETY: opened by the caller, and known to nothing else.
        let _ = unsafe { ntddk::ZwClose(handle) };
    })
}

/// `WdfDriverOpenParametersRegistryKey`: the key `Parameters` below the driver's service, which is
/// created if it does not exist. Statuses are `ZwCreateKey`'s, and those of object creation.
pub(crate) fn open_parameters_key(
    call: &Call,
    driver: WDFDRIVER,
    access: ACCESS_MASK,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    key: *mut WDFKEY,
) -> NTSTATUS {
    call.require_passive();
    let driver = call.object::<Driver>(driver);
    call.deliver(key, || {
        let attributes = call.attributes(attributes)?;
        let service = driver.client();
        let path = Text::concatenate(service.registry_path().as_slice(), &wide(b"\\Parameters"))?;
        let handle = open(null_mut(), path.descriptor(), access, true)?;
        make_key(call, &attributes, handle)
    })
}

/// `WdfRegistryOpenKey`. Statuses are `ZwOpenKey`'s, and those of object creation.
pub(crate) fn open_key(
    call: &Call,
    parent: WDFKEY,
    name: PCUNICODE_STRING,
    access: ACCESS_MASK,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    key: *mut WDFKEY,
) -> NTSTATUS {
    call.require_passive();
    let parent = if parent.is_null() {
        null_mut()
    } else {
        call.object::<Key>(parent).0
    };
    call.deliver(key, || {
        let attributes = call.attributes(attributes)?;
        let name = Text::new(call.text(name)?)?;
        let handle = open(parent, name.descriptor(), access, false)?;
        make_key(call, &attributes, handle)
    })
}

/// `WdfRegistryClose`.
pub(crate) fn close(call: &Call, key: WDFKEY) {
    call.require_passive();
    call.object::<Key>(key).any().delete();
}

/// A value of a key.
struct Value {
    status: NTSTATUS,
    kind: ULONG,
    /// Bytes of the data, of which `block` may have only the first ones.
    length: ULONG,
    block: Block,
}

/// A zeroed block of pool.
struct Block(NonNull<u8>);

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated by `query` for this alone.
        unsafe { pool::free(self.0.cast(), pool::TAG) };
    }
}

/// Reads a value and at most `capacity` bytes of its data.
///
/// What `ZwQueryValueKey` returns, except `STATUS_BUFFER_OVERFLOW`, which is in the result;
/// `STATUS_INVALID_PARAMETER` if `capacity` is too large; `STATUS_INSUFFICIENT_RESOURCES`.
fn query(
    call: &Call,
    key: WDFKEY,
    name: PCUNICODE_STRING,
    capacity: ULONG,
) -> Result<Value, NTSTATUS> {
    let key = call.object::<Key>(key);
    let name = Text::new(call.text(name)?)?;
    let size = HEADER_SIZE
        .checked_add(capacity)
        .ok_or(STATUS_INVALID_PARAMETER)?;
    let allocated = (size as usize).max(size_of::<KEY_VALUE_PARTIAL_INFORMATION>());
    let block = pool::allocate_zeroed(allocated).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
    let block = Block(block.cast());
    let mut name = name.descriptor();
    let mut needed = 0;
    // SAFETY: an open key, a name that outlives the call, and a block of at least this size.
    let status = unsafe {
        ntddk::ZwQueryValueKey(
            key.0,
            &raw mut name,
            PARTIAL_INFORMATION,
            block.0.as_ptr().cast(),
            size,
            &raw mut needed,
        )
    };
    if status != STATUS_SUCCESS && status != STATUS_BUFFER_OVERFLOW {
        return Err(status);
    }
    let information = block.0.cast::<KEY_VALUE_PARTIAL_INFORMATION>();
    // SAFETY: the block is large enough, aligned as pool is, and any bits make numbers.
    let information = unsafe { information.read() };
    Ok(Value {
        status,
        kind: information.Type,
        length: information.DataLength,
        block,
    })
}

/// `WdfRegistryQueryValue`.
///
/// `STATUS_BUFFER_OVERFLOW` if the data is longer than the buffer, which then has the beginning;
/// `STATUS_OBJECT_NAME_NOT_FOUND`; what else `ZwQueryValueKey` returns.
pub(crate) fn query_value(
    call: &Call,
    key: WDFKEY,
    name: PCUNICODE_STRING,
    length: ULONG,
    value: PVOID,
    length_queried: PULONG,
    value_type: PULONG,
) -> NTSTATUS {
    call.require_passive();
    let capacity = if value.is_null() { 0 } else { length };
    match query(call, key, name, capacity) {
        Ok(found) => {
            call.write_optional(length_queried, found.length);
            call.write_optional(value_type, found.kind);
            let copied = found.length.min(capacity) as usize;
            if copied != 0 {
                let data = found.block.0.as_ptr().wrapping_add(DATA);
                // SAFETY: the block has this much data; the driver promises that its buffer
                // holds it.
                unsafe { value.cast::<u8>().copy_from(data, copied) };
            }
            found.status
        }
        Err(status) => status,
    }
}

/// The bytes that the genuine framework's stack may have after a value that is shorter than a
/// number. All bits set is the worst value of a setting.
const LEFT_ON_THE_STACK: [u8; ULONG_SIZE as usize] = [0xFF; ULONG_SIZE as usize];

/// `WdfRegistryQueryULong`.
///
/// It does what a free build of the genuine framework does, although the documentation promises
/// `STATUS_OBJECT_TYPE_MISMATCH`: it ignores the type, and a short value is filled with bytes of
/// the stack. `STATUS_OBJECT_NAME_NOT_FOUND`; `STATUS_BUFFER_OVERFLOW` for a longer value; what
/// else `ZwQueryValueKey` returns.
pub(crate) fn query_ulong(
    call: &Call,
    key: WDFKEY,
    name: PCUNICODE_STRING,
    value: PULONG,
) -> NTSTATUS {
    call.require_passive();
    call.require(value);
    match query(call, key, name, ULONG_SIZE) {
        Ok(found) if found.status == STATUS_SUCCESS => {
            let data = found.block.0.as_ptr().wrapping_add(DATA);
            // SAFETY: the block holds this much data; any bits make a number.
            let data = unsafe { data.cast::<[u8; ULONG_SIZE as usize]>().read() };
            let mut number = LEFT_ON_THE_STACK;
            let given = data.iter().take(found.length as usize);
            for (place, byte) in number.iter_mut().zip(given) {
                *place = *byte;
            }
            call.write(value, ULONG::from_le_bytes(number));
            STATUS_SUCCESS
        }
        Ok(found) => found.status,
        Err(status) => status,
    }
}
