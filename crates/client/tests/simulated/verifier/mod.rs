//! A simulated `verifier.exe`, as the documentation has it: what it accepts, what it refuses, what it
//! prints, and its exit codes. Tests of the client use it, and the stand-in program for Wine.
//!
//! Sources: "Driver Verifier Command Syntax" and "Using Volatile Settings", Windows driver documentation.
//! The documentation leaves some of it open; those parts follow what public test scripts saw on Windows 10,
//! build 19045, and on Server 2025:
//!
//! - up to Windows 10, `/volatile /faults` replaces the volatile flags by 0x4;
//! - on Windows 11, a volatile flag that is not offered is refused with a sentence, and `/dif … /now` that
//!   is refused prints nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The exit codes.
const SUCCESS: i32 = 0;
const ERROR: i32 = 1;
const RESTART_NEEDED: i32 = 2;

/// The first build with rule classes that take effect at once.
const WINDOWS_11: u32 = 22000;

/// The flags that can be volatile, up to Windows 10 and from Windows 11 on.
const VOLATILE_10: u32 = 0x9BB | 0x4 | 0x600 | 0x6000;
const VOLATILE_11: u32 = 0x4 | 0x20 | 0x80 | 0x600;

/// The rule classes that take effect at once.
const NOW: [u32; 10] = [1, 4, 5, 9, 12, 18, 19, 20, 35, 36];

/// Verifier on one machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Verifier {
    /// Windows' build.
    pub build: u32,
    /// The settings for the next start.
    pub next_start: Vec<String>,
    /// The settings that the last start found.
    pub at_start: Vec<String>,
    /// The volatile flags.
    pub flags: u32,
    /// The drivers that were added at once.
    pub drivers: Vec<String>,
    /// The rule classes that run, and the drivers that they run for.
    pub classes: Vec<u32>,
    /// Drivers that were loaded under verification since the start.
    pub loaded: Vec<String>,
    /// Whether the drivers under test are loaded now.
    pub is_loaded: bool,
    /// Arguments that this machine refuses, for a reason of its own.
    pub refuses: Vec<String>,
    /// Whether volatile flags are accepted without effect.
    pub without_effect: bool,
    /// What `/query` prints for a driver that was loaded.
    pub statistics: String,
}

impl Verifier {
    /// Restarts the machine.
    pub fn restart(&mut self) {
        *self = Self {
            build: self.build,
            next_start: self.next_start.clone(),
            at_start: self.next_start.clone(),
            refuses: self.refuses.clone(),
            without_effect: self.without_effect,
            statistics: self.statistics.clone(),
            ..Self::default()
        };
    }

    /// Notes that a driver was loaded.
    pub fn load(&mut self, driver: &str) {
        self.is_loaded = true;
        if self.verifies(driver) && !self.loaded.iter().any(|loaded| loaded == driver) {
            self.loaded.push(driver.into());
        }
    }

    pub const fn unload(&mut self) {
        self.is_loaded = false;
    }

