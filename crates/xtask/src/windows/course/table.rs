//! The commands of the course.

use clap::ValueEnum;

/// A command of the course. It runs in the package's folder.
pub struct Entry {
    /// What it does, for people, and for the name of its report.
    pub name: &'static str,
    pub program: Program,
    /// `{package}`, `{reports}` and `{certificate}` stand for the folders, and for the hash that
    /// certutil knows the certificate by.
    pub arguments: &'static [&'static str],
    pub expected: Expected,
    pub part: Part,
    pub group: Group,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `ringcopy.exe` of the package.
    Client,
    /// A tool of the WDK.
    Kit(&'static str),
    /// A program of Windows.
    System(&'static str),
}

/// What a command has to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Success,
    /// It asks for something that must not be there.
    Failure,
    /// It succeeds, and its output does not have this text.
    SuccessWithout(&'static str),
}

/// A part of the course. A workflow has a step for each, and uploads the reports between them: the log of a
/// step in which the machine is lost is lost with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Part {
    /// Check the package, install it, and start to collect events
    Install,
    /// Test the driver under Driver Verifier
    Verifier,
    /// Run the self-test, and compare both engines
    Engines,
    /// Uninstall the driver, and look what stayed
    Undo,
}

/// When a command runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Unless an earlier one of this process failed.
    Course,
    /// If virtualization-based security runs. Then Windows withholds pages that the driver's own engine
    /// would read.
    Withheld,
    /// At the end, if events were traced.
    Traced,
    /// In any case, at the end.
    Undo,
    /// In any case, after that.
    Look,
}

/// The file of events.
pub const EVENTS: &str = r"{reports}\ringcopy.etl";

/// Starts to collect the driver's events.
pub const TRACE: Entry = client("trace events", &["trace", "start", "--file", EVENTS]);

/// Prints 2 if virtualization-based security runs. Source: "Validate enabled
/// VBS and memory integrity features", Windows security documentation.
pub const SECURITY_STATUS: Entry = Entry {
    name: "virtualization-based security",
    program: Program::System("powershell"),
    arguments: &[
        "-NoProfile",
        "-Command",
        r"(Get-CimInstance -Namespace root\Microsoft\Windows\DeviceGuard -ClassName Win32_DeviceGuard).VirtualizationBasedSecurityStatus",
    ],
    expected: Expected::Success,
    part: Part::Install,
    group: Group::Course,
};

/// What [`SECURITY_STATUS`] prints if it runs.
pub const RUNNING: &str = "2";

const fn entry(name: &'static str, program: Program, arguments: &'static [&'static str]) -> Entry {
    Entry {
        name,
        program,
        arguments,
        expected: Expected::Success,
        part: Part::Install,
        group: Group::Course,
    }
}

const fn client(name: &'static str, arguments: &'static [&'static str]) -> Entry {
    entry(name, Program::Client, arguments)
}

impl Entry {
    const fn in_group(mut self, group: Group) -> Self {
        self.group = group;
        if !matches!(group, Group::Course | Group::Withheld) {
            self.part = Part::Undo;
        }
        self
    }

    const fn in_part(mut self, part: Part) -> Self {
        self.part = part;
        self
    }

    /// Returns the command as a person types it, with the placeholders.
    pub fn typed(&self) -> String {
        let program = match self.program {
            Program::Client => r".\ringcopy",
            Program::Kit(name) | Program::System(name) => name,
        };
        format!("{program} {}", self.arguments.join(" "))
    }

    const fn expecting(mut self, expected: Expected) -> Self {
        self.expected = expected;
        self
    }
}

const SIGNTOOL: Program = Program::Kit("signtool.exe");

/// The course. The tools' options are from "Running `InfVerif` from the Command Line", "`Inf2Cat`" and
/// "Verifying the Test Signature", Windows driver documentation.
pub const COURSE: [Entry; 28] = [
    entry(
        "check the INF",
        Program::Kit("infverif.exe"),
        &["/v", "/w", "ringcopy.inf"],
    ),
    entry(
        "check what a catalog needs",
        Program::Kit("Inf2Cat.exe"),
        &[
            "/driver:{package}",
            "/os:10_VB_X64,ServerFE_X64",
            "/nocat",
            "/uselocaltime",
        ],
    ),
    client("install", &["install", "--trust-certificate"]),
    entry(
        "check the driver's signature",
        SIGNTOOL,
        &["verify", "/v", "/pa", "ringcopy.sys"],
    ),
    entry(
        "check the catalog's signature",
        SIGNTOOL,
        &["verify", "/v", "/pa", "ringcopy.cat"],
    ),
    entry(
        "find the driver in the catalog",
        SIGNTOOL,
        &["verify", "/v", "/pa", "/c", "ringcopy.cat", "ringcopy.sys"],
    ),
    entry(
        "find the INF in the catalog",
        SIGNTOOL,
        &["verify", "/v", "/pa", "/c", "ringcopy.cat", "ringcopy.inf"],
    ),
    client("doctor", &["doctor"]),
    TRACE,
    SECURITY_STATUS,
    client(
        "leave withheld memory alone",
        &["policy", "set", "--engine", "system"],
    )
    .in_group(Group::Withheld),
    client(
        "under Driver Verifier",
        &["vm-test", "--no-restart", "--folder", "{reports}"],
    )
    .in_part(Part::Verifier),
    client("load", &["start"]).in_part(Part::Engines),
    client("information", &["info"]).in_part(Part::Engines),
    client("self-test", &["selftest", "--json"]).in_part(Part::Engines),
    client("unload", &["stop"]).in_part(Part::Engines),
    client(
        "widen the policy",
        &["policy", "set", "--reach", "system,physical"],
    )
    .in_part(Part::Engines),
    client("load with the wider policy", &["start"]).in_part(Part::Engines),
    client("self-test with the wider policy", &["selftest", "--json"]).in_part(Part::Engines),
    client(
        "compare both engines",
        &["verify", "--random", "10000", "--seed", "1"],
    )
    .in_part(Part::Engines),
    client("stop the trace", &["trace", "stop"]).in_group(Group::Traced),
    client("show the trace", &["trace", "show", EVENTS])
        .expecting(Expected::SuccessWithout("no event of the driver"))
        .in_group(Group::Traced),
    client("uninstall", &["uninstall"]).in_group(Group::Undo),
    entry("no service", Program::System("sc"), &["query", "ringcopy"])
        .expecting(Expected::Failure)
        .in_group(Group::Look),
    entry(
        "no setting",
        Program::System("reg"),
        &["query", r"HKLM\SYSTEM\CurrentControlSet\Services\ringcopy"],
    )
    .expecting(Expected::Failure)
    .in_group(Group::Look),
    entry(
        "no image",
        Program::System("cmd"),
        &["/c", "dir", r"%SystemRoot%\System32\drivers\ringcopy.sys"],
    )
    .expecting(Expected::Failure)
    .in_group(Group::Look),
    entry(
        "no certificate",
        Program::System("certutil"),
        &["-store", "Root", "{certificate}"],
    )
    .expecting(Expected::Failure)
    .in_group(Group::Look),
    entry(
        "no Verifier setting",
        Program::System("verifier"),
        &["/querysettings"],
    )
    .expecting(Expected::SuccessWithout("ringcopy.sys"))
    .in_group(Group::Look),
];
