//! Traps: each becomes an exception for the driver, or ends the run.
//!
//! The rules are those of NT's documented bug checks and exception codes. Two rules decide most
//! cases: structured exception handling covers user addresses only, so a bad system address ends
//! the run inside a guard, too; and at `DISPATCH_LEVEL` no page fault can be resolved.

use core::arch::global_asm;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ringcopy_lab_mailbox::rules::Rule;

use crate::bugcheck::{Code, announce, bugcheck};
use crate::cpu::{self, flags};
use crate::irql::{self, DISPATCH_LEVEL};
use crate::memory::layout;
use crate::memory::paging::Tables;
use crate::memory::paging_file;
use crate::memory::user::{self, AccessKind, Resolution};
use crate::seh::{Context, Exception, raise};
use crate::serial::say;
use crate::{
    alternation, broadcast, call, hypervisor, images, interference, pageable, pool, raw, smp,
    steps, withheld,
};
use nt_status::NtStatus;

global_asm!(include_str!("trap.s"));

/// The stack frame of `trap.s`.
#[repr(C)]
pub(crate) struct Frame {
    /// R15 down to RAX, in the order of `trap.s`.
    r15: u64,
    r14: u64,
    r13: u64,
    r12: u64,
    r11: u64,
    r10: u64,
    r9: u64,
    r8: u64,
    rdi: u64,
    rsi: u64,
    rbp: u64,
    rbx: u64,
    rdx: u64,
    rcx: u64,
    rax: u64,
    vector: u64,
    error: u64,
    instruction: u64,
    segment: u64,
    flags: u64,
    stack: u64,
    stack_segment: u64,
}

mod vector {
    pub(super) const DIVIDE: u64 = 0;
    pub(super) const DEBUG: u64 = 1;
    pub(super) const NMI: u64 = 2;
    pub(super) const BREAKPOINT: u64 = 3;
    pub(super) const INVALID_OPCODE: u64 = 6;
    pub(super) const STACK: u64 = 12;
    pub(super) const GENERAL_PROTECTION: u64 = 13;
    pub(super) const PAGE_FAULT: u64 = 14;
    /// `__fastfail`.
    pub(super) const FAST_FAIL: u64 = 0x29;
    /// An assertion of a checked build.
    pub(super) const ASSERTION: u64 = 0x2C;
    use crate::smp;

    pub(super) const SHOOTDOWN: u64 = smp::SHOOTDOWN_VECTOR as u64;
    pub(super) const WAKE: u64 = smp::WAKE_VECTOR as u64;
    pub(super) const TIMER: u64 = smp::TIMER_VECTOR as u64;
    pub(super) const BROADCAST: u64 = smp::BROADCAST_VECTOR as u64;
    pub(super) const SPURIOUS: u64 = smp::SPURIOUS_VECTOR as u64;
}

mod page_fault_error {
    pub(super) const PRESENT: u64 = 1;
    pub(super) const WRITE: u64 = 1 << 1;
    pub(super) const RESERVED: u64 = 1 << 3;
    pub(super) const FETCH: u64 = 1 << 4;
}

/// Read by `trap.s`: whether the processor has CLAC.
#[unsafe(no_mangle)]
static supervisor_access_prevention: AtomicBool = AtomicBool::new(false);

/// Faults that the page tables no longer explain, because another processor has changed them.
static RETRIED: AtomicU64 = AtomicU64::new(0);

pub(crate) fn set_supervisor_access_prevention(on: bool) {
    supervisor_access_prevention.store(on, Ordering::Relaxed);
}

impl Frame {
    const fn access(&self) -> AccessKind {
        if self.error & page_fault_error::FETCH != 0 {
            AccessKind::Execute
        } else if self.error & page_fault_error::WRITE != 0 {
            AccessKind::Write
        } else {
            AccessKind::Read
        }
    }

    /// Carries out a CPUID that the lab replaced; gives whether it was one.
    fn stands_for_cpuid(&mut self) -> bool {
        let (leaf, part) = (self.rax as u32, self.rcx as u32);
        let Some(result) = hypervisor::cpuid(self.instruction, leaf, part) else {
            return false;
        };
        [self.rax, self.rbx, self.rcx, self.rdx] = result.map(u64::from);
        self.instruction += 2;
        true
    }

