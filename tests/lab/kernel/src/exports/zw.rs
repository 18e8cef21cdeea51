//! System services. Drivers call them in kernel mode, so nothing is probed, and no parameter may be a
//! user's: "Driver Verifier Security Checks", Windows driver documentation.

use alloc::string::String;

use super::ob::table_for;
use crate::bugcheck::rule_broken;
use crate::irql::{PASSIVE_LEVEL, require_at_most};
use crate::memory::layout;
use crate::nt::layout::{ObjectAttributes, Structure};
use crate::nt::strings;
use crate::object::handle::{self, Table};
use crate::object::{self, Kind, device, file, registry, security};
use crate::raw;
use nt_status::NtStatus;

/// `ZwClose` function (wdm.h). IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn ZwClose(value: u64) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "ZwClose");
    let Some(closed) = handle::remove(Table::Kernel, value) else {
        rule_broken!(
            CloseHandle,
            "ZwClose was given {value:#x}, which is no kernel handle"
        );
    };
    file::clean_up(closed.object);
    object::dereference(closed.object);
    NtStatus::SUCCESS
}

/// Ends the run if a parameter is a user's address.
pub(super) fn require_system(function: &str, parameters: &[u64]) {
    let mut given = parameters.iter().copied();
    if let Some(address) = given.find(|&at| at != 0 && layout::is_lower_half(at)) {
        rule_broken!(ZwAddress, "{function} was given the address {address:#x}");
    }
}

/// Ends the run if a parameter is a `UNICODE_STRING` with impossible members.
fn require_string(function: &str, string: u64) {
    require_system(function, &[string]);
    if string == 0 {
        return;
    }
    let [length, capacity] = raw::read::<[u16; 2]>(string);
    let buffer: u64 = raw::read(string + 8);
    let of_user = length > 0 && layout::is_lower_half(buffer);
    if length % 2 != 0 || capacity % 2 != 0 || capacity < length || of_user {
        rule_broken!(
            ZwString,
            "{function} was given a string of {length} bytes, at most {capacity}, at {buffer:#x}"
        );
    }
}

/// Ends the run if members of `OBJECT_ATTRIBUTES` are a user's.
pub(super) fn require_attributes(function: &str, attributes: ObjectAttributes) {
    require_system(function, &[attributes.0]);
    let name = attributes.get(ObjectAttributes::OBJECT_NAME);
    if name != 0 && layout::is_lower_half(name) {
        rule_broken!(
            ZwAttributes,
            "{function} was given attributes with a name at {name:#x}"
        );
    }
    require_string(function, name);
}

fn open_key(result: u64, access: u32, attributes: u64, make: bool, function: &str) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, function);
    let attributes = ObjectAttributes(attributes);
    require_system(function, &[result]);
    require_attributes(function, attributes);
    let name = strings::read(attributes.get(ObjectAttributes::OBJECT_NAME));
    let root = match attributes.get(ObjectAttributes::ROOT_DIRECTORY) {
        0 => None,
        value => match handle::find(Table::Kernel, value) {
            Some(found) => Some(found.object),
            None => return NtStatus::INVALID_HANDLE,
        },
    };
    let given = registry::open(root, &name, make).map(|key| {
        let table = table_for(attributes.get(ObjectAttributes::ATTRIBUTES), function);
        raw::write(result, handle::open(table, key, access));
    });
    given.err().unwrap_or(NtStatus::SUCCESS)
}

/// `ZwOpenKey` function (wdm.h). IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn ZwOpenKey(result: u64, access: u32, attributes: u64) -> NtStatus {
    open_key(result, access, attributes, false, "ZwOpenKey")
}

/// `ZwCreateKey` function (wdm.h): opens a key that exists. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn ZwCreateKey(
    result: u64,
    access: u32,
    attributes: u64,
    _title: u32,
    _class: u64,
    _options: u32,
    _disposition: u64,
) -> NtStatus {
    open_key(result, access, attributes, true, "ZwCreateKey")
}

/// `KeyValueFullInformation` and `KeyValuePartialInformation`.
const FULL: u32 = 1;
const PARTIAL: u32 = 2;

/// `ZwQueryValueKey` function (wdm.h): `STATUS_BUFFER_TOO_SMALL` if the fixed part does not fit;
/// `STATUS_BUFFER_OVERFLOW` if the rest does not, of which it copies as much as fits. The needed
/// length is written in all cases. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn ZwQueryValueKey(
    value: u64,
    name: u64,
    class: u32,
    buffer: u64,
    length: u32,
    needed: u64,
) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "ZwQueryValueKey");
    require_system("ZwQueryValueKey", &[buffer, needed]);
    require_string("ZwQueryValueKey", name);
    let Some(key) = handle::find(Table::Kernel, value) else {
        return NtStatus::INVALID_HANDLE;
    };
    if object::kind_of(key.object) != Some(Kind::Key) {
        return NtStatus::OBJECT_TYPE_MISMATCH;
    }
    let name: String = strings::read(name);
    let value = match registry::value(key.object, &name) {
        Ok(value) => value,
        Err(status) => return status,
    };
    let data_length = value.data.len() as u32;
    // The fixed part, and the offset of the data.
    let units = name.encode_utf16().count() as u32 * 2;
    let (fixed, at) = match class {
        FULL => (20, (20 + units).next_multiple_of(4)),
        PARTIAL => (12, 12),
        _ => return NtStatus::INVALID_PARAMETER,
    };
    let total = at + data_length;
    raw::write(needed, total);
    if length < fixed {
        return NtStatus::BUFFER_TOO_SMALL;
    }
    raw::write(buffer, 0_u32);
    raw::write(buffer + 4, value.kind);
    if class == FULL {
        raw::write(buffer + 8, at);
        raw::write(buffer + 12, data_length);
        raw::write(buffer + 16, units);
    } else {
        raw::write(buffer + 8, data_length);
    }
    let space = |offset: u32| length.saturating_sub(offset) as usize;
    if class == FULL {
        let name = name.encode_utf16().flat_map(u16::to_le_bytes);
        for (byte, offset) in name.take(space(fixed)).zip(fixed..) {
            raw::write(buffer + u64::from(offset), byte);
        }
    }
    for (byte, offset) in value.data.into_iter().take(space(at)).zip(at..) {
        raw::write(buffer + u64::from(offset), byte);
    }
    if length < total {
        NtStatus::BUFFER_OVERFLOW
    } else {
        NtStatus::SUCCESS
    }
}

/// `DACL_SECURITY_INFORMATION`.
const DACL: u32 = 4;

/// `ZwSetSecurityObject` function (ntifs.h), for the access control lists of devices. The handle
/// needs `WRITE_DAC`. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn ZwSetSecurityObject(
    value: u64,
    information: u32,
    descriptor: u64,
) -> NtStatus {
    const WRITE_DAC: u32 = 0x0004_0000;
    require_at_most(PASSIVE_LEVEL, "ZwSetSecurityObject");
    require_system("ZwSetSecurityObject", &[descriptor]);
    let Some(found) = handle::find(Table::Kernel, value) else {
        return NtStatus::INVALID_HANDLE;
    };
    if security::map_generic(found.access) & WRITE_DAC == 0 {
        return NtStatus::ACCESS_DENIED;
    }
    if information & DACL == 0 {
        return NtStatus::SUCCESS;
    }
    let set = security::read_list(descriptor).and_then(|list| device::set_list(found.object, list));
    set.err().unwrap_or(NtStatus::SUCCESS)
}
