//! Every guarded routine, and calls of them with any user address.

use core::{arch::asm, ffi::c_void};
use std::{vec, vec::Vec};

use crate::arch::x86_64::{
    EFLAGS_AC, Record,
    string::{usermode_accessors_scan1, usermode_accessors_scan2, usermode_accessors_scan2_odd},
};
use crate::arch::{bulk::*, interlocked::*, scalar::*};

/// The greatest length that a routine is given.
pub(super) const LONGEST: usize = 160;

/// An argument of a routine, after the record.
#[derive(Clone, Copy)]
enum Argument {
    /// The user address.
    User,
    /// Kernel memory of [`LONGEST`] bytes.
    Buffer,
    Number(usize),
}

/// A guarded routine, and its arguments.
pub(super) struct Routine(*const c_void, [Argument; 3]);

impl Routine {
    pub(super) fn is_backward(&self) -> bool {
        [
            usermode_accessors_copy_backward_from_user as *const c_void,
            usermode_accessors_copy_backward_to_user as *const c_void,
        ]
        .contains(&self.0)
    }

    /// Calls the routine with `user` as the user address, and with AC set if `ac`.
    pub(super) fn call(&self, record: &mut Record, user: *mut u8, ac: bool) {
        let mut buffer = [0_u8; LONGEST];
        let buffer = buffer.as_mut_ptr().expose_provenance();
        let [second, third, fourth] = self.1.map(|argument| match argument {
            Argument::User => user.expose_provenance(),
            Argument::Buffer => buffer,
            Argument::Number(number) => number,
        });
        let record = (&raw mut *record).expose_provenance();
        // SAFETY: the record and the buffer are valid; the routine guards against a bad user address.
        unsafe { call(self.0, [record, second, third, fourth], ac) };
    }
}

/// Calls `function` by Microsoft's convention, with AC set if `ac`.
///
/// AC is set in the block that makes the call. Between two blocks the compiler may access memory. With AC
/// set, some processors raise #AC on an unaligned MOVUPS, and then Wine clears AC.
///
/// # Safety
///
/// As for the function.
pub(super) unsafe fn call(function: *const c_void, arguments: [usize; 4], ac: bool) -> usize {
    let returned;
    // SAFETY: only AC is changed, and cleared again. R12, which the callee preserves, keeps the stack
    // pointer. The stack is aligned, with home space for four arguments.
    unsafe {
        asm!(
            "mov r12, rsp",
            "and rsp, -16",
            "sub rsp, 32",
            "pushfq",
            "or qword ptr [rsp], r10",
            "popfq",
            "call rax",
            "pushfq",
            "and dword ptr [rsp], {clear_ac}",
            "popfq",
            "mov rsp, r12",
            clear_ac = const !EFLAGS_AC,
            inout("rax") function => returned,
            in("rcx") arguments[0],
            in("rdx") arguments[1],
            in("r8") arguments[2],
            in("r9") arguments[3],
            in("r10") if ac { u64::from(EFLAGS_AC) } else { 0 },
            out("r12") _,
            clobber_abi("C"),
        );
    }
    returned
}

/// Every guarded routine.
pub(super) fn routines() -> Vec<Routine> {
    use Argument::{Buffer, Number, User};
    macro_rules! routines {
        ($($routine:ident($($argument:expr),*)),* $(,)?) => {
            vec![$(Routine($routine as *const c_void, [$($argument),*])),*]
        };
    }
    let mut routines = routines![
        usermode_accessors_and4(User, Number(1), Number(0)),
        usermode_accessors_and8(User, Number(1), Number(0)),
        usermode_accessors_or4(User, Number(1), Number(0)),
        usermode_accessors_or8(User, Number(1), Number(0)),
        usermode_accessors_compare_exchange4(User, Number(1), Number(1)),
        usermode_accessors_compare_exchange8(User, Number(1), Number(1)),
        usermode_accessors_scan1(User, Number(8), Number(0)),
        usermode_accessors_scan2(User, Number(8), Number(0)),
        usermode_accessors_scan2_odd(User, Number(8), Number(0)),
        usermode_accessors_read1(User, Number(0), Number(0)),
        usermode_accessors_read2(User, Number(0), Number(0)),
        usermode_accessors_read4(User, Number(0), Number(0)),
        usermode_accessors_read8(User, Number(0), Number(0)),
        usermode_accessors_write1(User, Number(1), Number(0)),
        usermode_accessors_write2(User, Number(1), Number(0)),
        usermode_accessors_write4(User, Number(1), Number(0)),
        usermode_accessors_write8(User, Number(1), Number(0)),
    ];
    for length in [1, 8, 40, LONGEST] {
        routines.extend(routines![usermode_accessors_fill(
            User,
            Number(0),
            Number(length)
        )]);
    }
    macro_rules! copies {
        ($($from_user:ident $to_user:ident $length:expr),* $(,)?) => {
            $(routines.extend(routines![
                $from_user(Buffer, User, Number($length)),
                $to_user(User, Buffer, Number($length)),
            ]);)*
        };
    }
    copies![
        usermode_accessors_copy_from_user usermode_accessors_copy_to_user 1,
        usermode_accessors_copy_from_user usermode_accessors_copy_to_user 8,
        usermode_accessors_copy_from_user usermode_accessors_copy_to_user 40,
        usermode_accessors_copy_from_user usermode_accessors_copy_to_user LONGEST,
        usermode_accessors_copy_upward_from_user usermode_accessors_copy_upward_to_user 8,
        usermode_accessors_copy_backward_from_user usermode_accessors_copy_backward_to_user 8,
        usermode_accessors_copy_backward_from_user usermode_accessors_copy_backward_to_user 40,
        usermode_accessors_copy_nontemporal_from_user usermode_accessors_copy_nontemporal_to_user 8,
        usermode_accessors_copy_nontemporal_from_user usermode_accessors_copy_nontemporal_to_user LONGEST,
    ];
    routines
}
