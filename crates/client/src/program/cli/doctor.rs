//! `ringcopy doctor`: checks what the driver needs of the machine.

use ringcopy_protocol::{PROTOCOL_VERSION, WIN32_DEVICE_PATH};
use serde_json::{Value, json};

use super::{Connect, Stop, info::reach, view::View};
use crate::{
    Device, Error, Information, OpenAccess, explain,
    machine::{self, Facts, Service, State, System, Vbs},
};

/// The first build with `ExAllocatePool2` and with KMDF 1.31, which the driver is built for:
/// Windows 10 version 2004. Source: "KMDF Version History", Windows driver documentation.
const FIRST_BUILD: u32 = 19041;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    Bad,
    /// It is not known, or does not matter here.
    Unknown,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Bad => "BAD",
            Self::Unknown => "?",
        }
    }
}

struct Row {
    name: &'static str,
    verdict: Verdict,
    found: String,
    advice: Option<String>,
}

impl Row {
    fn new(name: &'static str, verdict: Verdict, found: impl Into<String>) -> Self {
        Self {
            name,
            verdict,
            found: found.into(),
            advice: None,
        }
    }

    fn advise(mut self, advice: impl Into<String>) -> Self {
        if self.verdict == Verdict::Bad {
            self.advice = Some(advice.into());
        }
        self
    }
}

pub(super) fn run(
    system: &mut dyn System,
    connect: &mut Connect<'_, '_>,
    view: &mut View<'_, '_>,
) -> Result<(), Stop> {
    let rows = examine(system, connect);
    for row in &rows {
        view.line(&format!(
            "{:<18} {:<4} {}",
            row.name,
            row.verdict.word(),
            row.found
        ))?;
        if let Some(advice) = &row.advice {
            view.line(&format!("{:<18}      -> {advice}", ""))?;
        }
        if row.verdict == Verdict::Bad {
            view.document.fault();
        }
    }
    let checks: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "name": row.name,
                "verdict": match row.verdict {
                    Verdict::Good => "good",
                    Verdict::Bad => "bad",
                    Verdict::Unknown => "unknown",
                },
                "found": row.found,
                "advice": row.advice,
            })
        })
        .collect();
    view.document.detail("checks", checks);
    Ok(())
}

fn examine(system: &mut dyn System, connect: &mut Connect<'_, '_>) -> Vec<Row> {
    let facts = system.facts();
    let mut rows = vec![
        version(&facts),
        yes_no("administrator", facts.elevated, true)
            .advise("start this program as an administrator"),
        yes_no("SeDebugPrivilege", facts.debug_privilege, true).advise(
            "without it the driver reads only this process's own memory; administrators have it",
        ),
        test_signing(&facts),
        vbs(&facts),
        memory_integrity(&facts),
        secure_boot(&facts),
    ];
    let service = match system.service() {
        Ok(service) => {
            rows.push(of_service(service.as_ref()));
            service
        }
        Err(error) => {
            let failure = machine::Failure::from(error);
            rows.push(Row::new("service", Verdict::Bad, failure.0));
            None
        }
    };
    let Some(service) = service else {
        return rows;
    };
    rows.push(match machine::policy(system) {
        Ok(settings) => Row::new("policy", Verdict::Good, reach(settings.policy)),
        Err(failure) => Row::new("policy", Verdict::Bad, failure.0),
    });
    if service.state == State::Running {
        rows.extend(of_driver(connect));
    }
    rows
}

fn version(facts: &Facts) -> Row {
    let [major, minor, build] = facts.version;
    let found = format!("{major}.{minor}, build {build}");
    if let Some(wine) = &facts.wine {
        return Row::new(
            "Windows",
            Verdict::Unknown,
            format!("{found}, by Wine {wine}"),
        );
    }
    let verdict = if build >= FIRST_BUILD {
        Verdict::Good
    } else {
        Verdict::Bad
    };
    Row::new("Windows", verdict, found).advise(
        "the driver needs KMDF 1.31, which comes with Windows 10 version 2004; use that or a later \
         version",
    )
}

fn yes_no(name: &'static str, fact: Option<bool>, expected: bool) -> Row {
    let Some(fact) = fact else {
        return Row::new(name, Verdict::Unknown, "not known here");
    };
    let verdict = if fact == expected {
        Verdict::Good
    } else {
        Verdict::Bad
    };
    Row::new(name, verdict, if fact { "yes" } else { "no" })
}