    pub fn verifies(&self, driver: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|name| name == driver);
        named(&self.drivers) || named(&self.at_start)
    }

    /// Returns whether it is on for any driver, or will be.
    pub const fn is_off(&self) -> bool {
        self.next_start.is_empty()
            && self.flags == 0
            && self.drivers.is_empty()
            && self.classes.is_empty()
    }

    /// Returns the time after the start at which allocations fail, if they do.
    pub fn quiet(&self) -> Option<Duration> {
        if self.flags & 0x4 != 0 {
            return Some(Duration::ZERO);
        }
        let after = self.at_start.iter().skip_while(|word| *word != "/faults");
        let minutes = after.skip(4).find_map(|word| word.parse().ok())?;
        Some(Duration::from_mins(minutes))
    }

    /// Runs the program. Returns its exit code and what it printed.
    pub fn run(&mut self, arguments: &[&str]) -> (i32, String) {
        if arguments
            .iter()
            .any(|argument| self.refuses.iter().any(|refused| refused == argument))
        {
            return (ERROR, String::new());
        }
        match arguments {
            ["/reset"] => {
                self.next_start.clear();
                (RESTART_NEEDED, String::new())
            }
            ["/querysettings"] => (SUCCESS, self.next_start.join(" ")),
            ["/query"] => (SUCCESS, self.query()),
            ["/standard", "/driver", _] => self.set_next_start(arguments),
            ["/flags", _, faults @ .., "/driver", _] if is_low_resources(faults) => {
                self.set_next_start(arguments)
            }
            ["/volatile", rest @ ..] => self.volatile(rest),
            ["/dif", classes @ .., "/now", "/driver", driver] => self.enable(classes, driver),
            ["/stop"] if self.build >= WINDOWS_11 && !self.classes.is_empty() => {
                self.classes.clear();
                if !self.is_loaded {
                    self.drivers.clear();
                }
                (SUCCESS, String::new())
            }
            _ => (ERROR, "The syntax of the command is incorrect.\r\n".into()),
        }
    }

    fn set_next_start(&mut self, arguments: &[&str]) -> (i32, String) {
        self.next_start = arguments.iter().map(ToString::to_string).collect();
        (RESTART_NEEDED, String::new())
    }

    fn volatile(&mut self, arguments: &[&str]) -> (i32, String) {
        match arguments {
            ["/flags", flags] => {
                let digits = flags.strip_prefix("0x");
                let parsed = digits.map_or_else(
                    || flags.parse().ok(),
                    |digits| u32::from_str_radix(digits, 16).ok(),
                );
                let Some(flags) = parsed else {
                    return (ERROR, String::new());
                };
                let offered = if self.build < WINDOWS_11 {
                    VOLATILE_10
                } else {
                    VOLATILE_11
                };
                if flags & !offered != 0 {
                    let text = format!(
                        "The specified flags {flags:#010x} are not supported in volatile mode.\r\n"
                    );
                    return (ERROR, text);
                }
                self.flags = if self.without_effect { 0 } else { flags };
                (SUCCESS, String::new())
            }
            ["/adddriver", driver] => {
                if !self.drivers.iter().any(|known| known == driver) {
                    self.drivers.push((*driver).into());
                }
                (SUCCESS, String::new())
            }
            ["/removedriver", _] if self.is_loaded => (ERROR, "The driver is loaded.\r\n".into()),
            ["/removedriver", driver] => {
                self.drivers.retain(|known| known != driver);
                (SUCCESS, String::new())
            }
            faults if is_low_resources(faults) && !faults.is_empty() => {
                if !self.without_effect {
                    let kept = if self.build < WINDOWS_11 {
                        0
                    } else {
                        self.flags
                    };
                    self.flags = kept | 0x4;
                }
                (SUCCESS, String::new())
            }
            _ => (ERROR, String::new()),
        }
    }

    fn enable(&mut self, classes: &[&str], driver: &str) -> (i32, String) {
        let parsed: Option<Vec<u32>> = classes.iter().map(|class| class.parse().ok()).collect();
        match parsed {
            Some(classes)
                if self.build >= WINDOWS_11
                    && self.classes.is_empty()
                    && !classes.is_empty()
                    && classes.iter().all(|class| NOW.contains(class)) =>
            {
                self.classes = classes;
                self.drivers = vec![driver.into()];
                (SUCCESS, String::new())
            }
            _ => (ERROR, String::new()),
        }
    }

    fn query(&self) -> String {
        if self.drivers.is_empty() && self.at_start.is_empty() {
            return "No drivers are currently verified.\r\n".into();
        }
        let mut text = format!("Verifier Flags: {:#010x}\r\n\r\n", self.flags);
        // Only drivers that were loaded since the start have counters.
        if !self.loaded.is_empty() {
            text.push_str(&self.statistics);
        }
        text
    }
}

/// Whether `/faults` is followed by its four values: a probability, pool tags, applications, and
/// minutes. Pool tags and applications may be empty. No arguments are none of it, and are as good.
///
/// Source: "Low Resources Simulation", Windows driver documentation.
fn is_low_resources(arguments: &[&str]) -> bool {
    match arguments {
        [] => true,
        ["/faults", probability, _, _, minutes] => {
            let in_range = |value: u32| (1..=10_000).contains(&value);
            probability.parse().is_ok_and(in_range) && minutes.parse::<u32>().is_ok()
        }
        _ => false,
    }
}
