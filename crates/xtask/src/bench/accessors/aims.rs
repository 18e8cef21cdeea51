//! The project's aims for the speed of its accessors, and whether they are met.

use super::{
    ratios::{Comparison, Contender},
    units::bytes,
};
use std::fmt::Write as _;

/// The noise that is allowed in a comparison with the fastest.
const TOLERANCE: f64 = 1.05;

/// The limit for a guarded read of a number, relative to a plain read, in a chain.
const CHAIN: f64 = 1.5;

/// One aim, for some comparisons at each size.
struct Aim {
    text: &'static str,
    of: &'static [&'static str],
    ratio: fn(&Comparison, u64) -> Option<f64>,
    is_met: fn(f64) -> bool,
}

const AIMS: [Aim; 4] = [
    Aim {
        text: "Never slower than the best of the others by more than 5 %",
        of: &["copy hot", "copy cold", "fill", "string", "wide string"],
        ratio: Comparison::ratio_to_best,
        is_met: |ratio| ratio <= TOLERANCE,
    },
    Aim {
        text: "Faster than every peer that survives a fault",
        of: &["copy hot", "copy cold", "fill", "string", "wide string"],
        ratio: |comparison, size| comparison.ratio(size, Contender::Microseh),
        is_met: |ratio| ratio < 1.0,
    },
    Aim {
        text: "A guarded read of a number in a dependent chain takes less than 1.5 times as long as a plain one",
        of: &["chain hot", "chain far"],
        ratio: |comparison, size| comparison.ratio(size, Contender::Plain),
        is_met: |ratio| ratio < CHAIN,
    },
    Aim {
        text: "A fault that is survived costs less than with `microseh`",
        of: &["fault read", "fault copy"],
        ratio: |comparison, size| comparison.ratio(size, Contender::Microseh),
        is_met: |ratio| ratio < 1.0,
    },
];

/// Returns a Markdown list of the aims and the results.
pub fn list(comparisons: &[Comparison]) -> String {
    let mut list = String::new();
    for aim in AIMS {
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
            .filter_map(|size| Some((size, (self.ratio)(comparison, size)?)))
            .collect();
        let Some(worst) = measured.iter().max_by(|a, b| a.1.total_cmp(&b.1)) else {
            return "not measured".to_owned();
        };
        let met: Vec<bool> = measured
            .iter()
            .map(|(_, ratio)| (self.is_met)(*ratio))
            .collect();
        let sizes: Vec<u64> = measured.iter().map(|(size, _)| *size).collect();
        let all = met.iter().all(|met| *met);
        if sizes.len() == 1 {
            let word = if all { "met" } else { "**not met**" };
            return format!("{word}, at {:.2}", worst.1);
        }
        let worst = format!("at worst {:.2}, at {}", worst.1, bytes(worst.0));
        if all {
            format!("met at all sizes ({worst})")
        } else if met.iter().any(|met| *met) {
            format!(
                "met at {}; **not met** at {} ({worst})",
                runs(&sizes, &met, true),
                runs(&sizes, &met, false)
            )
        } else {
            format!("**not met** at any size ({worst})")
        }
    }
}

/// Lists the sizes at which `met` is `expected`, consecutive sizes as one range.
fn runs(sizes: &[u64], met: &[bool], expected: bool) -> String {
    let pairs: Vec<(u64, bool)> = sizes.iter().copied().zip(met.iter().copied()).collect();
    pairs
        .chunk_by(|a, b| a.1 == b.1)
        .filter(|run| run.first().is_some_and(|first| first.1 == expected))
        .filter_map(|run| {
            let (first, last) = (run.first()?.0, run.last()?.0);
            Some(if first == last {
                bytes(first)
            } else {
                format!("{} to {}", bytes(first), bytes(last))
            })
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
            comparison.add(1 << bits, 0, Contender::Guarded, *ratio);
            comparison.add(1 << bits, 0, Contender::Plain, 1.0);
            comparison.add(1 << bits, 0, Contender::Microseh, 2.0);
        }
        comparison
    }

    #[test]
    fn the_list_names_the_sizes_at_which_an_aim_is_met() {
        let found = [comparison("copy hot", &[1.2, 1.0, 1.04, 1.06, 0.5])];
        let text = list(&found);
        let expected = "  - copy hot: met at 2 B to 4 B, 16 B; **not met** at 1 B, 8 B \
                        (at worst 1.20, at 1 B).\n";
        assert!(text.contains(expected), "{text}");
        let expected = "  - copy hot: met at all sizes (at worst 0.60, at 1 B).\n";
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("  - fill: not measured.\n"), "{text}");
    }

    #[test]
    fn a_chain_has_its_own_limit() {
        let verdict = |ratio| list(&[comparison("chain hot", &[ratio])]);
        assert!(verdict(1.49).contains("  - chain hot: met, at 1.49.\n"));
        assert!(verdict(1.51).contains("  - chain hot: **not met**, at 1.51.\n"));
    }

    #[test]
    fn a_fault_must_be_strictly_cheaper() {
        let text = list(&[comparison("fault read", &[2.0, 2.1])]);
        let expected = "  - fault read: **not met** at any size (at worst 1.05, at 2 B).\n";
        assert!(text.contains(expected), "{text}");
    }
}
