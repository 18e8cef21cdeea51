//! The rounds of a test, and the names of their steps.

/// One round of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Round {
    pub(super) name: &'static str,
    /// Whether allocations fail on purpose.
    pub(super) low_resources: bool,
    /// Whether memory of the whole system is read, which is done only if the user asks for it.
    pub(super) foreign_memory: bool,
}

/// The first round checks the driver's rules, the second one also lets allocations fail. The third is
/// the last one, so that a machine that does not survive it has done the others.
pub(super) const ROUNDS: [Round; 3] = [
    Round {
        name: "standard",
        low_resources: false,
        foreign_memory: false,
    },
    Round {
        name: "low resources",
        low_resources: true,
        foreign_memory: false,
    },
    Round {
        name: "foreign memory",
        low_resources: false,
        foreign_memory: true,
    },
];

/// The last step of a round, which checks Verifier's counters.
pub(super) const STATISTICS: &str = "statistics";

/// The step that asks the driver whether the native engine may be used.
pub(super) const ENGINES: &str = "engines";

impl Round {
    /// Returns the names of the steps that use the driver.
    pub(super) const fn driven(&self) -> &'static [&'static str] {
        if self.foreign_memory {
            &[
                ENGINES,
                "foreign RAM",
                "kernel image",
                "paged pool",
                "session space",
            ]
        } else {
            &["selftest", "verify", "abuse", "load and unload"]
        }
    }
}
