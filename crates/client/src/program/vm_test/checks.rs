//! The checks of Driver Verifier, and the arguments that switch them on: from the next start of the
//! machine, or at once.
//!
//! Not every check can be switched on at once. Up to Windows 10 and Server 2022 there are volatile flags;
//! Windows 11 and Server 2025 have rule classes with `/now` in their place. One table has both.
//!
//! Sources: "Driver Verifier Command Syntax", "Using Volatile Settings" and "Low Resources Simulation",
//! Windows driver documentation.

use super::rounds::Round;
use crate::machine::IMAGE;

/// The time in minutes after the machine's start at which allocations begin to fail. It is given to
/// Verifier, whose default is 8 minutes on one page of the documentation and 7 on the other.
pub(super) const QUIET_MINUTES: u64 = 8;

/// The number of allocations in ten thousand that fail: Verifier's default, given because the
/// arguments after it cannot be given without it.
const PROBABILITY: &str = "600";

/// The volatile flag of low resources simulation.
const LOW_RESOURCES: u32 = 0x4;

/// The first build of Windows 11. Server 2022 is 20348, Server 2025 is 26100.
const FIRST_WITH_RULE_CLASSES: u32 = 22000;

/// One check of `/standard`.
struct Check {
    name: &'static str,
    /// Its bit in `/flags`; 0 if it has none.
    flag: u32,
    /// Its number in `/dif`.
    class: u32,
    /// Whether `/volatile` takes the flag, up to Windows 10.
    volatile: bool,
    /// Whether `/volatile` still takes it on Windows 11.
    still_volatile: bool,
    /// Whether `/dif` takes the class with `/now`.
    now: bool,
}

#[rustfmt::skip]
const STANDARD: [Check; 10] = [
    Check { name: "special pool", flag: 0x1, class: 1, volatile: true, still_volatile: false, now: true },
    Check { name: "force IRQL checking", flag: 0x2, class: 2, volatile: true, still_volatile: false, now: false },
    Check { name: "pool tracking", flag: 0x8, class: 4, volatile: true, still_volatile: false, now: true },
    Check { name: "I/O verification", flag: 0x10, class: 5, volatile: true, still_volatile: false, now: true },
    Check { name: "deadlock detection", flag: 0x20, class: 6, volatile: true, still_volatile: true, now: false },
    Check { name: "DMA checking", flag: 0x80, class: 8, volatile: true, still_volatile: true, now: false },
    Check { name: "security checks", flag: 0x100, class: 9, volatile: true, still_volatile: false, now: true },
    Check { name: "miscellaneous checks", flag: 0x800, class: 12, volatile: true, still_volatile: false, now: true },
    Check { name: "DDI compliance checking", flag: 0x20000, class: 18, volatile: false, still_volatile: false, now: true },
    Check { name: "WDF verification", flag: 0, class: 34, volatile: false, still_volatile: false, now: false },
];

/// When a round's settings take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// After a restart.
    NextStart,
    /// At once, by volatile flags.
    VolatileFlags,
    /// At once, by rule classes.
    RuleClasses,
    /// At once, by the volatile flags that there still are where there are rule classes.
    RemainingFlags,
}

/// A setting: the arguments that switch it on, and those that switch it off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) on: Vec<String>,
    pub(super) off: Vec<String>,
}

impl Setting {
    fn new(on: &[&str], off: &[&str]) -> Self {
        let owned = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        Self {
            on: owned(on),
            off: owned(off),
        }
    }
}

impl Effect {
    /// Returns how a build of Windows takes settings at once.
    pub(super) const fn at_once(build: u32) -> Self {
        if build < FIRST_WITH_RULE_CLASSES {
            Self::VolatileFlags
        } else {
            Self::RuleClasses
        }
    }

    /// Returns the settings of a round, in their order.
    pub(super) fn settings(self, round: &Round) -> Vec<Setting> {
        // Empty arguments stand for all pool tags and all applications.
        let faults = |minutes| ["/faults", PROBABILITY, "", "", minutes];
        let faults_at_once =
            || Setting::new(&[&["/volatile"][..], &faults("0")].concat(), &FLAGS_OFF);
        match (self, round.low_resources) {
            (Self::NextStart, false) => {
                vec![Setting::new(&["/standard", "/driver", IMAGE], &["/reset"])]
            }
            (Self::NextStart, true) => {
                let (flags, minutes) = (hexadecimal(|_| true), QUIET_MINUTES.to_string());
                let checks = [&["/flags", &flags][..], &faults(&minutes)].concat();
                let on = [&checks[..], &["/driver", IMAGE]].concat();
                vec![Setting::new(&on, &["/reset"])]
            }
            (Self::VolatileFlags, low_resources) => {
                let mut settings = vec![flags(|check| check.volatile), driver()];
                if low_resources {
                    settings.push(faults_at_once());
                }
                settings
            }
            (Self::RuleClasses, false) => {
                let classes: Vec<_> = STANDARD
                    .iter()
                    .filter(|check| check.now)
                    .map(|check| check.class.to_string())
                    .collect();
                let mut on = vec!["/dif"];
                on.extend(classes.iter().map(String::as_str));
                on.extend(["/now", "/driver", IMAGE]);
                vec![Setting::new(&on, &["/stop"])]
            }
            (Self::RemainingFlags, false) => vec![flags(|check| check.still_volatile), driver()],
            (Self::RuleClasses | Self::RemainingFlags, true) => vec![driver(), faults_at_once()],
        }
    }

