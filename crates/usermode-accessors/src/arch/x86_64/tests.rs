//! When user memory is open, without ring 0.
//!
//! In ring 3 STAC and CLAC are illegal instructions. A vectored handler stands in for SMAP: it counts
//! them, skips them, and keeps a flag in place of AC. Addresses that the range check would refuse are
//! tested as well, on the guarded routines.

use core::{
    arch::asm,
    ffi::c_void,
    ptr,
    sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst},
};
use std::{
    sync::{Mutex, MutexGuard, Once, PoisonError},
    thread, vec,
    vec::Vec,
};

use super::{
    EFLAGS_AC, Record, Trap, USER_LIMIT, copy, copy_backward, copy_nontemporal, copy_upward, fill,
    processor::{self, FEATURES},
    read, scan,
    string::{usermode_accessors_scan1, usermode_accessors_scan2, usermode_accessors_scan2_odd},
    write,
};
use crate::arch::{
    ARGUMENTS, Raised, Side, Width,
    bulk::{
        usermode_accessors_copy_backward_from_user, usermode_accessors_copy_backward_to_user,
        usermode_accessors_copy_from_user, usermode_accessors_copy_nontemporal_from_user,
        usermode_accessors_copy_nontemporal_to_user, usermode_accessors_copy_to_user,
        usermode_accessors_copy_upward_from_user, usermode_accessors_copy_upward_to_user,
        usermode_accessors_fill,
    },
    guarded_copy_closed, guarded_copy_nontemporal, guarded_read, guarded_read_closed,
    interlocked::{
        usermode_accessors_and4, usermode_accessors_and8, usermode_accessors_compare_exchange4,
        usermode_accessors_compare_exchange8, usermode_accessors_or4, usermode_accessors_or8,
    },
    raising::usermode_accessors_call,
    scalar::{
        usermode_accessors_read1, usermode_accessors_read2, usermode_accessors_read4,
        usermode_accessors_read8, usermode_accessors_write1, usermode_accessors_write2,
        usermode_accessors_write4, usermode_accessors_write8,
    },
};

use crate::pages::{AddVectoredExceptionHandler, Pointers, prepare_process};

/// The part of `CONTEXT` that is used.
#[repr(C)]
struct Context {
    before: [u8; 0x44],
    flags: u32,
    between: [u8; 0xB0],
    rip: *const [u8; 4],
}

static STAC_COUNT: AtomicU32 = AtomicU32::new(0);
static CLAC_COUNT: AtomicU32 = AtomicU32::new(0);
static OPEN: AtomicBool = AtomicBool::new(false);
/// The thread whose exceptions are counted. Other tests raise exceptions meanwhile.
static HOLDER: AtomicU32 = AtomicU32::new(0);
/// The number of faults while [`OPEN`] was not set.
static FAULTS_WHILE_CLOSED: AtomicUsize = AtomicUsize::new(0);

fn this_thread() -> u32 {
    #[link(name = "kernel32")]
    unsafe extern "system" {
        safe fn GetCurrentThreadId() -> u32;
    }
    GetCurrentThreadId()
}

unsafe extern "system" fn processor(pointers: *mut Pointers) -> i32 {
    const EXCEPTION_CONTINUE_EXECUTION: i32 = -1;
    const EXCEPTION_CONTINUE_SEARCH: i32 = 0;
    let counted = HOLDER.load(SeqCst) == this_thread();
    // SAFETY: the system passes valid pointers.
    let pointers = unsafe { &*pointers };
    // SAFETY: as above.
    match unsafe { (*pointers.record).code } {
        0xC000_001D => {}
        0xC000_0005 if counted => {
            // A dispatcher may leave it closed.
            if !OPEN.swap(false, SeqCst) {
                FAULTS_WHILE_CLOSED.fetch_add(1, SeqCst);
            }
            return EXCEPTION_CONTINUE_SEARCH;
        }
        _ => return EXCEPTION_CONTINUE_SEARCH,
    }
    // SAFETY: as above.
    let context = unsafe { &mut *pointers.context.cast::<Context>() };
    // SAFETY: code was just fetched from there.
    match unsafe { *context.rip } {
        // Other tests find SMAP on as well, while one test has set it.
        [0x0F, 0x01, 0xCA | 0xCB, _] if !counted => {}
        [0x0F, 0x01, 0xCB, _] => {
            STAC_COUNT.fetch_add(1, SeqCst);
            OPEN.store(true, SeqCst);
        }
        [0x0F, 0x01, 0xCA, _] => {
            CLAC_COUNT.fetch_add(1, SeqCst);
            OPEN.store(false, SeqCst);
        }
        _ => return EXCEPTION_CONTINUE_SEARCH,
    }
    context.rip = context.rip.wrapping_byte_add(3);
    EXCEPTION_CONTINUE_EXECUTION
}

