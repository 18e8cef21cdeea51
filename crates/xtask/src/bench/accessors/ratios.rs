//! The measurements. Of each contender the least time of all rounds counts: whatever else the machine
//! does makes it slower, never faster.

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

/// The least times, in nanoseconds.
type Times = BTreeMap<Contender, f64>;

/// The times of one subject, by size.
pub struct Comparison {
    pub name: String,
    sizes: BTreeMap<u64, Times>,
}

impl Comparison {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            sizes: BTreeMap::new(),
        }
    }

    /// Adds a time. It counts if no other of the same size and contender is less.
    pub fn add(&mut self, size: u64, contender: Contender, time: f64) {
        let times = self.sizes.entry(size).or_default();
        let least = times.entry(contender).or_insert(time);
        *least = least.min(time);
    }

    pub fn sizes(&self) -> impl Iterator<Item = u64> {
        self.sizes.keys().copied()
    }

    /// Returns whether there are times of this contender.
    pub fn has(&self, contender: Contender) -> bool {
        self.sizes()
            .any(|size| self.time(size, contender).is_some())
    }

    /// Returns the time in nanoseconds.
    pub fn time(&self, size: u64, contender: Contender) -> Option<f64> {
        self.sizes.get(&size)?.get(&contender).copied()
    }

    /// Returns the time of the guarded accessor divided by that of `other`.
    pub fn ratio(&self, size: u64, other: Contender) -> Option<f64> {
        Some(self.time(size, Contender::Guarded)? / self.time(size, other)?)
    }

    /// Returns the time of the guarded accessor divided by that of the fastest other contender.
    pub fn ratio_to_best(&self, size: u64) -> Option<f64> {
        Contender::OTHERS
            .iter()
            .filter_map(|other| self.ratio(size, *other))
            .max_by(f64::total_cmp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disturbed_time_does_not_count() {
        let mut found = Comparison::new("any");
        for [guarded, plain, microseh] in [[40.0, 1.5, 4.0], [2.0, 900.0, 4.0], [3.0, 1.0, 80.0]] {
            found.add(1, Contender::Guarded, guarded);
            found.add(1, Contender::Plain, plain);
            found.add(1, Contender::Microseh, microseh);
        }
        assert_eq!(found.ratio(1, Contender::Plain), Some(2.0));
        assert_eq!(found.ratio(1, Contender::Microseh), Some(0.5));
        assert_eq!(found.ratio(1, Contender::Instruction), None);
        assert_eq!(found.ratio(2, Contender::Plain), None);
        assert_eq!(found.ratio_to_best(1), Some(2.0));
        assert_eq!(found.ratio_to_best(2), None);
    }
}
