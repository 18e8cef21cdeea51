//! The instructions. What is here is all that a port to another processor has to bring.
//!
//! A file of this folder holds leaves: functions in assembly that touch memory and do nothing
//! else. They check nothing and know no rules; those are in the portable files.
//!
//! A *guarded* leaf returns from a fault of its one access. It is a frame of its own with its
//! own handler, so no Rust frame stands between the guard and the fault, and none is unwound.

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
use x86_64 as native;

#[cfg(not(target_arch = "x86_64"))]
compile_error!(
    "usermode-accessors has no port to this processor: src/arch/ needs a file with its leaves"
);

pub(crate) use native::{
    copy, fast_fail, fill, guarded_copy, guarded_fill, guarded_read, guarded_write, read, write,
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

    /// The bytes that were moved before the one that faulted, from a register that survives.
    pub(crate) const fn copied(self) -> usize {
        self.copied
    }
}
