//! The instructions. A port to another processor adds a folder like `x86_64`, and nothing else.
//!
//! Such a folder holds guarded routines: functions in assembly that access memory and do nothing
//! else. They check nothing; the portable files do. A guarded routine returns from a fault of its
//! access. It has a frame and a handler of its own. So no Rust frame stands between the guard and
//! the fault, and none is unwound. One guarded routine guards a call instead: of foreign code that
//! raises.
//!
//! `bulk`, `interlocked`, `raising` and `scalar` call the guarded routines from Rust. `record` is what
//! a routine leaves of a fault. `guarded_routine` holds the macros that define one. Rust declares them as `extern "efiapi"`: on
//! x86-64 that is Microsoft's calling convention, on every system; on Arm it is the procedure call
//! standard. Some functions are inlined on x86-64 only, because it has not been measured on Arm.
//!
//! Miri, which runs no assembly, has `portable` instead, which no driver has.

#[cfg(not(miri))]
#[macro_use]
mod guarded_routine;

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86_64;
#[cfg(all(target_arch = "x86_64", not(miri)))]
use x86_64 as native;

#[cfg(all(target_arch = "aarch64", not(miri)))]
mod aarch64;
#[cfg(all(target_arch = "aarch64", not(miri)))]
use aarch64 as native;

#[cfg(not(miri))]
mod bulk;
#[cfg(not(miri))]
mod interlocked;
#[cfg(not(miri))]
mod raising;
#[cfg(not(miri))]
mod record;
#[cfg(not(miri))]
mod scalar;

#[cfg(miri)]
mod portable;
#[cfg(miri)]
pub(crate) use portable::*;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("usermode-accessors has no port to this processor: src/arch/ needs a folder for it");

#[cfg(not(miri))]
pub(crate) use self::{
    bulk::{
        guarded_copy, guarded_copy_backward, guarded_copy_closed, guarded_copy_nontemporal,
        guarded_copy_upward, guarded_fill,
    },
    interlocked::{guarded_and, guarded_compare_exchange, guarded_or},
    native::{
        copy, copy_backward, copy_nontemporal, copy_upward, fast_fail, fill, guarded_read_acquire,
        guarded_scan, guarded_write_release, is_kernel, read, read_acquire, scan, write,
        write_release,
    },
    raising::{PARAMETERS, Raised, call},
    scalar::{guarded_read, guarded_read_closed, guarded_write},
};
#[cfg(not(miri))]
pub use raising::ARGUMENTS;

/// The width of a single access in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Width {
    One = 1,
    Two = 2,
    Four = 4,
    Eight = 8,
}

/// The side of a copy that is user memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Destination,
    Both,
}

/// A fault as a guarded routine reports it.
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
    /// A kind, an address or a cause that the exception does not report.
    const UNKNOWN: usize = usize::MAX;

    /// Returns the exception code.
    pub(crate) const fn code(self) -> u32 {
        self.code
    }

    /// Returns `ExceptionInformation[0]`: [`Self::READ`], [`Self::WRITE`], or another value.
    pub(crate) const fn kind(self) -> usize {
        self.kind
    }

    /// Returns `ExceptionInformation[1]`. A general protection fault, which a non-canonical address
    /// raises, has no address; NT then records all ones.
    pub(crate) const fn address(self) -> Option<usize> {
        if self.address == Self::UNKNOWN {
            None
        } else {
            Some(self.address)
        }
    }

    /// Returns `ExceptionInformation[2]`, whose lower half is a status.
    pub(crate) const fn cause(self) -> Option<u32> {
        if self.cause == Self::UNKNOWN {
            return None;
        }
        let [a, b, c, d, ..] = self.cause.to_le_bytes();
        Some(u32::from_le_bytes([a, b, c, d]))
    }

    /// Returns how many bytes were moved before the one that faulted.
    pub(crate) const fn copied(self) -> usize {
        self.copied
    }
}
