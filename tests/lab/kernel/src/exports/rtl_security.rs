//! The run-time library's functions for security descriptors.
//!
//! Layouts: [MS-DTYP] sections 2.4.2 to 2.4.6; the absolute form of a descriptor is that of
//! `wdm.h`.

use crate::object::security::sid_length;
use crate::raw;
use nt_status::NtStatus;

const REVISION: u8 = 1;
const DACL_PRESENT: u16 = 4;
const DACL_DEFAULTED: u16 = 8;
const DESCRIPTOR_SIZE: u64 = 40;
const ACL_HEADER: u64 = 8;
const ACE_HEADER: u64 = 8;

/// `RtlCreateSecurityDescriptor` function (wdm.h): absolute, empty.
pub(super) extern "win64" fn RtlCreateSecurityDescriptor(
    descriptor: u64,
    revision: u32,
) -> NtStatus {
    if revision != u32::from(REVISION) {
        return NtStatus::REVISION_MISMATCH;
    }
    raw::fill(descriptor, 0, DESCRIPTOR_SIZE);
    raw::write(descriptor, REVISION);
    NtStatus::SUCCESS
}

/// `RtlSetDaclSecurityDescriptor` function (wdm.h).
pub(super) extern "win64" fn RtlSetDaclSecurityDescriptor(
    descriptor: u64,
    present: u8,
    list: u64,
    defaulted: u8,
) -> NtStatus {
    if raw::read::<u8>(descriptor) != REVISION {
        return NtStatus::INVALID_SECURITY_DESCR;
    }
    let mut control: u16 = raw::read(descriptor + 2);
    control &= !(DACL_PRESENT | DACL_DEFAULTED);
    if present != 0 {
        control |= DACL_PRESENT;
        raw::write(descriptor + 0x20, list);
        if defaulted != 0 {
            control |= DACL_DEFAULTED;
        }
    }
    raw::write(descriptor + 2, control);
    NtStatus::SUCCESS
}

/// `RtlCreateAcl` function (ntifs.h): an empty list of the size given.
pub(super) extern "win64" fn RtlCreateAcl(list: u64, length: u32, revision: u32) -> NtStatus {
    if u64::from(length) < ACL_HEADER || length > 0xFFFC {
        return NtStatus::BUFFER_TOO_SMALL;
    }
    if !(2..=4).contains(&revision) {
        return NtStatus::INVALID_PARAMETER;
    }
    raw::fill(list, 0, ACL_HEADER);
    raw::write(list, revision as u8);
    raw::write(list + 2, length as u16);
    NtStatus::SUCCESS
}

/// `RtlAddAccessAllowedAce` function (ntifs.h): after the existing entries;
/// `STATUS_ALLOTTED_SPACE_EXCEEDED` if the list has no space.
pub(super) extern "win64" fn RtlAddAccessAllowedAce(
    list: u64,
    _revision: u32,
    access: u32,
    sid: u64,
) -> NtStatus {
    if RtlValidSid(sid) == 0 {
        return NtStatus::INVALID_SID;
    }
    let (size, count): (u16, u16) = (raw::read(list + 2), raw::read(list + 4));
    let mut at = list + ACL_HEADER;
    for _ in 0..count {
        at += u64::from(raw::read::<u16>(at + 2));
    }
    let length = ACE_HEADER + sid_length(sid);
    if at + length > list + u64::from(size) {
        return NtStatus::ALLOTTED_SPACE_EXCEEDED;
    }
    // ACCESS_ALLOWED_ACE_TYPE, no flags.
    raw::write(at, [0_u8, 0]);
    raw::write(at + 2, length as u16);
    raw::write(at + 4, access);
    raw::copy(sid, at + ACE_HEADER, sid_length(sid));
    raw::write(list + 4, count + 1);
    NtStatus::SUCCESS
}

/// `RtlLengthSid` function (ntifs.h).
pub(super) extern "win64" fn RtlLengthSid(sid: u64) -> u32 {
    sid_length(sid) as u32
}

/// `RtlLengthRequiredSid` function (ntifs.h).
pub(super) const extern "win64" fn RtlLengthRequiredSid(parts: u32) -> u32 {
    8 + 4 * parts
}

/// `RtlInitializeSid` function (ntifs.h): the authority is six bytes; sub-authorities follow.
pub(super) extern "win64" fn RtlInitializeSid(sid: u64, authority: u64, parts: u8) -> NtStatus {
    if parts > 15 {
        return NtStatus::INVALID_PARAMETER;
    }
    raw::write(sid, [1_u8, parts]);
    raw::copy(authority, sid + 2, 6);
    NtStatus::SUCCESS
}

/// `RtlSubAuthoritySid` function (ntifs.h): the address of a sub-authority.
pub(super) const extern "win64" fn RtlSubAuthoritySid(sid: u64, part: u32) -> u64 {
    sid + 8 + 4 * part as u64
}

/// `RtlValidSid` function (ntifs.h).
pub(super) extern "win64" fn RtlValidSid(sid: u64) -> u8 {
    u8::from(raw::read::<u8>(sid) == 1 && raw::read::<u8>(sid + 1) <= 15)
}
