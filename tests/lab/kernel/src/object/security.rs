//! Security descriptors, and the access check.
//!
//! Source: [MS-DTYP] sections 2.4.2 to 2.4.6 for the layouts and 2.5.3 for the check; of access
//! control entries, only "allowed" and "denied" ones are known here.

use alloc::{vec, vec::Vec};

use ringcopy_lab_mailbox::token;

use crate::raw;
use nt_status::NtStatus;

/// `SE_DACL_PRESENT`.
const DACL_PRESENT: u16 = 4;
/// `SE_SELF_RELATIVE`.
const SELF_RELATIVE: u16 = 0x8000;

const ACCESS_ALLOWED: u8 = 0;
const ACCESS_DENIED: u8 = 1;
const INHERIT_ONLY: u8 = 8;

const GENERIC_ALL: u32 = 0x1000_0000;
const GENERIC_EXECUTE: u32 = 0x2000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;
const GENERIC_READ: u32 = 0x8000_0000;

/// `FILE_ALL_ACCESS`, `FILE_GENERIC_READ` and so on: the specific rights of a device.
const FILE_ALL_ACCESS: u32 = 0x001F_01FF;
const FILE_GENERIC_READ: u32 = 0x0012_0089;
const FILE_GENERIC_WRITE: u32 = 0x0012_0116;
const FILE_GENERIC_EXECUTE: u32 = 0x0012_00A0;

/// A security identifier: its bytes.
type Sid = Vec<u8>;

#[derive(Clone, Debug)]
struct Entry {
    allowed: bool,
    access: u32,
    sid: Sid,
}

/// A discretionary access control list.
#[derive(Clone, Debug)]
pub(crate) struct AccessList(Vec<Entry>);

/// Replaces generic rights by specific ones.
pub(crate) const fn map_generic(access: u32) -> u32 {
    let mut mapped = access & 0x0FFF_FFFF;
    if access & GENERIC_ALL != 0 {
        mapped |= FILE_ALL_ACCESS;
    }
    if access & GENERIC_READ != 0 {
        mapped |= FILE_GENERIC_READ;
    }
    if access & GENERIC_WRITE != 0 {
        mapped |= FILE_GENERIC_WRITE;
    }
    if access & GENERIC_EXECUTE != 0 {
        mapped |= FILE_GENERIC_EXECUTE;
    }
    mapped
}

/// Reads the list of a security descriptor in memory, absolute or self-relative. `Ok(None)`: the
/// descriptor has no list, which allows all access.
pub(crate) fn read_list(descriptor: u64) -> Result<Option<AccessList>, NtStatus> {
    let (revision, control): (u8, u16) = (raw::read(descriptor), raw::read(descriptor + 2));
    if revision != 1 {
        return Err(NtStatus::INVALID_SECURITY_DESCR);
    }
    if control & DACL_PRESENT == 0 {
        return Ok(None);
    }
    let list = if control & SELF_RELATIVE == 0 {
        raw::read(descriptor + 0x20)
    } else {
        match raw::read::<u32>(descriptor + 0x10) {
            0 => 0,
            offset => descriptor + u64::from(offset),
        }
    };
    if list == 0 {
        return Ok(None);
    }
    read_entries(list).map(|entries| Some(AccessList(entries)))
}

fn read_entries(list: u64) -> Result<Vec<Entry>, NtStatus> {
    let (revision, size, count): (u8, u16, u16) =
        (raw::read(list), raw::read(list + 2), raw::read(list + 4));
    if !(2..=4).contains(&revision) {
        return Err(NtStatus::INVALID_ACL);
    }
    let end = list + u64::from(size);
    let mut entries = Vec::new();
    let mut at = list + 8;
    for _ in 0..count {
        if at + 16 > end {
            return Err(NtStatus::INVALID_ACL);
        }
        let (kind, flags, length): (u8, u8, u16) =
            (raw::read(at), raw::read(at + 1), raw::read(at + 2));
        let sid = read_sid(at + 8)?;
        if u64::from(length) < 8 + sid.len() as u64 || at + u64::from(length) > end {
            return Err(NtStatus::INVALID_ACL);
        }
        if flags & INHERIT_ONLY == 0 {
            entries.push(Entry {
                allowed: match kind {
                    ACCESS_ALLOWED => true,
                    ACCESS_DENIED => false,
                    _ => return Err(NtStatus::INVALID_ACL),
                },
                access: map_generic(raw::read(at + 4)),
                sid,
            });
        }
        at += u64::from(length);
    }
    Ok(entries)
}

/// Returns the bytes of the identifier at an address.
pub(crate) fn sid_length(sid: u64) -> u64 {
    8 + 4 * u64::from(raw::read::<u8>(sid + 1))
}

fn read_sid(sid: u64) -> Result<Sid, NtStatus> {
    let (revision, count): (u8, u8) = (raw::read(sid), raw::read(sid + 1));
    if revision != 1 || count > 15 {
        return Err(NtStatus::INVALID_SID);
    }
    let mut bytes = vec![0; sid_length(sid) as usize];
    raw::copy_out(sid, &mut bytes);
    Ok(bytes)
}

/// Makes an identifier from its authority and sub-authorities.
pub(crate) fn sid(authority: u8, parts: &[u32]) -> Sid {
    let mut bytes = vec![1, parts.len() as u8, 0, 0, 0, 0, 0, authority];
    for part in parts {
        bytes.extend(part.to_le_bytes());
    }
    bytes
}

/// The well-known identifiers that the lab's tokens can hold.
pub(crate) mod well_known {
    pub(crate) const WORLD: (u8, &[u32]) = (1, &[0]);
    pub(crate) const AUTHENTICATED_USERS: (u8, &[u32]) = (5, &[11]);
    pub(crate) const SYSTEM: (u8, &[u32]) = (5, &[18]);
    pub(crate) const ADMINISTRATORS: (u8, &[u32]) = (5, &[32, 544]);
    pub(crate) const USERS: (u8, &[u32]) = (5, &[32, 545]);
    /// The only user account of this machine.
    pub(super) const ACCOUNT: (u8, &[u32]) = (5, &[21, 1, 2, 3, 1001]);
}

/// Returns the identifiers of a token.
fn sids_of(bits: u64) -> Vec<Sid> {
    let mut held = vec![well_known::WORLD, well_known::AUTHENTICATED_USERS];
    if bits & token::SYSTEM != 0 {
        // SYSTEM's token holds Administrators as well.
        held.extend([well_known::SYSTEM, well_known::ADMINISTRATORS]);
    } else {
        held.extend([well_known::ACCOUNT, well_known::USERS]);
        if bits & token::ADMINISTRATORS != 0 {
            held.push(well_known::ADMINISTRATORS);
        }
    }
    held.iter()
        .map(|&(authority, parts)| sid(authority, parts))
        .collect()
}

/// Checks whether a token gets all of the desired access, and returns the granted access.
pub(crate) fn check(list: Option<&AccessList>, token: u64, desired: u32) -> Result<u32, NtStatus> {
    let desired = map_generic(desired);
    let Some(AccessList(entries)) = list else {
        return Ok(desired);
    };
    let held = sids_of(token);
    let mut missing = desired;
    for entry in entries.iter().filter(|entry| held.contains(&entry.sid)) {
        if entry.allowed {
            missing &= !entry.access;
        } else if missing & entry.access != 0 {
            return Err(NtStatus::ACCESS_DENIED);
        }
    }
    if missing == 0 {
        Ok(desired)
    } else {
        Err(NtStatus::ACCESS_DENIED)
    }
}