fn test_signing(facts: &Facts) -> Row {
    let mut row = yes_no("test signing", facts.test_signing(), true)
        .advise("run `bcdedit /set testsigning on` as an administrator, and restart");
    if row.found == "yes" {
        row.found = "on".into();
    } else if row.found == "no" {
        row.found = "off".into();
    }
    row
}

/// Where virtualization-based security runs, the native engine is off, whether or not memory integrity
/// is on.
fn vbs(facts: &Facts) -> Row {
    let (verdict, found) = match facts.vbs() {
        Vbs::RunsMemoryIntegrity => (
            Verdict::Unknown,
            "on, with memory integrity; the driver's native engine stays off",
        ),
        Vbs::TurnedOn => (
            Verdict::Unknown,
            "turned on, without memory integrity; `msinfo32` says whether it runs, and then the \
             driver's native engine stays off",
        ),
        Vbs::NotTurnedOn => (Verdict::Good, "not turned on in the registry"),
        Vbs::Unknown => (Verdict::Unknown, "not known here"),
    };
    Row::new("VBS", verdict, found)
}

/// Memory integrity loads test-signed images too if test signing is on, but refuses those with
/// writable code. It is a frequent reason for a driver that does not load.
fn memory_integrity(facts: &Facts) -> Row {
    match facts.memory_integrity() {
        None => Row::new("memory integrity", Verdict::Unknown, "not known here"),
        Some(false) => Row::new("memory integrity", Verdict::Good, "off"),
        Some(true) => Row::new(
            "memory integrity",
            Verdict::Unknown,
            "on; if the driver is refused, turn it off in Windows Security, Core isolation",
        ),
    }
}

fn secure_boot(facts: &Facts) -> Row {
    let off = match facts.secure_boot {
        None => return Row::new("Secure Boot", Verdict::Unknown, "not known here"),
        Some(on) => !on,
    };
    let verdict = if off { Verdict::Good } else { Verdict::Bad };
    Row::new("Secure Boot", verdict, if off { "off" } else { "on" })
        .advise("turn it off in the virtual machine's settings: it keeps test signing off")
}

fn of_service(service: Option<&Service>) -> Row {
    match service {
        None => Row::new("service", Verdict::Bad, "not installed")
            .advise("run `ringcopy install` as an administrator"),
        Some(Service { state, image }) => match state {
            State::Running => Row::new("service", Verdict::Good, format!("running, {image}")),
            // The machine lacks nothing, and what the driver says is not known.
            State::Stopped => Row::new(
                "service",
                Verdict::Unknown,
                format!("not loaded, {image}; `ringcopy start` loads it"),
            ),
            State::Changing => Row::new("service", Verdict::Unknown, format!("changing, {image}")),
        },
    }
}

fn of_driver(connect: &mut Connect<'_, '_>) -> Vec<Row> {
    let asked = connect()
        .map_err(Error::from)
        .and_then(|mut transport| Device::open(&mut *transport, OpenAccess::Read)?.information());
    match asked {
        Ok(information) => driver_rows(&information),
        Err(error) => vec![Row::new(
            "driver",
            Verdict::Bad,
            format!("{WIN32_DEVICE_PATH} does not respond: {}", explain(&error)),
        )],
    }
}

fn driver_rows(information: &Information) -> Vec<Row> {
    let own = env!("CARGO_PKG_VERSION");
    let [major, minor, patch] = information.driver_version;
    let version = format!("{major}.{minor}.{patch}");
    let verdict = if version == own {
        Verdict::Good
    } else {
        Verdict::Bad
    };
    vec![
        Row::new("driver", verdict, format!("version {version}")).advise(format!(
            "this program is of version {own}; install both from one package"
        )),
        // A driver of another version would have refused the request.
        Row::new(
            "protocol",
            Verdict::Good,
            format!("version {PROTOCOL_VERSION}"),
        ),
        Row::new("reach", Verdict::Good, reach(information.reach)),
        Row::new(
            "handles",
            Verdict::Good,
            format!("at most {} open at a time", information.maximum_handles),
        ),
    ]
}
