//! The results, as a page of the documentation, which is printed as well.

use super::{
    super::machine::Machine,
    HELD_TO_SSE2, ROUNDS, aims,
    ratios::{Comparison, Contender},
    units::{bytes, duration},
};
use std::fmt;

/// The content of the page.
pub struct Report {
    pub machine: Machine,
    pub comparisons: Vec<Comparison>,
}

/// A table of the page: the name of the comparison, the heading, the heading of the first column, and
/// the names of the other contenders.
struct Subject(
    &'static str,
    &'static str,
    &'static str,
    [&'static str; Contender::OTHERS.len()],
);

const COPIES: [&str; 3] = ["`memcpy`", "`rep movsb`", "`microseh` around `memcpy`"];
const READS: [&str; 3] = ["`read_volatile`", "", "`microseh` around it"];

const SUBJECTS: [Subject; 14] = [
    Subject(
        "copy hot beside glibc held to SSE2",
        "`copy_from_user` beside glibc held to SSE2, both buffers in the caches as far as they fit",
        "length",
        ["`memcpy`", "`rep movsb`", ""],
    ),
    Subject(
        "fill beside glibc held to SSE2",
        "`fill_user_memory` beside glibc held to SSE2, hot",
        "length",
        ["`memset`", "`rep stosb`", ""],
    ),
    Subject(
        "copy hot beside glibc as it comes",
        "`copy_from_user` beside glibc as it comes, hot",
        "length",
        ["`memcpy`", "`rep movsb`", ""],
    ),
    Subject(
        "fill beside glibc as it comes",
        "`fill_user_memory` beside glibc as it comes, hot",
        "length",
        ["`memset`", "`rep stosb`", ""],
    ),
    Subject(
        "copy hot",
        "`copy_from_user` under Wine, both buffers in the caches as far as they fit",
        "length",
        COPIES,
    ),
    Subject(
        "copy cold",
        "`copy_from_user`, neither buffer in a cache",
        "length",
        COPIES,
    ),
    Subject(
        "fill",
        "`fill_user_memory`, hot",
        "length",
        ["`memset`", "`rep stosb`", "`microseh` around `memset`"],
    ),
    Subject(
        "string",
        "`string_length_from_user`, hot",
        "with its zero",
        ["`strlen`", "", "`microseh` around `strlen`"],
    ),
    Subject(
        "wide string",
        "`wide_string_length_from_user`, hot",
        "with its zero",
        ["`wcslen`", "", "`microseh` around `wcslen`"],
    ),
    Subject(
        "chain hot",
        "`read_uintptr_from_user`, 64 reads in a dependent chain, in the first cache",
        "each",
        READS,
    ),
    Subject(
        "chain far",
        "`read_uintptr_from_user`, 64 reads in a dependent chain through 64 MiB",
        "each",
        READS,
    ),
    Subject(
        "fault read",
        "`read_uintptr_from_user`, from memory that is not there",
        "length",
        ["", "", "`microseh` around `read_volatile`"],
    ),
    Subject(
        "fault copy",
        "`copy_from_user` of 8 KiB, with a fault after some bytes",
        "before it",
        ["", "", "`microseh` around `memcpy`"],
    ),
    Subject(
        "fault short copy",
        "`copy_from_user` of 256 bytes, with a fault after some bytes",
        "before it",
        ["", "", "`microseh` around `memcpy`"],
    ),
];

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "# How fast the accessors are\n\n\
             Written by `cargo xtask bench --save`. Measured on: {}.\n\n\
             A ratio is how many times as long the accessor takes as the other: below 1.00 it is \
             faster. Contenders took turns at each size, in {ROUNDS} processes. The least time of \
             each counts, since whatever else the machine does makes it slower.\n\n\
             Beside glibc, the accessors and the C library are in one program of Linux. Held to SSE2 \
             (`{HELD_TO_SSE2}`), glibc uses the registers that a driver may use. All else is a Windows \
             program under Wine, whose C runtime is Wine's `msvcrt`. Everything is measured in user mode: there is no \
             SMAP to open and close, and a fault travels through Wine. The plot of the copies is \
             `ratio-by-size.svg`.\n\n\
             ## Aims\n\n{}",
            self.machine,
            aims::list(&self.comparisons),
        )?;
        writeln!(formatter, "## Figures")?;
        for subject in &SUBJECTS {
            let found = self
                .comparisons
                .iter()
                .find(|comparison| comparison.name == subject.0);
            if let Some(comparison) = found {
                subject.write(comparison, formatter)?;
            }
        }
        Ok(())
    }
}

impl Subject {
    fn write(&self, comparison: &Comparison, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_, heading, size, names) = self;
        let others = || Contender::OTHERS.into_iter().zip(names);
        let others = || others().filter(|(other, _)| comparison.has(*other));
        write!(formatter, "\n### {heading}\n\n| {size} | time |")?;
        for (_, name) in others() {
            write!(formatter, " to {name} |")?;
        }
        write!(formatter, "\n| ---: | ---: |")?;
        for _ in others() {
            write!(formatter, " ---: |")?;
        }
        writeln!(formatter)?;
        for size in comparison.sizes() {
            let time = comparison.time(size, Contender::Guarded);
            write!(
                formatter,
                "| {} | {} |",
                bytes(size),
                time.map_or_else(String::new, duration)
            )?;
            for (other, _) in others() {
                match comparison.ratio(size, other) {
                    Some(ratio) => write!(formatter, " {ratio:.2} |")?,
                    None => write!(formatter, " |")?,
                }
            }
            writeln!(formatter)?;
        }
        Ok(())
    }
}
