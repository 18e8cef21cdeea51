//! What was wrong with a driver.

use std::fmt;

use nt_status::NtStatus;
use serde_json::{Value, json};

use super::symbols::Symbols;

/// One thing that was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The file is no driver for the lab, or its image could not be loaded.
    ImageRefused(String),
    /// An import that the lab lacks, as `library!name (for image)`, or a function of the framework.
    MissingImport(String),
    /// The entry point, `AddDevice` or the start of the device failed.
    StartFailed(NtStatus),
    /// A step could not be carried out: its text, and why.
    StepNotDone(String, String),
    /// The driver has no unload routine, and stays loaded.
    NoUnload,
    /// Something was left when the driver was unloaded.
    Leak(String),
    /// The lab ended with a bug check.
    Crash(Crash),
    /// The driver did not return within the given number of seconds.
    NoReturn(u64, Crash),
    /// The machine ended in another way.
    Stopped(String),
}

/// A bug check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crash {
    /// Its code and four parameters, and its name.
    pub code: String,
    /// The rule that was broken, and how, if the lab could say.
    pub rule: Option<String>,
    /// Where it happened, and the callers: the innermost first.
    pub stack: Vec<String>,
}

impl Crash {
    /// Returns the bug check in a log.
    pub(super) fn in_log(log: &[String], symbols: &Symbols) -> Option<Self> {
        let position = log.iter().position(|line| line.starts_with(BUGCHECK))?;
        let (before, from) = log.split_at(position);
        let rule = before
            .last()
            .filter(|line| line.starts_with("VIOLATION"))
            .map(|line| symbols.annotate(line, false));
        let (first, after) = from.split_first()?;
        let stack = after.iter().map_while(|line| {
            let is_return = line.starts_with("  from ");
            let is_place = is_return || line.starts_with("  at ");
            is_place.then(|| symbols.annotate(line.trim_start(), is_return))
        });
        Some(Self {
            code: first.trim_start_matches(BUGCHECK).to_owned(),
            rule,
            stack: stack.collect(),
        })
    }

    /// Whether the host has interrupted a machine that no longer replied.
    pub(super) fn is_interruption(&self) -> bool {
        self.code.ends_with("NMI_HARDWARE_FAILURE")
    }
}

/// The start of the line with a bug check.
const BUGCHECK: &str = "BUGCHECK ";

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.rule.iter().chain(&self.stack) {
            write!(f, "\n    {line}")?;
        }
        Ok(())
    }
}

impl Verdict {
    /// Returns what a line of the log says is missing.
    pub(super) fn missing_in(line: &str) -> Option<Self> {
        let import = line.strip_prefix("missing: ").map(str::to_owned);
        let function = || {
            let said = line.strip_prefix("[driver] WDF: ")?;
            let listed = said.strip_prefix("missing: ");
            let name = listed.unwrap_or(said);
            let name = name.strip_suffix(" is not implemented").or(listed)?;
            Some(format!("WDFLDR.SYS!{name}"))
        };
        import.or_else(function).map(Self::MissingImport)
    }

    /// Returns its name, which stays the same from release to release.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ImageRefused(_) => "image-refused",
            Self::MissingImport(_) => "missing-import",
            Self::StartFailed(_) => "start-failed",
            Self::StepNotDone(..) => "step-not-done",
            Self::NoUnload => "no-unload",
            Self::Leak(_) => "leak",
            Self::Crash(_) => "crash",
            Self::NoReturn(..) => "no-return",
            Self::Stopped(_) => "stopped",
        }
    }

    /// Returns it as data: its name and text, and of a bug check the code, the rule and the stack.
    pub(super) fn to_json(&self) -> Value {
        let mut value = json!({ "name": self.name(), "text": self.to_string() });
        if let Self::Crash(crash) | Self::NoReturn(_, crash) = self {
            value["bugcheck"] = json!(crash.code);
            value["rule"] = json!(crash.rule);
            value["stack"] = json!(crash.stack);
        }
        if let Self::Leak(line) = self
            && let Some(leak) = PoolLeak::of(line)
        {
            value["bytes"] = json!(leak.bytes);
            value["tag"] = json!(leak.tag);
            value["callers"] = json!(leak.callers);
        }
        value
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ImageRefused(text)
            | Self::MissingImport(text)
            | Self::Leak(text)
            | Self::Stopped(text) => f.write_str(text),
            Self::StartFailed(status) => write!(f, "the driver did not start: {status}"),
            Self::StepNotDone(step, reason) => write!(f, "{step}: {reason}"),
            Self::NoUnload => f.write_str(
                "the driver has no unload routine: Windows keeps it loaded until it shuts down",
            ),
            Self::Crash(crash) => write!(f, "{}{crash}", crash.code),
            Self::NoReturn(seconds, crash) => {
                write!(f, "the driver did not return within {seconds} s{crash}")
            }
        }
    }
}

