//! The measurements, as ratios within a round, so that disturbances of the machine cancel out.

use std::collections::BTreeMap;

/// One way to do the work of an accessor. See `tests/bench/accessors/contender.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contender {
    Guarded,
    Plain,
    Instruction,
    Microseh,
}

impl Contender {
    /// The contenders with which the guarded accessor is compared.
    pub const OTHERS: [Self; 3] = [Self::Plain, Self::Instruction, Self::Microseh];

    /// Returns the contender with this name in the records.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "guarded" => Some(Self::Guarded),
            "plain" => Some(Self::Plain),
            "instruction" => Some(Self::Instruction),
            "microseh" => Some(Self::Microseh),
            _ => None,
        }
    }
}

/// The times of a round, in nanoseconds.
type Round = BTreeMap<Contender, f64>;

/// The times of one subject, by size and round.
pub struct Comparison {
    pub name: String,
    sizes: BTreeMap<u64, BTreeMap<usize, Round>>,
}

impl Comparison {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            sizes: BTreeMap::new(),
        }
    }

    pub fn add(&mut self, size: u64, round: usize, contender: Contender, time: f64) {
        let rounds = self.sizes.entry(size).or_default();
        rounds.entry(round).or_default().insert(contender, time);
    }

    pub fn sizes(&self) -> impl Iterator<Item = u64> {
        self.sizes.keys().copied()
    }

    /// Returns whether there are times of this contender.
    pub fn has(&self, contender: Contender) -> bool {
        self.sizes()
            .any(|size| self.time(size, contender).is_some())
    }

    /// Returns the median over the rounds, in nanoseconds.
    pub fn time(&self, size: u64, contender: Contender) -> Option<f64> {
        self.median(size, |round| round.get(&contender).copied())
    }

    /// Returns the time of the guarded accessor divided by that of `other`: the median over the rounds.
    pub fn ratio(&self, size: u64, other: Contender) -> Option<f64> {
        self.median(size, |round| {
            Some(round.get(&Contender::Guarded)? / round.get(&other)?)
        })
    }

    /// Returns the time of the guarded accessor divided by that of the fastest other contender.
    pub fn ratio_to_best(&self, size: u64) -> Option<f64> {
        Contender::OTHERS
            .iter()
            .filter_map(|other| self.ratio(size, *other))
            .max_by(f64::total_cmp)
    }

    fn median(&self, size: u64, of: impl Fn(&Round) -> Option<f64>) -> Option<f64> {
        let rounds = self.sizes.get(&size)?;
        let mut values: Vec<f64> = rounds.values().filter_map(of).collect();
        values.sort_by(f64::total_cmp);
        let upper = values.get(values.len() / 2)?;
        let lower = values.get(values.len().checked_sub(1)? / 2)?;
        Some(f64::midpoint(*lower, *upper))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(rounds: &[[f64; 3]]) -> Comparison {
        let mut comparison = Comparison::new("any");
        for (round, [guarded, plain, microseh]) in rounds.iter().enumerate() {
            comparison.add(1, round, Contender::Guarded, *guarded);
            comparison.add(1, round, Contender::Plain, *plain);
            comparison.add(1, round, Contender::Microseh, *microseh);
        }
        comparison
    }

    #[test]
    fn a_disturbed_round_does_not_count() {
        let calm = [2.0, 1.0, 4.0];
        let slow = [40.0, 20.0, 80.0];
        let interrupted = [900.0, 1.0, 4.0];
        let found = comparison(&[calm, interrupted, slow]);
        assert_eq!(found.ratio(1, Contender::Plain), Some(2.0));
        assert_eq!(found.ratio(1, Contender::Microseh), Some(0.5));
        assert_eq!(found.ratio(1, Contender::Instruction), None);
        assert_eq!(found.ratio(2, Contender::Plain), None);
    }

    #[test]
    fn the_fastest_is_the_fastest_in_most_rounds() {
        let found = comparison(&[[6.0, 3.0, 2.0], [6.0, 2.0, 4.0], [6.0, 2.0, 4.0]]);
        assert_eq!(found.ratio_to_best(1), Some(3.0));
        assert_eq!(found.ratio_to_best(2), None);
    }
}
