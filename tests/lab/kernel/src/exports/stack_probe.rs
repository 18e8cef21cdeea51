//! The probe of the stack by functions with many locals, in assembly: it must change no register that
//! holds an argument ("x64 prolog and epilog", Microsoft C++ documentation).

use core::arch::global_asm;

global_asm!(include_str!("stack_probe.s"));

unsafe extern "C" {
    pub(super) fn nt_chkstk();
}
