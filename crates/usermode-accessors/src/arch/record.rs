//! What a guarded routine leaves in memory: the exception that ended it.

use core::mem::MaybeUninit;

use super::{Trap, native::prepare};

/// The exception of a guarded routine. The filter writes it; it is uninitialised until then.
#[repr(C)]
pub(super) struct Record {
    /// The exception code. No exception that the filter takes has code 0.
    pub(super) code: u32,
    pub(super) kind: usize,
    pub(super) address: usize,
    pub(super) cause: usize,
}

/// What a routine that reads a number returns after a fault. If the number that it read is the same, it
/// sets the code of the record to 0.
pub(super) const FAULTED: i32 = -1957;

impl Record {
    #[cold]
    pub(super) const fn trap(&self, copied: usize) -> Trap {
        Trap {
            code: self.code,
            kind: self.kind,
            address: self.address,
            cause: self.cause,
            copied,
        }
    }
}

/// Calls a routine with a record, and returns its result unless `faulted` returns the number of bytes
/// that were moved before the fault.
///
/// # Safety
///
/// The routine has written the record if `faulted` returns a number.
#[inline]
pub(super) unsafe fn guard<T: Copy>(
    routine: impl FnOnce(*mut Record) -> T,
    faulted: impl FnOnce(T) -> Option<usize>,
) -> Result<T, Trap> {
    prepare();
    let mut record = MaybeUninit::uninit();
    let result = routine(record.as_mut_ptr());
    let Some(copied) = faulted(result) else {
        return Ok(result);
    };
    // SAFETY: the caller's promise is the same.
    let record: &Record = unsafe { record.assume_init_ref() };
    Err(record.trap(copied))
}

/// Calls a routine that returns a number, or [`FAULTED`].
///
/// # Safety
///
/// The routine follows the rules of [`FAULTED`].
#[inline]
pub(super) unsafe fn guard_number(routine: impl FnOnce(*mut Record) -> u64) -> Result<u64, Trap> {
    prepare();
    let mut record = MaybeUninit::<Record>::uninit();
    let number = routine(record.as_mut_ptr());
    if number == i64::from(FAULTED).cast_unsigned() {
        // SAFETY: the caller's promise is the same.
        return unsafe { number_or_trap(&record) };
    }
    Ok(number)
}

/// Tells a fault from the number [`FAULTED`].
///
/// # Safety
///
/// A routine that returned [`FAULTED`] wrote the record.
#[cold]
unsafe fn number_or_trap(record: &MaybeUninit<Record>) -> Result<u64, Trap> {
    let record = record.as_ptr();
    // SAFETY: the routine has written the code.
    if unsafe { (*record).code } == 0 {
        return Ok(i64::from(FAULTED).cast_unsigned());
    }
    // SAFETY: the filter has written all of the record.
    Err(unsafe { &*record }.trap(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{
        Width, guarded_compare_exchange, guarded_or, guarded_read, guarded_read_closed,
        interlocked::{usermode_accessors_compare_exchange8, usermode_accessors_or8},
        scalar::{usermode_accessors_read8, usermode_accessors_read8_closed},
    };

    #[test]
    fn a_number_that_is_the_one_for_a_fault_is_no_fault() {
        let expected = i64::from(FAULTED).cast_unsigned();
        let mut memory = expected;
        let at = (&raw mut memory).cast::<u8>();
        let results = [
            // SAFETY: the memory is there, for this and the other calls.
            unsafe { guarded_read(at, Width::Eight) },
            // SAFETY: as above.
            unsafe { guarded_read_closed(at, Width::Eight) },
            // SAFETY: as above.
            unsafe { guarded_or(at, 0, true) },
            // SAFETY: as above.
            unsafe { guarded_compare_exchange(at, 0, 1, true) },
        ];
        for result in results {
            assert!(result.is_ok_and(|number| number == expected));
        }
        let routines: [&dyn Fn(*mut Record) -> u64; 4] = [
            // SAFETY: as above.
            &|record| unsafe { usermode_accessors_read8(record, at) },
            // SAFETY: as above.
            &|record| unsafe { usermode_accessors_read8_closed(record, at) },
            // SAFETY: as above.
            &|record| unsafe { usermode_accessors_or8(record, at, 0) },
            // SAFETY: as above.
            &|record| unsafe { usermode_accessors_compare_exchange8(record, at, 0, 1) },
        ];
        for routine in routines {
            prepare();
            let mut record = Record {
                code: 1,
                kind: 0,
                address: 0,
                cause: 0,
            };
            assert_eq!((routine(&raw mut record), record.code), (expected, 0));
        }
    }
}
