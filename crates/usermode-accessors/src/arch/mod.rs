//! The instructions. What is here is all that a port to another processor has to bring.
//!
//! A file of this folder holds leaves: functions in assembly that touch memory and do nothing
//! else. They check nothing and know no rules; those are in the portable files.
//!
//! A *guarded* leaf returns from a fault of its one access. It is a frame of its own with its
//! own handler, so no Rust frame stands between the guard and the fault, and none is unwound.
//! One leaf guards no access but a call, of foreign code that raises.

#[macro_use]
mod leaf;

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
use x86_64 as native;

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "aarch64")]
use aarch64 as native;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!(
    "usermode-accessors has no port to this processor: src/arch/ needs a file with its leaves"
);

pub(crate) use native::{
    call, copy, copy_backward, copy_nontemporal, copy_upward, fast_fail, fill, guarded_and,
    guarded_compare_exchange, guarded_copy, guarded_copy_backward, guarded_copy_nontemporal,
    guarded_copy_upward, guarded_fill, guarded_or, guarded_read, guarded_read_acquire,
    guarded_scan, guarded_write, guarded_write_release, read, read_acquire, scan, write,
    write_release,
};

/// How wide a single access is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Width {
    One = 1,
    Two = 2,
    Four = 4,
    Eight = 8,
}

/// What the leaf that guards a call leaves behind, filled in if the call raised.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Raised {
    /// Not 0: the call raised. The code cannot tell, 0 is one.
    pub(crate) any: u32,
    /// `ExceptionCode`.
    pub(crate) code: u32,
    /// `ExceptionFlags`.
    pub(crate) flags: u32,
    /// `NumberParameters`.
    pub(crate) count: u32,
    /// `ExceptionAddress`.
    pub(crate) address: usize,
    /// The first of `ExceptionInformation`.
    pub(crate) parameters: [usize; PARAMETERS],
}

/// How many parameters of an exception are kept: no exception of the kernel's own has more.
pub(crate) const PARAMETERS: usize = 4;

/// What a guarded leaf leaves behind when its access faults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trap {
    code: u32,
    kind: usize,
    address: usize,
    copied: usize,
}

impl Trap {
    /// `ExceptionInformation[0]` of a read.
    pub(crate) const READ: usize = 0;
    /// `ExceptionInformation[0]` of a write.
    pub(crate) const WRITE: usize = 1;
    /// Stands for a kind or an address that the exception did not tell.
    const UNKNOWN: usize = usize::MAX;

    /// The exception code.
    pub(crate) const fn code(self) -> u32 {
        self.code
    }

    /// `ExceptionInformation[0]`: [`Self::READ`], [`Self::WRITE`], or nothing to rely on.
    pub(crate) const fn kind(self) -> usize {
        self.kind
    }

    /// `ExceptionInformation[1]`. A general protection fault, as a non-canonical address raises
    /// it, has none; NT then records all ones.
    pub(crate) const fn address(self) -> Option<usize> {
        if self.address == Self::UNKNOWN {
            None
        } else {
            Some(self.address)
        }
    }

    /// The bytes that were moved before the one that faulted.
    pub(crate) const fn copied(self) -> usize {
        self.copied
    }
}
