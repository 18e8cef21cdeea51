//! Where the accessors are measured, and beside which C library.

use crate::{paths, program, windows_programs, wine};
use anyhow::Result;
use std::process::Command;

/// One of the programs that measure. All but that under Wine are programs of Linux.
pub struct Place {
    /// What follows the name of a comparison.
    pub name: &'static str,
    /// How long it takes.
    pub duration: &'static str,
    library: Library,
}

enum Library {
    /// glibc, with the value of `GLIBC_TUNABLES`, if any.
    Glibc(Option<&'static str>),
    /// Wine's `msvcrt`.
    Wine,
}

/// The features of the processor that glibc may not use when it is held to SSE2. It may use string
/// instructions, as the accessors do.
///
/// Source: "Hardware Capability Tunables", the GNU C Library Reference Manual.
pub const HELD_TO_SSE2: &str =
    "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX2,-AVX_Fast_Unaligned_Load,-SSSE3";

/// The places, in the order of the page.
pub const PLACES: [Place; 3] = [
    Place {
        name: "beside glibc held to SSE2",
        duration: "half a minute",
        library: Library::Glibc(Some(HELD_TO_SSE2)),
    },
    Place {
        name: "beside glibc as it comes",
        duration: "half a minute",
        library: Library::Glibc(None),
    },
    Place {
        name: "under Wine",
        duration: "about 2 minutes",
        library: Library::Wine,
    },
];

impl Place {
    /// Returns `cargo bench` for the program of this place.
    pub fn cargo(&self, session: &wine::Session) -> Result<Command> {
        let tunables = match self.library {
            Library::Glibc(tunables) => tunables,
            Library::Wine => {
                let mut cargo = windows_programs::cargo("bench", "bench")?;
                session.run_by(&mut cargo);
                return Ok(cargo);
            }
        };
        let mut cargo = program::cargo();
        cargo
            .current_dir(paths::root())
            .arg("bench")
            .env_remove("GLIBC_TUNABLES")
            .envs(tunables.map(|tunables| ("GLIBC_TUNABLES", tunables)));
        Ok(cargo)
    }
}
