//! The results, as a page of the documentation, which is printed as well.

use super::{
    super::machine::Machine,
    ROUNDS, aims,
    places::{HELD_TO_SSE2, PLACES, Place},
    ratios::{Comparison, Contender},
    units::{bytes, duration},
};
use std::fmt;

/// The content of the page.
pub struct Report {
    pub machine: Machine,
    pub comparisons: Vec<Comparison>,
}

/// A table of the page, in each place where it was measured.
struct Subject {
    name: &'static str,
    accessor: &'static str,
    /// What is accessed.
    memory: &'static str,
    /// The heading of the first column.
    size: &'static str,
    /// The names of the other contenders.
    others: [&'static str; Contender::OTHERS.len()],
}

const COPIES: [&str; 3] = ["`memcpy`", "`rep movsb`", "`microseh` around `memcpy`"];
const READS: [&str; 3] = ["`read_volatile`", "", "`microseh` around `read_volatile`"];

const SUBJECTS: [Subject; 10] = [
    Subject {
        name: "copy hot",
        accessor: "copy_from_user",
        memory: "both buffers in the caches as far as they fit",
        size: "length",
        others: COPIES,
    },
    Subject {
        name: "copy cold",
        accessor: "copy_from_user",
        memory: "neither buffer in a cache",
        size: "length",
        others: COPIES,
    },
    Subject {
        name: "fill",
        accessor: "fill_user_memory",
        memory: "hot",
        size: "length",
        others: ["`memset`", "`rep stosb`", "`microseh` around `memset`"],
    },
    Subject {
        name: "string",
        accessor: "string_length_from_user",
        memory: "hot",
        size: "with its zero",
        others: ["`strlen`", "", "`microseh` around `strlen`"],
    },
    Subject {
        name: "wide string",
        accessor: "wide_string_length_from_user",
        memory: "hot",
        size: "with its zero",
        others: ["`wcslen`", "", "`microseh` around `wcslen`"],
    },
    Subject {
        name: "chain hot",
        accessor: "read_uintptr_from_user",
        memory: "64 reads in a dependent chain, in the first cache",
        size: "each",
        others: READS,
    },
    Subject {
        name: "chain far",
        accessor: "read_uintptr_from_user",
        memory: "64 reads in a dependent chain through 64 MiB",
        size: "each",
        others: READS,
    },
    Subject {
        name: "fault read",
        accessor: "read_uintptr_from_user",
        memory: "from memory that is not there",
        size: "length",
        others: READS,
    },
    Subject {
        name: "fault copy",
        accessor: "copy_from_user",
        memory: "8 KiB, with a fault after some bytes",
        size: "before it",
        others: COPIES,
    },
    Subject {
        name: "fault short copy",
        accessor: "copy_from_user",
        memory: "256 bytes, with a fault after some bytes",
        size: "before it",
        others: COPIES,
    },
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
        for place in &PLACES {
            for subject in &SUBJECTS {
                let name = subject.name_in(place);
                let found = self
                    .comparisons
                    .iter()
                    .find(|comparison| comparison.name == name);
                if let Some(comparison) = found {
                    subject.write(place, comparison, formatter)?;
                }
            }
        }
        Ok(())
    }
}

impl Subject {
    /// Returns the name of the comparison.
    fn name_in(&self, place: &Place) -> String {
        format!("{} {}", self.name, place.name)
    }

    fn write(
        &self,
        place: &Place,
        comparison: &Comparison,
        formatter: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let others = || Contender::OTHERS.into_iter().zip(self.others);
        let others = || others().filter(|(other, _)| comparison.has(*other));
        write!(
            formatter,
            "\n### `{}` {}, {}\n\n| {} | time |",
            self.accessor, place.name, self.memory, self.size
        )?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::accessors::plot;

    #[test]
    fn aims_and_plot_name_comparisons_of_the_page() {
        let known: Vec<String> = PLACES
            .iter()
            .flat_map(|place| SUBJECTS.iter().map(|subject| subject.name_in(place)))
            .collect();
        for name in aims::comparisons().chain(plot::comparisons()) {
            assert!(known.iter().any(|known| known == name), "{name}");
        }
    }
}
