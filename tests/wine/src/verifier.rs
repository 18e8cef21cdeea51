//! A stand-in for `verifier.exe`: the client's simulated Verifier, with its state in a file beside this
//! program.

#![forbid(unsafe_code)]

#[cfg(windows)]
#[path = "../../../crates/client/tests/simulated/verifier/mod.rs"]
#[allow(dead_code, reason = "the client's tests use more of it")]
mod simulated;

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    windows::run().map_or(
        std::process::ExitCode::FAILURE,
        std::process::ExitCode::from,
    )
}

#[cfg(not(windows))]
fn main() {
    eprintln!("this program runs on Windows: `cargo xtask wine` builds it and runs it in Wine");
}

#[cfg(windows)]
mod windows {
    use std::{env, fs};

    use ringcopy_client::{
        machine::{State, System as _, WindowsSystem},
        windows::Interrupt,
    };

    use super::simulated::Verifier;

    const DRIVER: &str = "ringcopy.sys";

    /// What Windows 10 and 11 print for a driver that left nothing.
    const STATISTICS: &str = "MODULE: ringcopy.sys (load: 1 / unload: 1)\r\n\
                              \u{20}   Current Pool Allocations:  (      0 /      0 )\r\n\
                              \u{20}   Current Pool Bytes:        (      0 /      0 )\r\n";

    /// Runs the program. Returns its exit code; `None` if its own state cannot be read or written.
    pub fn run() -> Option<u8> {
        let state = env::current_exe().ok()?.with_extension("state");
        let mut verifier: Verifier = fs::read(&state)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        let mut system = WindowsSystem::new(Interrupt::of_console().ok()?);
        verifier.build = system.facts().version[2];
        verifier.statistics = STATISTICS.into();
        // Wine's machine is not restarted where this program sees it; a start finds the last settings.
        verifier.at_start.clone_from(&verifier.next_start);
        // It does not see drivers being loaded either. One that it verifies was loaded by the time that
        // somebody asks.
        verifier.load(DRIVER);
        let service = system.service().ok()?;
        verifier.is_loaded = service.is_some_and(|service| service.state != State::Stopped);
        let arguments: Vec<_> = env::args().skip(1).collect();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let (code, text) = verifier.run(&arguments);
        fs::write(state, serde_json::to_vec(&verifier).ok()?).ok()?;
        print!("{text}");
        u8::try_from(code).ok()
    }
}