/// An allocation that was left, as the lab's line says.
struct PoolLeak<'line> {
    bytes: u64,
    tag: &'line str,
    callers: Vec<&'line str>,
}

impl<'line> PoolLeak<'line> {
    fn of(line: &'line str) -> Option<Self> {
        let (bytes, rest) = line.strip_prefix("pool: ")?.split_once(" bytes at ")?;
        let (_, rest) = rest.split_once(", tag '")?;
        let (tag, rest) = rest.split_at_checked(4)?;
        let callers = rest
            .strip_prefix("', allocated by ")
            .map(|callers| callers.split(" < "));
        Some(Self {
            bytes: bytes.parse().ok()?,
            tag,
            callers: callers.into_iter().flatten().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[&str]) -> Vec<String> {
        text.iter().map(|&line| line.to_owned()).collect()
    }

    #[test]
    fn a_bug_check_is_read_from_the_log() {
        let log = lines(&[
            "[driver] BUGCHECK of its own",
            "VIOLATION of PoolFreed (devtest/special-pool): 0x10 was freed",
            "BUGCHECK 0xC2 (0x7, 0x0, 0x0, 0x10) BAD_POOL_CALLER",
            "  at it+0x10",
            "  from it+0x20",
            "another line",
        ]);
        let crash = Crash::in_log(&log, &Symbols::default()).unwrap();
        assert_eq!(crash.code, "0xC2 (0x7, 0x0, 0x0, 0x10) BAD_POOL_CALLER");
        assert!(crash.rule.as_ref().unwrap().contains("PoolFreed"));
        assert_eq!(crash.stack, ["at it+0x10", "from it+0x20"]);
        assert_eq!(Crash::in_log(&log[3..], &Symbols::default()), None);
    }

    #[test]
    fn what_is_missing_is_read_from_the_log() {
        for (line, missing) in [
            ("missing: a.exe!B (for c.sys)", Some("a.exe!B (for c.sys)")),
            (
                "[driver] WDF: WdfOne is not implemented",
                Some("WDFLDR.SYS!WdfOne"),
            ),
            ("[driver] WDF: missing: WdfTwo", Some("WDFLDR.SYS!WdfTwo")),
            (
                "[driver] WDF: missing: WdfTwo is not implemented",
                Some("WDFLDR.SYS!WdfTwo"),
            ),
            ("[driver] missing: nothing", None),
        ] {
            let expected = missing.map(|text| Verdict::MissingImport(text.into()));
            assert_eq!(Verdict::missing_in(line), expected);
        }
    }

    #[test]
    fn a_leak_has_its_size_tag_and_callers_as_data() {
        let line = "pool: 100 bytes at 0xffff, tag 'Le'k', allocated by it+0x1 [f] < it+0x2";
        let value = Verdict::Leak(line.into()).to_json();
        assert_eq!(value["bytes"], 100);
        assert_eq!(value["tag"], "Le'k");
        assert_eq!(value["callers"], json!(["it+0x1 [f]", "it+0x2"]));
        let value = Verdict::Leak("device: \\Device\\It".into()).to_json();
        assert_eq!(value["bytes"], Value::Null);
    }
}
