#![doc = include_str!("../docs/performance.md")]
#![doc = include_str!("../docs/ratio-by-size.svg")]
//!
//! # What was tried
//!
//! - `rep movsb` for all copies. With fast short string operations it is as fast as the others up to
//!   128 bytes and from some KiB on, but two to three times as slow between. So copies use overlapping
//!   moves up to 128 bytes, blocks of 64 bytes up to 1 KiB, and `rep movsb` from there on, where CPUID
//!   reports that it is enhanced. CPUID is read once.
//! - A loop for short fills. Overlapping moves are faster, and fills use them up to 128 bytes.
//! - Strings word by word. Aligned blocks of 16 bytes are faster from 32 bytes on. A wide string at an
//!   odd address uses `repne scasw`.
//! - A guarded routine with a frame for each single access. Most of its cost was the call and the
//!   frame. The routines of single accesses have no prologue now, and their callers are inlined.
//! - Not tried: a jump from the loop of blocks into the class of the rest. It would save four
//!   comparisons between 128 bytes and 1 KiB.
//!
//! A fixed cost of some nanoseconds remains: the check of the range, the frame for the handler, and
//! what makes the count of a fault exact. It is greatest where a string instruction starts slowly,
//! from 1 to 4 KiB, and in fills of about 128 bytes. AVX does not help: a kernel must save its state
//! first. A fault far into a long copy costs more than with a guard in C, because the copy continues
//! byte by byte to find the exact byte.