    fn end(&self, code: Code, parameters: [u64; 4]) -> ! {
        bugcheck(code, parameters, Some(self.instruction), self.stack)
    }

    /// Returns the state at the trap, for handlers.
    fn context(&self, floating: u64) -> Context {
        let mut context = Context::new();
        let general = [
            self.rax, self.rcx, self.rdx, self.rbx, self.stack, self.rbp, self.rsi, self.rdi,
            self.r8, self.r9, self.r10, self.r11, self.r12, self.r13, self.r14, self.r15,
        ];
        for (number, value) in general.into_iter().enumerate() {
            context.set_general(number, value);
        }
        context.set_instruction(self.instruction);
        context.set_flags(self.flags);
        context.set_floating(floating);
        context
    }

    /// Whether a driver has called an address without code. The exception is the caller's, as one
    /// in a function without unwind data is.
    fn is_wild_call(&self) -> bool {
        self.instruction < layout::LINEAR
            && Tables::current().walk(self.stack).is_some()
            && images::is_return_address(raw::read(self.stack))
    }

    /// Raises an exception in the driver whose code caused it. An exception in the lab's own code
    /// ends the run: most likely, the driver has passed a bad pointer to NT.
    fn dispatch(&self, floating: u64, exception: Exception) -> ! {
        if !images::is_driver_code(self.instruction) && !self.is_wild_call() {
            let [kind, address, _] = exception.information;
            let parameters = [u64::from(exception.code.0), self.instruction, kind, address];
            self.end(Code::KMODE_EXCEPTION_NOT_HANDLED, parameters);
        }
        raise(&mut self.context(floating), exception)
    }
}

/// Every trap comes here from `trap.s`, interrupts off, with the area that `fxsave` wrote.
#[unsafe(no_mangle)]
extern "C" fn trap_entered(frame: &mut Frame, floating: u64) {
    let address = cpu::read_cr2();
    match frame.vector {
        vector::SHOOTDOWN => interference::shootdown(),
        vector::WAKE | vector::TIMER => smp::end_of_interrupt(),
        vector::BROADCAST => broadcast::interrupted(),
        vector::SPURIOUS => {}
        vector::PAGE_FAULT => page_fault(frame, floating, address),
        vector::GENERAL_PROTECTION | vector::STACK => frame.dispatch(floating, GENERAL_PROTECTION),
        vector::DIVIDE => {
            frame.dispatch(floating, Exception::plain(NtStatus::INTEGER_DIVIDE_BY_ZERO))
        }
        vector::INVALID_OPCODE => {
            if !frame.stands_for_cpuid() {
                frame.dispatch(floating, Exception::plain(NtStatus::ILLEGAL_INSTRUCTION));
            }
        }
        vector::BREAKPOINT => frame.dispatch(floating, Exception::plain(NtStatus::BREAKPOINT)),
        vector::DEBUG if steps::stepped(frame.instruction) => {}
        vector::DEBUG if alternation::close() || withheld::close() => frame.flags &= !flags::TRAP,
        vector::DEBUG => frame.dispatch(floating, Exception::plain(NtStatus::SINGLE_STEP)),
        vector::ASSERTION => {
            frame.dispatch(floating, Exception::plain(NtStatus::ASSERTION_FAILURE))
        }
        vector::FAST_FAIL => {
            // The code is in ECX: "__fastfail", Microsoft C++ documentation.
            let code = u64::from(frame.rcx as u32);
            frame.end(Code::KERNEL_SECURITY_CHECK_FAILURE, [code, 0, 0, 0])
        }
        vector::NMI => frame.end(Code::NMI_HARDWARE_FAILURE, [0; 4]),
        trap => frame.end(
            Code::UNEXPECTED_KERNEL_MODE_TRAP,
            [trap, frame.error, frame.instruction, address],
        ),
    }
}

/// What a general protection fault becomes: the processor does not report the address.
const GENERAL_PROTECTION: Exception = Exception {
    code: NtStatus::ACCESS_VIOLATION,
    information: [0, u64::MAX, 0],
    count: 2,
};

