#![doc = include_str!("../docs/performance.md")]
#![doc = include_str!("../docs/ratio-by-size.svg")]
//!
//! # What was tried
//!
//! - `rep movsb` for everything: with fast short string operations it is as good as anything up to
//!   128 bytes and from some KiB up, and two to three times as slow between. So copies up to 128
//!   bytes are moves that overlap, up to 1 KiB blocks of 64 bytes, and from there `rep movsb` where
//!   the processor says that it has it enhanced (CPUID, asked once).
//! - A loop for short fills: it lost to moves that overlap, which fills up to 128 bytes now are.
//! - Strings word by word: 16 bytes at a time within an aligned block are faster from 32 bytes up.
//!   A wide string at an odd address still goes by `repne scasw`.
//! - Calling a routine for a number read on its own: most of what it cost was the call and the frame.
//!   The routines of single accesses have no prologue, and what calls them is inlined.
//! - Not tried: jumping from the loop of blocks straight into the class of what is left, which would
//!   save four comparisons between 128 bytes and 1 KiB.
//!
//! What remains is a fixed cost of some nanoseconds: the check of the range, the frame that the
//! handler needs, and the bookkeeping that makes the count of a fault exact. It shows most where a
//! string instruction starts slowly, from 1 to 4 KiB, and in fills of about 128 bytes. AVX is no way
//! out: a kernel has to save its state first. A fault far into a long copy costs more than a guard
//! in C takes for it, since the rest of the block is done again byte by byte to find the exact one.
