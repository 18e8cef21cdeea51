//! The project's aims for the speed of its accessors, and whether they are met.

use super::{
    ratios::{Comparison, Contender},
    units::bytes,
};
use std::{fmt::Write as _, ops::RangeInclusive};

/// One aim, for some comparisons at some sizes.
struct Aim {
    text: &'static str,
    of: &'static [&'static str],
    sizes: RangeInclusive<u64>,
    ratio: fn(&Comparison, u64) -> Option<f64>,
    is_met: fn(f64) -> bool,
}

const ALL_SIZES: RangeInclusive<u64> = 0..=u64::MAX;

const AIMS: [Aim; 6] = [
    Aim {
        text: "A copy or fill takes at most 1.05 times as long as the fastest of the others, except \
               for glibc as it comes",
        of: &[
            "copy hot beside glibc held to SSE2",
            "fill beside glibc held to SSE2",
            "copy hot under Wine",
            "copy cold under Wine",
            "fill under Wine",
        ],
        sizes: ALL_SIZES,
        ratio: Comparison::ratio_to_best,
        is_met: is_at_most_a_twentieth_slower,
    },
    Aim {
        text: "Up to 64 bytes, a copy or fill is not slower than by glibc as it comes",
        of: &[
            "copy hot beside glibc as it comes",
            "fill beside glibc as it comes",
        ],
        sizes: 0..=64,
        ratio: to_plain,
        is_met: is_not_slower,
    },
    Aim {
        text: "The length of a string of 0 to 3 characters is found not slower than by the C runtime",
        of: &["string under Wine", "wide string under Wine"],
        sizes: 0..=8,
        ratio: to_plain,
        is_met: is_not_slower,
    },
    Aim {
        text: "Faster than every peer that survives a fault",
        of: &[
            "copy hot under Wine",
            "copy cold under Wine",
            "fill under Wine",
            "string under Wine",
            "wide string under Wine",
        ],
        sizes: ALL_SIZES,
        ratio: to_microseh,
        is_met: is_faster,
    },
    Aim {
        text: "A guarded read of a number in a dependent chain takes at most 1.05 times as long as a \
               plain one",
        of: &["chain hot under Wine", "chain far under Wine"],
        sizes: ALL_SIZES,
        ratio: to_plain,
        is_met: is_at_most_a_twentieth_slower,
    },
    Aim {
        text: "A fault that is survived costs less than with `microseh`",
        of: &[
            "fault read under Wine",
            "fault copy under Wine",
            "fault short copy under Wine",
        ],
        sizes: ALL_SIZES,
        ratio: to_microseh,
        is_met: is_faster,
    },
];

fn to_plain(comparison: &Comparison, size: u64) -> Option<f64> {
    comparison.ratio(size, Contender::Plain)
}

fn to_microseh(comparison: &Comparison, size: u64) -> Option<f64> {
    comparison.ratio(size, Contender::Microseh)
}

fn is_faster(ratio: f64) -> bool {
    ratio < 1.0
}

/// Allows for the third decimal, which the page does not show.
fn is_not_slower(ratio: f64) -> bool {
    ratio < 1.005
}

fn is_at_most_a_twentieth_slower(ratio: f64) -> bool {
    ratio < 1.055
}

/// Returns the names of the comparisons that have an aim.
#[cfg(test)]
pub fn comparisons() -> impl Iterator<Item = &'static str> {
    AIMS.iter().flat_map(|aim| aim.of).copied()
}

/// Returns a Markdown list of the aims and the results.
pub fn list(comparisons: &[Comparison]) -> String {
    let mut list = String::new();
    for aim in &AIMS {
        let _ = writeln!(list, "- {}.", aim.text);
        for name in aim.of {
            let verdict = comparisons
                .iter()
                .find(|comparison| comparison.name == *name)
                .map_or_else(
                    || "not measured".to_owned(),
                    |comparison| aim.verdict(comparison),
                );
            let _ = writeln!(list, "  - {name}: {verdict}.");
        }
    }
    list
}