/// Has the counters for one test, and SMAP on or off.
struct Alone {
    features: u32,
    _lock: MutexGuard<'static, ()>,
}

impl Alone {
    /// Turns SMAP on.
    fn with_smap(self) -> Self {
        FEATURES.store(self.features | processor::SMAP, SeqCst);
        self
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        FEATURES.store(self.features, SeqCst);
    }
}

/// Locks the counters for one test, and resets them.
fn processor_alone(open: bool) -> Alone {
    static ALONE: Mutex<()> = Mutex::new(());
    static INSTALLED: Once = Once::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    INSTALLED.call_once(|| {
        prepare_process();
        // SAFETY: the handler changes only the counters and RIP.
        unsafe { AddVectoredExceptionHandler(1, processor) };
    });
    STAC_COUNT.store(0, SeqCst);
    CLAC_COUNT.store(0, SeqCst);
    FAULTS_WHILE_CLOSED.store(0, SeqCst);
    OPEN.store(open, SeqCst);
    HOLDER.store(this_thread(), SeqCst);
    Alone {
        features: processor::features(),
        _lock: alone,
    }
}

const fn no_fault() -> Record {
    Record {
        code: 0,
        kind: 0,
        address: 0,
        cause: 0,
    }
}

const fn bad() -> *mut u8 {
    ptr::without_provenance_mut(16)
}

/// The greatest length that a routine is given.
const LONGEST: usize = 160;

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
struct Routine(*const c_void, [Argument; 3]);

impl Routine {
    fn is_backward(&self) -> bool {
        [
            usermode_accessors_copy_backward_from_user as *const c_void,
            usermode_accessors_copy_backward_to_user as *const c_void,
        ]
        .contains(&self.0)
    }

