//! Security reference monitor.

use alloc::vec::Vec;

use ringcopy_lab_mailbox::token;

use crate::bugcheck::violation;
use crate::global::Global;
use crate::io::KERNEL_MODE;
use crate::irql::{PASSIVE_LEVEL, require_at_most};
use crate::nt::layout::{PrivilegeSet, Structure, SubjectContext};
use crate::object::{process, security};
use crate::{pool, raw};

/// `SE_DEBUG_PRIVILEGE`, the low part of its LUID.
const DEBUG_PRIVILEGE: u64 = 20;

/// `SeSinglePrivilegeCheck` function (ntddk.h): whether the privilege is enabled in the current
/// thread's token; always for `KernelMode`. The LUID is passed by value. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn SeSinglePrivilegeCheck(privilege: u64, mode: u8) -> u8 {
    require_at_most(PASSIVE_LEVEL, "SeSinglePrivilegeCheck");
    if mode == KERNEL_MODE {
        return 1;
    }
    let held = process::current_token() & token::DEBUG_PRIVILEGE != 0;
    u8::from(held && privilege == DEBUG_PRIVILEGE)
}

/// `SePrivilegeCheck` function (ntifs.h), for one privilege: whether it is enabled in the client's
/// token, or without a client in the primary token; always for `KernelMode`. IRQL =
/// `PASSIVE_LEVEL`.
pub(super) extern "win64" fn SePrivilegeCheck(required: u64, subject: u64, mode: u8) -> u8 {
    require_at_most(PASSIVE_LEVEL, "SePrivilegeCheck");
    if mode == KERNEL_MODE {
        return 1;
    }
    let (required, subject) = (PrivilegeSet(required), SubjectContext(subject));
    if required.get(PrivilegeSet::COUNT) != 1 {
        violation!("SePrivilegeCheck for other than one privilege is not supported by the lab");
    }
    let token = match subject.get(SubjectContext::SUBJECT_CLIENT_TOKEN) {
        0 => subject.get(SubjectContext::SUBJECT_PRIMARY_TOKEN),
        client => client,
    };
    let held = raw::read::<u64>(token) & token::DEBUG_PRIVILEGE != 0;
    u8::from(held && required.get(PrivilegeSet::PRIVILEGE) == DEBUG_PRIVILEGE)
}

/// Bytes of `SE_EXPORTS` that the lab provides.
const EXPORTS_SIZE: u64 = 520;
/// The offsets of its first 23 privileges and of identifiers.
const PRIVILEGES: u64 = 0;
const WORLD: u64 = 192;
const LOCAL_SYSTEM: u64 = 264;
const ADMINISTRATORS: u64 = 272;
const USERS: u64 = 280;
const AUTHENTICATED: u64 = 336;

/// The low parts of the LUIDs of the privileges, in the order of `SE_EXPORTS`. Source: `SE_*`
/// constants of the Windows headers, as mingw-w64 has them.
const PRIVILEGE_NUMBERS: [u64; 23] = [
    2, 3, 4, 5, 0, 7, 8, 9, 10, 15, 14, 11, 12, 13, 16, 17, 18, 19, 20, 21, 22, 23, 24,
];

static EXPORTS: Global<[u64; 1]> = Global::new([0]);

/// Returns the address of the variable `SeExports`, which points to the structure.
pub(super) fn exports() -> u64 {
    if EXPORTS.with(|exports| exports[0]) == 0 {
        let made = make_exports();
        EXPORTS.with(|exports| exports[0] = made);
    }
    EXPORTS.address()
}

fn make_exports() -> u64 {
    let table = pool::allocate_for_lab(EXPORTS_SIZE, *b"SeEx");
    for (position, &number) in PRIVILEGE_NUMBERS.iter().enumerate() {
        raw::write(table + PRIVILEGES + position as u64 * 8, number);
    }
    let sids = [
        (WORLD, security::well_known::WORLD),
        (LOCAL_SYSTEM, security::well_known::SYSTEM),
        (ADMINISTRATORS, security::well_known::ADMINISTRATORS),
        (USERS, security::well_known::USERS),
        (AUTHENTICATED, security::well_known::AUTHENTICATED_USERS),
    ];
    for (offset, (authority, parts)) in sids {
        let bytes: Vec<u8> = security::sid(authority, parts);
        let place = pool::allocate_for_lab(bytes.len() as u64, *b"Sid ");
        raw::copy_in(&bytes, place);
        raw::write(table + offset, place);
    }
    table
}
