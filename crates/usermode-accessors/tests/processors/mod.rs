//! Binds each thread of a test to its own processor, so that the threads run at the same time. A
//! system may leave two busy threads on one processor for minutes.
#![allow(dead_code, reason = "each test program uses a part")]

/// Returns how many of the first 64 processors this process may use.
pub fn count() -> u32 {
    system::processors().count_ones()
}

/// Binds this thread to the processor with this number among them, if there is one.
pub fn bind_to(number: u32) {
    let mut processors = system::processors();
    for _ in 0..number {
        // Clears the lowest bit.
        processors &= processors.wrapping_sub(1);
    }
    if processors != 0 {
        system::bind(1 << processors.trailing_zeros());
    }
}

#[cfg(windows)]
mod system {
    use std::ffi::c_void;

    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetCurrentProcess() -> *mut c_void;
        fn GetCurrentThread() -> *mut c_void;
        fn GetProcessAffinityMask(
            process: *mut c_void,
            own: *mut usize,
            machine: *mut usize,
        ) -> i32;
        fn SetThreadAffinityMask(thread: *mut c_void, mask: usize) -> usize;
    }

    /// Returns a mask with a bit for each processor.
    pub fn processors() -> usize {
        let (mut own, mut machine) = (0, 0);
        // SAFETY: a call without arguments.
        let process = unsafe { GetCurrentProcess() };
        // SAFETY: the handle of this process, and two local variables.
        let done = unsafe { GetProcessAffinityMask(process, &raw mut own, &raw mut machine) };
        assert_ne!(done, 0);
        own
    }

    pub fn bind(mask: usize) {
        // SAFETY: a call without arguments.
        let thread = unsafe { GetCurrentThread() };
        // SAFETY: the handle of this thread.
        let before = unsafe { SetThreadAffinityMask(thread, mask) };
        assert_ne!(before, 0);
    }
}

#[cfg(not(windows))]
mod system {
    use std::{ffi::c_int, process};

    unsafe extern "C" {
        fn sched_getaffinity(process: c_int, size: usize, mask: *mut u64) -> c_int;
        fn sched_setaffinity(thread: c_int, size: usize, mask: *const u64) -> c_int;
    }

    /// The size of a set in the C library, in words.
    const WORDS: usize = 16;

    /// Returns a mask with a bit for each processor.
    pub fn processors() -> usize {
        let mut set = [0; WORDS];
        // The mask of the first thread, which no test binds.
        let process = process::id().cast_signed();
        // SAFETY: fills a local variable of the given size.
        let done = unsafe { sched_getaffinity(process, size_of_val(&set), set.as_mut_ptr()) };
        assert_eq!(done, 0);
        set[0].try_into().unwrap()
    }

    pub fn bind(mask: usize) {
        let mut set = [0; WORDS];
        set[0] = mask.try_into().unwrap();
        // SAFETY: reads a local variable of the given size.
        let done = unsafe { sched_setaffinity(0, size_of_val(&set), set.as_ptr()) };
        assert_eq!(done, 0);
    }
}
