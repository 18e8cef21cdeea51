//! The instructions. A port to another processor has to bring a folder like `x86_64`, nothing else.
//!
//! Such a folder holds routines: functions in assembly that touch memory and do nothing else. They
//! check nothing and know no rules; those are in the portable files. `bulk`, `interlocked`, `raising`
//! and `scalar` are how Rust calls the routines that every processor has; `guarded_routine` is how one is written
//! down. To Rust a routine is `extern "efiapi"`: that names Microsoft's calling convention on x86-64,
//! whatever the system, and the procedure call standard on Arm. What is inlined on x86-64 alone is so
//! because nobody has measured it on Arm.
//!
//! A *guarded* routine returns from a fault of its one access. It is a frame of its own with its
//! own handler, so no Rust frame stands between the guard and the fault, and none is unwound.
//! One routine guards no access but a call, of foreign code that raises.

#[macro_use]
mod guarded_routine;

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
use x86_64 as native;

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "aarch64")]
use aarch64 as native;

mod bulk;
mod interlocked;
mod raising;
mod scalar;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!(
    "usermode-accessors has no port to this processor: src/arch/ needs a file with its routines"
);

pub(crate) use bulk::{
    guarded_copy, guarded_copy_backward, guarded_copy_closed, guarded_copy_nontemporal,
    guarded_fill,
};
pub(crate) use interlocked::{guarded_and, guarded_compare_exchange, guarded_or};
pub(crate) use native::{
    copy, copy_backward, copy_nontemporal, copy_upward, fast_fail, fill, guarded_copy_upward,
    guarded_read_acquire, guarded_scan, guarded_write_release, read, read_acquire, scan, write,
    write_release,
};
pub(crate) use raising::{PARAMETERS, Raised, call};
pub(crate) use scalar::{guarded_read, guarded_read_closed, guarded_write};

/// How wide a single access is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Width {
    One = 1,
    Two = 2,
    Four = 4,
    Eight = 8,
}

/// What a guarded routine leaves behind when its access faults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trap {
    code: u32,
    kind: usize,
    address: usize,
    cause: usize,
    copied: usize,
}

impl Trap {
    /// `ExceptionInformation[0]` of a read.
    pub(crate) const READ: usize = 0;
    /// `ExceptionInformation[0]` of a write.
    pub(crate) const WRITE: usize = 1;
    /// Stands for a kind, an address or a cause that the exception did not tell.
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

    /// `ExceptionInformation[2]`, of which a status is the lower half.
    pub(crate) const fn cause(self) -> Option<u32> {
        if self.cause == Self::UNKNOWN {
            return None;
        }
        let [a, b, c, d, ..] = self.cause.to_le_bytes();
        Some(u32::from_le_bytes([a, b, c, d]))
    }

    /// The bytes that were moved before the one that faulted.
    pub(crate) const fn copied(self) -> usize {
        self.copied
    }
}