    /// Calls the routine with `user` as the user address, and with AC set if `ac`.
    fn call(&self, record: &mut Record, user: *mut u8, ac: bool) {
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
unsafe fn call(function: *const c_void, arguments: [usize; 4], ac: bool) -> usize {
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
fn routines() -> Vec<Routine> {
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

#[test]
fn user_memory_is_open_for_the_access_and_closed_after_it_and_after_a_fault() {
    let mut memory = [0_u64; LONGEST / 8];
    for routine in routines() {
        for (user, code) in [(memory.as_mut_ptr().cast(), 0), (bad(), 0xC000_0005)] {
            let _alone = processor_alone(false).with_smap();
            let mut record = no_fault();
            routine.call(&mut record, user, false);
            assert_eq!(record.code, code);
            // Some routines resume after a fault.
            assert!((1..=1 + u32::from(code != 0)).contains(&STAC_COUNT.load(SeqCst)));
            assert_eq!(CLAC_COUNT.load(SeqCst), 1);
            assert_eq!(FAULTS_WHILE_CLOSED.load(SeqCst), 0);
            assert!(!OPEN.load(SeqCst));
        }
    }
}

#[test]
fn user_memory_that_was_open_stays_open() {
    let mut memory = [0_u64; LONGEST / 8];
    for routine in routines() {
        for (user, code) in [(memory.as_mut_ptr().cast(), 0), (bad(), 0xC000_0005)] {
            let _alone = processor_alone(true).with_smap();
            let mut record = no_fault();
            routine.call(&mut record, user, true);
            assert_eq!(record.code, code);
            assert_eq!(CLAC_COUNT.load(SeqCst), 0);
            assert!(OPEN.load(SeqCst));
        }
    }
}

#[test]
fn user_memory_is_not_opened_without_smap() {
    let mut memory = [0_u64; LONGEST / 8];
    for routine in routines() {
        for (user, code) in [(memory.as_mut_ptr().cast(), 0), (bad(), 0xC000_0005)] {
            let _alone = processor_alone(false);
            let mut record = no_fault();
            routine.call(&mut record, user, false);
            assert_eq!(record.code, code);
            assert_eq!(STAC_COUNT.load(SeqCst), 0);
            assert_eq!(CLAC_COUNT.load(SeqCst), 0);
        }
    }
}

/// System addresses, and whether the fault of an access reports the address.
const SYSTEM: [(usize, bool); 5] = [
    (0x0000_8000_0000_0000, false),
    (0x8000_0000_0000_0000, false),
    (0xFFFF_7FFF_FFFF_FFF0, false),
    (0xFFFF_8000_0000_0000, true),
    (0xFFFF_FFFF_FFFF_F000, true),
];

#[test]
fn a_fault_of_a_system_or_non_canonical_address_returns() {
    for (address, known) in SYSTEM {
        let system = ptr::without_provenance_mut(address);
        let expect = |trap: Trap| {
            assert_eq!((trap.code(), trap.copied()), (0xC000_0005, 0));
            assert_eq!(trap.address(), known.then_some(address), "{address:#x}");
        };
        let _alone = processor_alone(false).with_smap();
        for length in [8, LONGEST] {
            let mut buffer = [7; LONGEST];
            // SAFETY: the buffer is this long, and the guard is what is being tried.
            expect(
                unsafe { guarded_copy_closed(buffer.as_mut_ptr(), system, length) }.unwrap_err(),
            );
            assert_eq!(buffer, [7; LONGEST]);
            // SAFETY: as above.
            expect(unsafe { guarded_copy_closed(system, buffer.as_ptr(), length) }.unwrap_err());
        }
        for width in [Width::One, Width::Two, Width::Four, Width::Eight] {
            // SAFETY: as above.
            expect(unsafe { guarded_read_closed(system, width) }.unwrap_err());
        }
        assert_eq!(STAC_COUNT.load(SeqCst), 0);
    }
}

#[test]
fn a_system_address_that_was_not_checked_becomes_the_user_limit() {
    let limit = USER_LIMIT.load(SeqCst);
    for routine in routines() {
        for (address, _) in SYSTEM {
            let _alone = processor_alone(false);
            let mut record = no_fault();
            routine.call(&mut record, ptr::without_provenance_mut(address), false);
            // A backward copy moves nothing: there are no bytes between the limit and the limit.
            assert!(record.code == 0xC000_0005 && record.address == limit || record.code == 0);
            assert!(record.code != 0 || routine.is_backward());
        }
    }
}

#[test]
fn direct_accesses_never_open_user_memory() {
    let (mut to, from) = ([0_u64; 2], [1_u64; 2]);
    let pointer = to.as_mut_ptr().cast();
    let _alone = processor_alone(false);
    // SAFETY: both arrays hold 16 bytes.
    unsafe { copy(pointer, from.as_ptr().cast(), 16) };
    // SAFETY: as above.
    unsafe { fill(pointer, 1, 16) };
    // SAFETY: as above.
    unsafe { copy_backward(pointer, from.as_ptr().cast(), 16) };
    // SAFETY: as above.
    unsafe { copy_nontemporal(pointer, from.as_ptr().cast(), 16) };
    // SAFETY: as above.
    unsafe { copy_upward(pointer, from.as_ptr().cast(), 16) };
    // SAFETY: as above.
    let length = unsafe { scan(pointer, 16, false) };
    assert_eq!(length, 1);
    for width in [Width::One, Width::Two, Width::Four, Width::Eight] {
        // SAFETY: as above.
        let value = unsafe { read(pointer, width) };
        // SAFETY: as above.
        unsafe { write(pointer, value, width) };
    }
    assert_eq!(STAC_COUNT.load(SeqCst), 0);
    assert_eq!(CLAC_COUNT.load(SeqCst), 0);
}

#[test]
fn faults_of_other_threads_are_not_counted() {
    let _alone = processor_alone(true);
    let fault = || {
        // SAFETY: the guard is what meets the fault.
        let result = unsafe { guarded_read(bad(), Width::One) };
        assert!(result.is_err());
        (OPEN.load(SeqCst), FAULTS_WHILE_CLOSED.load(SeqCst))
    };
    let noted = thread::scope(|scope| scope.spawn(fault).join().unwrap());
    assert_eq!(noted, (true, 0));
    assert_eq!(fault(), (false, 0));
    assert_eq!(fault(), (false, 1));
}

static STEPPING: AtomicBool = AtomicBool::new(false);
/// The number of streaming stores since the last fence.
static STREAMED: AtomicUsize = AtomicUsize::new(0);
static FENCES: AtomicUsize = AtomicUsize::new(0);
/// RFLAGS.TF: an exception after each instruction.
const EFLAGS_TF: u32 = 1 << 8;

/// Counts streaming stores and fences before each is executed.
unsafe extern "system" fn single_step(pointers: *mut Pointers) -> i32 {
    const STATUS_SINGLE_STEP: u32 = 0x8000_0004;
    const EXCEPTION_CONTINUE_EXECUTION: i32 = -1;
    const EXCEPTION_CONTINUE_SEARCH: i32 = 0;
    // SAFETY: the system passes valid pointers.
    let pointers = unsafe { &*pointers };
    // SAFETY: as above.
    if unsafe { (*pointers.record).code } != STATUS_SINGLE_STEP {
        return EXCEPTION_CONTINUE_SEARCH;
    }
    // SAFETY: as above.
    let context = unsafe { &mut *pointers.context.cast::<Context>() };
    // SAFETY: code is about to be fetched from there.
    match unsafe { *context.rip } {
        [0x66, 0x0F, 0xE7, _] => {
            STREAMED.fetch_add(1, SeqCst); // MOVNTDQ
        }
        [0x0F, 0xAE, 0xF8, _] => {
            STREAMED.store(0, SeqCst); // SFENCE
            FENCES.fetch_add(1, SeqCst);
        }
        _ => {}
    }
    if STEPPING.load(SeqCst) {
        context.flags |= EFLAGS_TF;
    } else {
        context.flags &= !EFLAGS_TF;
    }
    EXCEPTION_CONTINUE_EXECUTION
}

#[test]
fn a_fence_follows_the_streaming_stores() {
    static INSTALLED: Once = Once::new();
    let _alone = processor_alone(false);
    INSTALLED.call_once(|| {
        // SAFETY: the handler changes only the counters and TF.
        unsafe { AddVectoredExceptionHandler(1, single_step) };
    });
    let (mut to, from) = ([0_u8; LONGEST], [1_u8; LONGEST]);
    for guarded in [true, false] {
        STREAMED.store(0, SeqCst);
        FENCES.store(0, SeqCst);
        STEPPING.store(true, SeqCst);
        // SAFETY: sets TF alone; the handler clears it.
        unsafe {
            asm!("pushfq", "or dword ptr [rsp], {tf}", "popfq", tf = const EFLAGS_TF);
        }
        let result = if guarded {
            // SAFETY: both arrays are this long.
            unsafe { guarded_copy_nontemporal(Side::Both, to.as_mut_ptr(), from.as_ptr(), LONGEST) }
        } else {
            // SAFETY: as above.
            unsafe { copy_nontemporal(to.as_mut_ptr(), from.as_ptr(), LONGEST) };
            Ok(())
        };
        STEPPING.store(false, SeqCst);
        assert!(result.is_ok());
        assert_eq!(to, from);
        assert_eq!((STREAMED.load(SeqCst), FENCES.load(SeqCst)), (0, 1));
    }
}

/// Calls a function that raises, with AC set if `ac`. `restore_ac` is what ring 0 under SMAP passes.
/// Returns whether the guard caught the exception.
fn raise(restore_ac: bool, ac: bool) -> bool {
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn RaiseException(code: u32, flags: u32, count: u32, parameters: *const usize);
    }
    let mut raised = Raised::new();
    let mut arguments = [0; ARGUMENTS];
    arguments[0] = 0xE000_0001_usize;
    let guarded = [
        (&raw mut raised).expose_provenance(),
        (RaiseException as *const c_void).expose_provenance(),
        (&raw const arguments).expose_provenance(),
        usize::from(restore_ac),
    ];
    // SAFETY: the function is foreign, and takes four arguments.
    unsafe { call(usermode_accessors_call as *const c_void, guarded, ac) };
    raised.any != 0
}

#[test]
fn after_an_exception_user_memory_is_as_open_as_before_the_call() {
    for (open, stac, clac) in [(false, 0, 1), (true, 1, 0)] {
        let _alone = processor_alone(!open);
        assert!(raise(true, open));
        let counts = (STAC_COUNT.load(SeqCst), CLAC_COUNT.load(SeqCst));
        assert_eq!((counts, OPEN.load(SeqCst)), ((stac, clac), open));
    }
    let _alone = processor_alone(false);
    assert!(raise(false, false));
    assert_eq!((STAC_COUNT.load(SeqCst), CLAC_COUNT.load(SeqCst)), (0, 0));
}