impl Aim {
    fn verdict(&self, comparison: &Comparison) -> String {
        let measured: Vec<(u64, f64)> = comparison
            .sizes()
            .filter(|size| self.sizes.contains(size))
            .filter_map(|size| Some((size, (self.ratio)(comparison, size)?)))
            .collect();
        let Some(worst) = measured.iter().max_by(|a, b| a.1.total_cmp(&b.1)) else {
            return "not measured".to_owned();
        };
        let is_met = self.is_met;
        if measured.len() == 1 {
            let word = if is_met(worst.1) {
                "met"
            } else {
                "**not met**"
            };
            return format!("{word}, at {:.2}", worst.1);
        }
        let met = runs(&measured, is_met);
        let missed = runs(&measured, |ratio| !is_met(ratio));
        let worst = format!("at worst {:.2}, at {}", worst.1, bytes(worst.0));
        if missed.is_empty() {
            format!("met at all sizes ({worst})")
        } else if met.is_empty() {
            format!("**not met** at any size ({worst})")
        } else {
            format!("met at {met}; **not met** at {missed} ({worst})")
        }
    }
}

/// Lists the sizes whose ratio is `chosen`, consecutive sizes as one range.
fn runs(measured: &[(u64, f64)], chosen: impl Fn(f64) -> bool) -> String {
    measured
        .chunk_by(|a, b| chosen(a.1) == chosen(b.1))
        .filter_map(|run| {
            let (first, last) = (run.first()?, run.last()?);
            let sizes = if first.0 == last.0 {
                bytes(first.0)
            } else {
                format!("{} to {}", bytes(first.0), bytes(last.0))
            };
            chosen(first.1).then_some(sizes)
        })
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(name: &str, ratios: &[f64]) -> Comparison {
        let mut comparison = Comparison::new(name);
        for (bits, ratio) in ratios.iter().enumerate() {
            comparison.add(1 << bits, Contender::Guarded, *ratio);
            comparison.add(1 << bits, Contender::Plain, 1.0);
            comparison.add(1 << bits, Contender::Microseh, 2.0);
        }
        comparison
    }

    #[test]
    fn the_list_names_the_sizes_at_which_an_aim_is_met() {
        let found = [comparison(
            "copy hot under Wine",
            &[1.2, 1.0, 1.05, 1.06, 0.5],
        )];
        let text = list(&found);
        let expected = "  - copy hot under Wine: met at 2 B to 4 B, 16 B; **not met** at 1 B, 8 B \
                        (at worst 1.20, at 1 B).\n";
        assert!(text.contains(expected), "{text}");
        let expected = "  - copy hot under Wine: met at all sizes (at worst 0.60, at 1 B).\n";
        assert!(text.contains(expected), "{text}");
        assert!(
            text.contains("  - fill under Wine: not measured.\n"),
            "{text}"
        );
    }

    #[test]
    fn a_chain_has_its_own_limit() {
        let verdict = |ratio| list(&[comparison("chain hot under Wine", &[ratio])]);
        assert!(verdict(1.05).contains("  - chain hot under Wine: met, at 1.05.\n"));
        assert!(verdict(1.06).contains("  - chain hot under Wine: **not met**, at 1.06.\n"));
    }

    #[test]
    fn an_aim_for_small_sizes_ignores_the_large_ones() {
        let text = list(&[comparison("string under Wine", &[0.9, 1.0, 0.9, 0.9, 1.4])]);
        let expected = "  - string under Wine: met at all sizes (at worst 1.00, at 2 B).\n";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn a_fault_must_be_strictly_cheaper() {
        let text = list(&[comparison("fault read under Wine", &[2.0, 2.1])]);
        let expected =
            "  - fault read under Wine: **not met** at any size (at worst 1.05, at 2 B).\n";
        assert!(text.contains(expected), "{text}");
    }
}