    /// Returns the effect to have if Verifier refuses all settings of a round: public scripts saw Server
    /// 2025 refuse rule classes with `/now`.
    pub(super) const fn instead(self, round: &Round) -> Option<Self> {
        match (self, round.low_resources) {
            (Self::RuleClasses, false) => Some(Self::RemainingFlags),
            _ => None,
        }
    }

    /// Returns the names of the checks that cannot be on in a round, and of those that were accepted
    /// and are not in `flags`, the volatile flags in effect, if those are known.
    pub(super) fn not_on(self, round: &Round, flags: Option<u32>) -> Vec<String> {
        let asked = |check: &Check| match self {
            Self::NextStart => true,
            Self::VolatileFlags => check.volatile,
            Self::RuleClasses => check.now && !round.low_resources,
            Self::RemainingFlags => check.still_volatile && !round.low_resources,
        };
        let mut names: Vec<_> = STANDARD
            .iter()
            .filter(|check| !asked(check))
            .map(|check| check.name.to_owned())
            .collect();
        let Some(flags) = flags else {
            return names;
        };
        let lost = |name: &str| format!("{name} (accepted, but not in effect)");
        if matches!(self, Self::VolatileFlags | Self::RemainingFlags) {
            let without = |check: &&Check| asked(check) && check.flag & flags == 0;
            names.extend(
                STANDARD
                    .iter()
                    .filter(without)
                    .map(|check| lost(check.name)),
            );
        }
        if round.low_resources && flags & LOW_RESOURCES == 0 {
            names.push(lost("low resources simulation"));
        }
        names
    }
}

const FLAGS_OFF: [&str; 3] = ["/volatile", "/flags", "0"];

/// Switches volatile flags on.
fn flags(which: impl Fn(&Check) -> bool) -> Setting {
    Setting::new(&["/volatile", "/flags", &hexadecimal(which)], &FLAGS_OFF)
}

/// Puts the driver under the volatile flags.
fn driver() -> Setting {
    Setting::new(
        &["/volatile", "/adddriver", IMAGE],
        &["/volatile", "/removedriver", IMAGE],
    )
}

/// Returns the flags of some checks, as they are typed.
fn hexadecimal(which: impl Fn(&Check) -> bool) -> String {
    let flags = STANDARD.iter().filter(|check| which(check));
    format!("{:#X}", flags.fold(0, |flags, check| flags | check.flag)).replace("0X", "0x")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::vm_test::{rounds::ROUNDS, verifier::as_typed};

    fn typed(effect: Effect, round: usize) -> Vec<(String, String)> {
        effect
            .settings(&ROUNDS[round])
            .iter()
            .map(|setting| (as_typed(&setting.on), as_typed(&setting.off)))
            .collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(on, off): &(&str, &str)| ((*on).to_owned(), (*off).to_owned());
        expected.iter().map(owned).collect()
    }

    #[test]
    fn each_windows_has_its_dialect() {
        for build in [19041, 19045, 20348, 21999] {
            assert_eq!(Effect::at_once(build), Effect::VolatileFlags, "{build}");
        }
        for build in [22000, 22631, 26100, u32::MAX] {
            assert_eq!(Effect::at_once(build), Effect::RuleClasses, "{build}");
        }
    }

    #[test]
    fn the_settings_are_those_of_the_documentation() {
        let driver = (
            "/volatile /adddriver ringcopy.sys",
            "/volatile /removedriver ringcopy.sys",
        );
        let flags = ("/volatile /flags 0x9BB", "/volatile /flags 0");
        let faults = ("/volatile /faults 600 \"\" \"\" 0", "/volatile /flags 0");
        assert_eq!(typed(Effect::VolatileFlags, 0), pairs(&[flags, driver]));
        assert_eq!(
            typed(Effect::VolatileFlags, 1),
            pairs(&[flags, driver, faults])
        );
        let classes = "/dif 1 4 5 9 12 18 /now /driver ringcopy.sys";
        assert_eq!(typed(Effect::RuleClasses, 0), pairs(&[(classes, "/stop")]));
        assert_eq!(typed(Effect::RuleClasses, 1), pairs(&[driver, faults]));
    }

    #[test]
    fn what_is_not_on_is_named() {
        let names = |effect: Effect, round: usize, flags| effect.not_on(&ROUNDS[round], flags);
        assert_eq!(names(Effect::NextStart, 0, None), [""; 0]);
        assert_eq!(
            names(Effect::VolatileFlags, 0, Some(0x9BB)),
            ["DDI compliance checking", "WDF verification"]
        );
        assert_eq!(
            names(Effect::RuleClasses, 0, None),
            [
                "force IRQL checking",
                "deadlock detection",
                "DMA checking",
                "WDF verification"
            ]
        );
        assert_eq!(names(Effect::RuleClasses, 1, Some(4)).len(), STANDARD.len());
        let lost = names(Effect::VolatileFlags, 1, Some(0x9BA));
        assert_eq!(
            lost[2..],
            [
                "special pool (accepted, but not in effect)",
                "low resources simulation (accepted, but not in effect)"
            ]
        );
    }
}
