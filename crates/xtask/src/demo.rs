//! What the project is, shown to a stranger: the driver at work, in its own words.

use crate::{error::Error, lab};
use std::process::ExitCode;

/// Boots the driver in the lab and lets it copy what is good and refuse what is not. Every line of
/// the table is the driver's own answer to a request.
///
/// # Errors
///
/// If the lab can't be prepared or started.
pub fn run() -> Result<ExitCode, Error> {
    lab::client("all", "auto", &["selftest".to_owned()])
}
