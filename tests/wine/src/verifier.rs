//! A stand-in for `verifier.exe`: it keeps its settings in a file, prints them, and counts nothing.

#![forbid(unsafe_code)]

use std::{env, fs, process::ExitCode};

/// The exit code for a setting that needs a restart, as documented.
const RESTART_NEEDED: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let Ok(settings) = env::current_exe().map(|path| path.with_extension("settings")) else {
        return ExitCode::FAILURE;
    };
    match arguments.first().map(String::as_str) {
        Some("/reset") => {
            drop(fs::remove_file(settings));
            ExitCode::from(RESTART_NEEDED)
        }
        Some("/querysettings") => {
            print!("{}", fs::read_to_string(settings).unwrap_or_default());
            ExitCode::SUCCESS
        }
        Some("/query") => {
            println!("MODULE: ringcopy.sys (load: 1 / unload: 1)");
            println!("    Current Pool Allocations:  (      0 /      0 )");
            println!("    Current Pool Bytes:        (      0 /      0 )");
            ExitCode::SUCCESS
        }
        Some("/standard" | "/flags") if is_as_documented(&arguments) => {
            match fs::write(settings, arguments.join(" ")) {
                Ok(()) => ExitCode::from(RESTART_NEEDED),
                Err(_) => ExitCode::FAILURE,
            }
        }
        _ => ExitCode::FAILURE,
    }
}

/// Whether `/faults` is followed by its four values: a probability, pool tags, applications, and
/// minutes. Pool tags and applications may be empty. Source: "Low Resources Simulation", Windows driver
/// documentation.
fn is_as_documented(arguments: &[String]) -> bool {
    let values = arguments.iter().skip_while(|word| *word != "/faults");
    match values.map(String::as_str).collect::<Vec<_>>()[..] {
        [] => true,
        ["/faults", probability, _, _, minutes, "/driver", _] => {
            let in_range = |value: u32| (1..=10_000).contains(&value);
            probability.parse().is_ok_and(in_range) && minutes.parse::<u32>().is_ok()
        }
        _ => false,
    }
}
