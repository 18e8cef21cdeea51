//! A security descriptor, built with the system's own routines.

use crate::{nt::pool, status::check};
use core::{cell::UnsafeCell, ffi::c_void, ptr::NonNull};
use wdfldr_sddl::{Dacl, Sid};
use wdk_sys::{
    ACL, ACL_REVISION, NTSTATUS, PSECURITY_DESCRIPTOR, SE_DACL_PROTECTED, SECURITY_DESCRIPTOR,
    SECURITY_DESCRIPTOR_REVISION, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_PARAMETER, ULONG,
    USHORT, ntddk,
};

/// The header and the mask of an `ACCESS_ALLOWED_ACE`, in bytes; the identifier follows.
const ENTRY_HEADER: usize = 8;

/// The revision, the count and the authority of a SID, in bytes; the sub-authorities follow.
const SID_HEADER: usize = 8;

/// `SE_DACL_PROTECTED`, as wide as the member it is set in.
const PROTECTED: USHORT = 0x1000;

const _: () = assert!(PROTECTED as ULONG == SE_DACL_PROTECTED);

/// A SID in the system's layout, with space for the most sub-authorities.
#[repr(C, align(4))]
struct NativeSid {
    revision: u8,
    count: u8,
    authority: [u8; 6],
    sub_authorities: [u32; 15],
}

impl NativeSid {
    fn new(sid: &Sid) -> Self {
        let mut native = Self {
            revision: 1,
            count: 0,
            authority: sid.authority,
            sub_authorities: [0; 15],
        };
        for (place, part) in native
            .sub_authorities
            .iter_mut()
            .zip(sid.sub_authorities.as_slice())
        {
            *place = *part;
            native.count += 1;
        }
        native
    }
}

/// An access control list in a block of pool.
struct AclBlock(NonNull<ACL>);

impl Drop for AclBlock {
    fn drop(&mut self) {
        let block: NonNull<c_void> = self.0.cast();
        // SAFETY: `AclBlock::new` allocated the block, and nothing else uses it.
        unsafe { pool::free(block, pool::TAG) };
    }
}

impl AclBlock {
    fn new(dacl: &Dacl<'_>) -> Result<Self, NTSTATUS> {
        let size: usize = size_of::<ACL>()
            + dacl
                .entries()
                .map(|entry| {
                    ENTRY_HEADER + SID_HEADER + size_of_val(entry.sid.sub_authorities.as_slice())
                })
                .sum::<usize>();
        // AclSize has sixteen bits.
        let size = USHORT::try_from(size).map_err(|_| STATUS_INVALID_PARAMETER)?;
        let block = pool::allocate_zeroed(usize::from(size))
            .ok_or(STATUS_INSUFFICIENT_RESOURCES)?
            .cast::<ACL>();
        let acl = Self(block);
        // SAFETY: a block of this size.
        check(unsafe { ntddk::RtlCreateAcl(block.as_ptr(), ULONG::from(size), ACL_REVISION) })?;
        for entry in dacl.entries() {
            let mut sid = NativeSid::new(&entry.sid);
            let sid = (&raw mut sid).cast();
            // SAFETY: a list with space for the entry, and an identifier, which is copied.
            check(unsafe {
                ntddk::RtlAddAccessAllowedAce(block.as_ptr(), ACL_REVISION, entry.access, sid)
            })?;
        }
        Ok(acl)
    }
}

/// A descriptor with an access control list, and nothing else.
pub(super) struct Descriptor {
    descriptor: UnsafeCell<SECURITY_DESCRIPTOR>,
    /// The list that the descriptor points to.
    _acl: AclBlock,
}

impl Descriptor {
    /// `STATUS_INSUFFICIENT_RESOURCES`; `STATUS_INVALID_PARAMETER` for a list of 64 KiB or more.
    pub(super) fn new(dacl: &Dacl<'_>) -> Result<Self, NTSTATUS> {
        let acl = AclBlock::new(dacl)?;
        let mut descriptor = SECURITY_DESCRIPTOR::default();
        let pointer = (&raw mut descriptor).cast();
        // SAFETY: a local of the type.
        check(unsafe {
            ntddk::RtlCreateSecurityDescriptor(pointer, SECURITY_DESCRIPTOR_REVISION)
        })?;
        // SAFETY: the descriptor just made, and a list that lives as long as the result.
        check(unsafe { ntddk::RtlSetDaclSecurityDescriptor(pointer, 1, acl.0.as_ptr(), 0) })?;
        if dacl.is_protected() {
            descriptor.Control |= PROTECTED;
        }
        Ok(Self {
            descriptor: UnsafeCell::new(descriptor),
            _acl: acl,
        })
    }

    pub(super) const fn as_ptr(&self) -> PSECURITY_DESCRIPTOR {
        self.descriptor.get().cast()
    }
}
