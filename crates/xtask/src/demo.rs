//! A demonstration: the driver's own responses to seven commands.

use crate::{lab::Lab, paths, program, step::Step};
use anyhow::{Result, ensure};
use fs_err as fs;
use std::process::ExitCode;

/// One command of the demonstration.
struct Scene {
    heading: &'static str,
    policy: &'static str,
    /// Changes of the lab's memory.
    lab: &'static [&'static str],
    command: &'static [&'static str],
    /// Whether the command has to succeed. One that finds a hole or is refused has to fail.
    succeeds: bool,
    /// What its output has to have.
    shows: &'static str,
}

const SCENES: [Scene; 7] = [
    Scene {
        heading: "the driver copies valid ranges and refuses others, single and in batches",
        policy: "all",
        lab: &[],
        command: &["selftest"],
        succeeds: true,
        shows: "passed, 0 failed",
    },
    Scene {
        heading: "which physical memory is RAM",
        policy: "all",
        lab: &[],
        command: &["ranges"],
        succeeds: true,
        shows: "total   ",
    },
    Scene {
        heading: "two pieces of physical memory in one batch, the second with a hole",
        policy: "all",
        lab: &[],
        command: &["read", "--physical", "0x1000:32", "0x9eff0:0x61020"],
        succeeds: false,
        shows: "?? 397312 bytes: STATUS_INVALID_ADDRESS",
    },
    Scene {
        heading: "both engines, asked for the same memory",
        policy: "all",
        lab: &[],
        command: &["verify", "--random", "1000", "--seed", "1"],
        succeeds: true,
        shows: "disagreements 0",
    },
    Scene {
        heading: "a page of RAM that a hypervisor withholds",
        policy: "all",
        lab: &["--withhold", "0x2001000"],
        command: &["read", "--engine", "native", "--physical", "0x2000ff0:32"],
        succeeds: false,
        shows: "0000000002001000  ?? 16 bytes",
    },
    Scene {
        heading: "RAM that came after the driver was loaded",
        policy: "all",
        lab: &["--add-ram", "0x6000000"],
        command: &["read", "--engine", "native", "--physical", "0x6000000:32"],
        succeeds: true,
        shows: "0000000006000010  ",
    },
    Scene {
        heading: "a policy that allows callers only their own memory",
        policy: "user",
        lab: &[],
        command: &["read", "--physical", "0x1000:32"],
        succeeds: false,
        shows: "STATUS_ACCESS_DENIED",
    },
];

/// Boots the driver in the lab for each command. The exit code says whether all results were as
/// expected.
pub fn run() -> Result<ExitCode> {
    let lab = Lab::prepare_with_client()?;
    let mut code = ExitCode::SUCCESS;
    for scene in &SCENES {
        println!(
            "\n== {}\n$ ringcopy {}",
            scene.heading,
            scene.command.join(" ")
        );
        let succeeded =
            lab.client(scene.policy, "auto", scene.lab, scene.command)? == ExitCode::SUCCESS;
        if lab.is_interrupted() {
            return Ok(ExitCode::FAILURE);
        }
        if succeeded != scene.succeeds {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// What the lab prints at the end of each scene.
const UNLOADED: &str = "lab: the driver was unloaded and leaked nothing";

/// Runs all scenes without showing them. Fails if one does not end as it has to, or lacks what it is there
/// to show.
pub fn check(lab: &Lab) -> Result<()> {
    Lab::build_client()?;
    let step = Step::start("the scenes of the demonstration");
    let log = paths::target().join("demo.log");
    for scene in &SCENES {
        step.detail(scene.heading);
        let mut command = lab.client_command(scene.policy, "auto", scene.lab, scene.command);
        let status = program::status_into(&mut command, &log, &log)?;
        let output = fs::read_to_string(&log)?;
        ensure!(
            status.success() == scene.succeeds
                && output.contains(scene.shows)
                && output.contains(UNLOADED),
            "the scene \"{}\" of the demonstration is broken ({status}):\n{output}",
            scene.heading
        );
    }
    step.done();
    Ok(())
}
