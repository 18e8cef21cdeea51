//! How many requests of which kind came to what.

use std::{collections::BTreeMap, fmt};

use ringcopy_client::protocol::{Code, NtStatus};

use super::{expected::Expected, model::Request};

/// The requests of a run, counted by kind and status.
#[derive(Debug, Default)]
pub struct Summary {
    counts: BTreeMap<(&'static str, u32), u64>,
    requests: u64,
    /// Responses for which the model allows more than one, by reason.
    loose: BTreeMap<&'static str, u64>,
    /// What else was done, by name.
    others: BTreeMap<&'static str, u64>,
}

impl Summary {
    /// Returns how many requests were sent.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// Returns for how many responses the model allowed more than one.
    #[must_use]
    pub fn loose(&self) -> u64 {
        self.loose.values().sum()
    }

    pub(super) fn count(&mut self, request: &Request, status: NtStatus) {
        self.count_many(request.code, status, 1);
    }

    pub(super) fn count_many(&mut self, code: u32, status: NtStatus, times: u64) {
        let name = Code::from_value(code).map_or("no such code", |code| code.name);
        *self.counts.entry((name, status.0)).or_default() += times;
        self.requests += times;
    }

    /// Counts a response for which the model allows more than one.
    pub(super) fn count_loose(&mut self, expected: &Expected) {
        if let Some(why) = expected.looseness() {
            self.count_loose_by(why);
        }
    }

    pub(super) fn count_loose_by(&mut self, why: &'static str) {
        *self.loose.entry(why).or_default() += 1;
    }

    pub(super) fn count_other(&mut self, name: &'static str, times: u64) {
        *self.others.entry(name).or_default() += times;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((name, status), count) in &self.counts {
            writeln!(
                formatter,
                "{name:<14} {:<36} {count:>10}",
                NtStatus(*status)
            )?;
        }
        for (name, count) in self.loose.iter().chain(&self.others) {
            writeln!(formatter, "{name:<51} {count:>10}")?;
        }
        let loose = "responses for which more than one was allowed";
        writeln!(formatter, "{loose:<51} {:>10}", self.loose())?;
        write!(formatter, "{:<51} {:>10}", "requests in all", self.requests)
    }
}
