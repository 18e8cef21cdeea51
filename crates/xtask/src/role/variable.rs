//! The variable that tells this program which role to take.

pub const ROLE: &str = "RINGCOPY_XTASK_ROLE";

pub const RUSTC: &str = "rustc";
pub const DLLTOOL: &str = "dlltool";
#[cfg(unix)]
pub const STAND_IN: &str = "stand-in";
