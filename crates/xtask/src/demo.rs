//! What the project is, shown to a stranger: the driver at work, in its own words.

use crate::{error::Error, lab::Lab};
use std::process::ExitCode;

/// One look at the driver.
struct Scene {
    heading: &'static str,
    policy: &'static str,
    command: &'static [&'static str],
    /// Whether the command has to come out well: a hole and a refusal have to be told, and a
    /// command that meets one fails.
    succeeds: bool,
}

const SCENES: [Scene; 5] = [
    Scene {
        heading: "the driver copies what is good and refuses what is not, single and in batches",
        policy: "all",
        command: &["selftest"],
        succeeds: true,
    },
    Scene {
        heading: "which physical memory is RAM",
        policy: "all",
        command: &["ranges"],
        succeeds: true,
    },
    Scene {
        heading: "two pieces of physical memory in one batch, the second with a hole",
        policy: "all",
        command: &["read", "--physical", "0x1000:32", "0x9eff0:0x61020"],
        succeeds: false,
    },
    Scene {
        heading: "both engines, asked for the same memory",
        policy: "all",
        command: &["verify", "--random", "1000", "--seed", "1"],
        succeeds: true,
    },
    Scene {
        heading: "a policy that allows a caller its own memory alone",
        policy: "user",
        command: &["read", "--physical", "0x1000:32"],
        succeeds: false,
    },
];

/// Boots the driver in the lab and lets it show itself. Every line is the driver's own answer to a
/// request.
///
/// # Errors
///
/// If the lab can't be prepared or started.
pub fn run() -> Result<ExitCode, Error> {
    let lab = Lab::prepare_with_client()?;
    let mut code = ExitCode::SUCCESS;
    for scene in &SCENES {
        println!(
            "\n== {}\n$ ringcopy {}",
            scene.heading,
            scene.command.join(" ")
        );
        let succeeded = lab.client(scene.policy, "auto", scene.command)? == ExitCode::SUCCESS;
        if lab.is_interrupted() {
            return Ok(ExitCode::FAILURE);
        }
        if succeeded != scene.succeeds {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}
