//! A demonstration: the driver's own responses to seven commands.

use crate::lab::Lab;
use anyhow::Result;
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
}

const SCENES: [Scene; 7] = [
    Scene {
        heading: "the driver copies valid ranges and refuses others, single and in batches",
        policy: "all",
        lab: &[],
        command: &["selftest"],
        succeeds: true,
    },
    Scene {
        heading: "which physical memory is RAM",
        policy: "all",
        lab: &[],
        command: &["ranges"],
        succeeds: true,
    },
    Scene {
        heading: "two pieces of physical memory in one batch, the second with a hole",
        policy: "all",
        lab: &[],
        command: &["read", "--physical", "0x1000:32", "0x9eff0:0x61020"],
        succeeds: false,
    },
    Scene {
        heading: "both engines, asked for the same memory",
        policy: "all",
        lab: &[],
        command: &["verify", "--random", "1000", "--seed", "1"],
        succeeds: true,
    },
    Scene {
        heading: "a page of RAM that a hypervisor withholds",
        policy: "all",
        lab: &["--withhold", "0x2001000"],
        command: &["read", "--engine", "native", "--physical", "0x2000ff0:32"],
        succeeds: false,
    },
    Scene {
        heading: "RAM that came after the driver was loaded",
        policy: "all",
        lab: &["--add-ram", "0x6000000"],
        command: &["read", "--engine", "native", "--physical", "0x6000000:32"],
        succeeds: true,
    },
    Scene {
        heading: "a policy that allows callers only their own memory",
        policy: "user",
        lab: &[],
        command: &["read", "--physical", "0x1000:32"],
        succeeds: false,
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
