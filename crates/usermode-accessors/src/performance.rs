#![doc = include_str!("../docs/performance.md")]
#![doc = include_str!("../docs/ratio-by-size.svg")]
//!
//! # What was tried
//!
//! All of it on the processor that the page names, unless another is named.
//!
//! - `rep movsb` for all copies. It is two to three times as slow as moves of 16 bytes between 128 and 512
//!   bytes. It wins from 1 KiB on if the destination is aligned to 64 bytes, from 1.5 KiB on if it is not,
//!   and from 3 KiB on if the destination lies shortly above the source modulo 4 KiB. So it begins at
//!   2 KiB, where CPUID reports that it is enhanced, whatever the make of the processor. On an Intel Xeon
//!   it began to win at 1 KiB.
//! - Alignment of the destination to 64 bytes before `rep movsb`: a tenth faster from 2 to 3 KiB for some
//!   alignments, slower for as many others.
//! - Blocks at aligned addresses. Copies to user memory of 192 to 512 bytes took a tenth to a quarter
//!   longer, so copies do not align. Fills gain up to a sixth by it from 512 bytes on, and do.
//! - A copy to user memory with code of its own, instead of a jump into that of copies from user memory:
//!   no difference beyond that of where the code lies in memory, which is up to 0.5 ns.
//! - Registers that are not pushed before `rep movsb`: no difference.
//! - Strings: a loop that ends in a call of its own, with two pushed registers, took 0.9 ns longer for a
//!   string of a few characters than the code that is inlined now.
//! - The clamp of an address against speculation: a compare and a conditional move, 2 of 6 cycles of a
//!   read in a dependent chain. `CMOVA`, which reads two flags, took 3. One instruction could clear the
//!   highest bit, but AMD's processors may use the lower 48 bits alone while they speculate (["Transient
//!   Execution of Non-canonical Accesses"](https://www.amd.com/en/resources/product-security/bulletin/amd-sb-1010.html),
//!   CVE-2020-12965). Without a chain, the clamp costs nothing that could be measured.
//! - A resumption after a fault that raises a second exception to find the exact byte: it made a survived
//!   fault of a copy of up to 2 KiB cost twice as much as with a guard in C.
//!
//! Why some aims are missed: up to 64 bytes, all of these functions take 5 to 8 cycles, and one cycle is
//! 15 %; glibc as it comes may use AVX-512 there. Copies of 256 bytes to 1 KiB between uncached buffers are
//! faster by `rep movsb`; to fetch lines ahead of the blocks was not tried. At 2 KiB, a fixed cost of
//! 1.4 ns remains beside a bare `rep movsb`: the check of the range, the call, the clamp. From 16 MiB on
//! glibc and `rep movsb` store past the cache, and figures of memory differ by a third from run to run.
//! AVX does not help: a kernel must save its state first.