fn page_fault(frame: &mut Frame, floating: u64, address: u64) {
    if frame.error & page_fault_error::RESERVED != 0 && withheld::refuses(address) {
        frame.dispatch(floating, GENERAL_PROTECTION);
    }
    let access = frame.access();
    // NT's number of the access: "Bug Check 0xA", "EXCEPTION_RECORD".
    let kind = match access {
        AccessKind::Read => 0,
        AccessKind::Write => 1,
        AccessKind::Execute => 8,
    };
    if stale(frame, address, access) {
        RETRIED.fetch_add(1, Ordering::Relaxed);
        cpu::invalidate_page(address);
        return;
    }
    if access == AccessKind::Write && withheld::open(address) {
        frame.flags |= flags::TRAP;
        return;
    }
    let level = irql::current();
    if level >= DISPATCH_LEVEL {
        let what = format_args!("{address:#x} was touched at IRQL {level}");
        if layout::is_lower_half(address) {
            announce(Rule::UserMemory, what);
        } else if pageable::contains(address) {
            announce(Rule::PageableMemory, what);
        }
        let code = if images::is_driver_code(frame.instruction) {
            Code::DRIVER_IRQL_NOT_LESS_OR_EQUAL
        } else {
            Code::IRQL_NOT_LESS_OR_EQUAL
        };
        frame.end(code, [address, u64::from(level), kind, frame.instruction]);
    }
    let present = frame.error & page_fault_error::PRESENT != 0;
    if access == AccessKind::Execute && present {
        // Data is never executable, and user pages are not for the supervisor (SMEP).
        let entry = Tables::current().get(address);
        frame.end(
            Code::ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY,
            [address, entry, 0, 0],
        );
    }
    if !layout::is_lower_half(address) {
        if !present && (pageable::bring_in(address) || paging_file::bring_in(address).is_ok()) {
            return;
        }
        if let Some(freed) = pool::freed_at(address) {
            say!("VIOLATION: {address:#x} was touched after {freed}");
        }
        if call::is_in_guard_page(address) {
            say!(
                "VIOLATION: the stack's guard page was touched at {address:#x}: the stack is too short"
            );
        }
        let code = if present && access == AccessKind::Write {
            Code::ATTEMPTED_WRITE_TO_READONLY_MEMORY
        } else {
            Code::PAGE_FAULT_IN_NONPAGED_AREA
        };
        let entry = Tables::current().get(address);
        let second = if code == Code::PAGE_FAULT_IN_NONPAGED_AREA {
            kind
        } else {
            entry
        };
        frame.end(code, [address, second, frame.instruction, 0]);
    }
    if present && frame.flags & flags::ALIGNMENT_CHECK == 0 {
        // No bug check is documented for this. The lab uses the one for memory that must not be
        // accessed.
        say!("VIOLATION: user memory at {address:#x} was accessed with RFLAGS.AC clear (SMAP)");
        frame.end(
            Code::PAGE_FAULT_IN_NONPAGED_AREA,
            [address, kind, frame.instruction, 0],
        );
    }
    if alternation::open(Tables::current(), address) {
        frame.flags |= flags::TRAP;
        return;
    }
    match user::resolve(Tables::current(), address, access) {
        Resolution::Retry => cpu::invalidate_page(address),
        Resolution::Raise(code) => {
            // An in-page error has the status of the I/O as its third parameter.
            let (third, count) = if code == NtStatus::IN_PAGE_ERROR {
                (u64::from(NtStatus::NO_SUCH_DEVICE.0), 3)
            } else {
                (0, 2)
            };
            frame.dispatch(
                floating,
                Exception {
                    code,
                    information: [kind, address, third],
                    count,
                },
            );
        }
    }
}

/// Whether the tables now allow the access that the processor refused: another processor has
/// changed them.
fn stale(frame: &Frame, address: u64, access: AccessKind) -> bool {
    let prevented = cpu::read_cr4() & cpu::cr4::SMAP != 0;
    Tables::current().walk(address).is_some_and(|translation| {
        let supervisor = match access {
            AccessKind::Execute => !translation.user && translation.execute,
            AccessKind::Read => true,
            AccessKind::Write => translation.write,
        };
        let opened = frame.flags & flags::ALIGNMENT_CHECK != 0;
        supervisor && (!translation.user || !prevented || opened)
    })
}
