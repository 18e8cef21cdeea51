//! Pretends to be `verifier.exe`, where there is none: keeps its settings in a file beside it, says
//! what it was set to, and counts nothing.

#![forbid(unsafe_code)]

use std::{env, fs, process::ExitCode};

/// A setting is taken, and needs a restart (the exit code that the documentation names).
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
            println!("  CurrentNonPagedPoolAllocations: 0");
            ExitCode::SUCCESS
        }
        Some("/standard" | "/flags") => match fs::write(settings, arguments.join(" ")) {
            Ok(()) => ExitCode::from(RESTART_NEEDED),
            Err(_) => ExitCode::FAILURE,
        },
        _ => ExitCode::FAILURE,
    }
}
