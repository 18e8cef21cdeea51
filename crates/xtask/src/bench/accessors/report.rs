//! The results, as a page of the documentation, which is printed as well.

use super::{
    super::machine::Machine,
    aims,
    ratios::{Comparison, Contender},
    units::{bytes, duration},
};
use std::fmt;

/// The content of the page.
pub struct Report {
    pub machine: Machine,
    pub comparisons: Vec<Comparison>,
}

/// A table of the page.
struct Subject {
    /// The name of the comparison.
    name: &'static str,
    heading: &'static str,
    /// The heading of the first column.
    size: &'static str,
    /// The names of the contenders in this table.
    plain: &'static str,
    instruction: &'static str,
    microseh: &'static str,
}

const SUBJECTS: [Subject; 9] = [
    Subject {
        name: "copy hot",
        heading: "`copy_from_user`, both buffers in the caches as far as they fit",
        size: "length",
        plain: "`memcpy`",
        instruction: "`rep movsb`",
        microseh: "`microseh` around `memcpy`",
    },
    Subject {
        name: "copy cold",
        heading: "`copy_from_user`, neither buffer in a cache",
        size: "length",
        plain: "`memcpy`",
        instruction: "`rep movsb`",
        microseh: "`microseh` around `memcpy`",
    },
    Subject {
        name: "fill",
        heading: "`fill_user_memory`, hot",
        size: "length",
        plain: "`memset`",
        instruction: "`rep stosb`",
        microseh: "`microseh` around `memset`",
    },
    Subject {
        name: "string",
        heading: "`string_length_from_user`, hot",
        size: "with its zero",
        plain: "`strlen`",
        instruction: "",
        microseh: "`microseh` around `strlen`",
    },
    Subject {
        name: "wide string",
        heading: "`wide_string_length_from_user`, hot",
        size: "with its zero",
        plain: "`wcslen`",
        instruction: "",
        microseh: "`microseh` around `wcslen`",
    },
    Subject {
        name: "chain hot",
        heading: "`read_uintptr_from_user`, 64 reads in a dependent chain, in the first cache",
        size: "each",
        plain: "`read_volatile`",
        instruction: "",
        microseh: "`microseh` around it",
    },
    Subject {
        name: "chain far",
        heading: "`read_uintptr_from_user`, 64 reads in a dependent chain through 64 MiB",
        size: "each",
        plain: "`read_volatile`",
        instruction: "",
        microseh: "`microseh` around it",
    },
    Subject {
        name: "fault read",
        heading: "`read_uintptr_from_user`, from memory that is not there",
        size: "length",
        plain: "",
        instruction: "",
        microseh: "`microseh` around `read_volatile`",
    },
    Subject {
        name: "fault copy",
        heading: "`copy_from_user`, with a fault after some bytes",
        size: "before it",
        plain: "",
        instruction: "",
        microseh: "`microseh` around `memcpy`",
    },
];

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "# How fast the accessors are\n\n\
             Written by `cargo xtask bench --save`. Measured on: {}.\n\n\
             A Windows program under Wine, in user mode: where it was measured there is no SMAP to \
             open and close, a fault travels through Wine, and the C runtime is Wine's `msvcrt`. \
             A ratio is how many times as long the accessor takes as the other: below 1.00 it is \
             faster. Contenders took turns at each size, {} rounds of them; a ratio is formed \
             within a round, from medians, and the table has the median of the rounds. The plot \
             of the copies is `ratio-by-size.svg`.\n\n\
             ## Aims\n\n{}",
            self.machine,
            ROUNDS,
            aims::list(&self.comparisons),
        )?;
        writeln!(formatter, "## Figures")?;
        for subject in &SUBJECTS {
            let found = self
                .comparisons
                .iter()
                .find(|comparison| comparison.name == subject.name);
            if let Some(comparison) = found {
                subject.write(comparison, formatter)?;
            }
        }
        Ok(())
    }
}

/// As in `tests/bench/accessors/main.rs`.
const ROUNDS: usize = 5;

impl Subject {
    const fn name_of(&self, contender: Contender) -> &'static str {
        match contender {
            Contender::Guarded => "time",
            Contender::Plain => self.plain,
            Contender::Instruction => self.instruction,
            Contender::Microseh => self.microseh,
        }
    }

    fn write(&self, comparison: &Comparison, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others: Vec<Contender> = Contender::OTHERS
            .into_iter()
            .filter(|other| comparison.has(*other))
            .collect();
        write!(
            formatter,
            "\n### {}\n\n| {} | time |",
            self.heading, self.size
        )?;
        for other in &others {
            write!(formatter, " to {} |", self.name_of(*other))?;
        }
        write!(formatter, "\n| ---: | ---: |")?;
        for _ in &others {
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
            for other in &others {
                match comparison.ratio(size, *other) {
                    Some(ratio) => write!(formatter, " {ratio:.2} |")?,
                    None => write!(formatter, " |")?,
                }
            }
            writeln!(formatter)?;
        }
        Ok(())
    }
}
