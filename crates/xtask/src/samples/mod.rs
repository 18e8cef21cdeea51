//! `cargo xtask samples`: drivers that others wrote, from a checkout of theirs, built as they are with the
//! `wdk-build` here and run in the lab.
//!
//! | module | purpose |
//! | --- | --- |
//! | `checkout` | the commit, and a copy of its files to build in |
//! | `package` | the drivers among the packages of a checkout |
//! | `replacement` | `wdk-build` in the version that a sample asks for |
//! | `trial` | builds a sample and runs it |
//! | `table` | what is printed |

mod checkout;
mod package;
mod replacement;
mod table;
mod trial;

use crate::lab::Lab;
use anyhow::{Result, ensure};
use checkout::Checkout;
pub use checkout::write_if_changed;
use std::path::PathBuf;

/// What the user asks for.
#[derive(clap::Args)]
pub struct Options {
    /// Checkouts of git repositories, such as microsoft/Windows-rust-driver-samples
    #[arg(required = true, value_name = "DIR")]
    checkouts: Vec<PathBuf>,
    /// Try only the samples whose names contain this
    #[arg(long, value_name = "WORD", default_value = "")]
    only: String,
}

/// Tries the Rust drivers of the checkouts, and prints a line for each. A sample that cannot be built or
/// run is a line as well.
pub fn run(options: &Options) -> Result<()> {
    let mut samples = Vec::new();
    for folder in &options.checkouts {
        let checkout = Checkout::of(folder)?;
        for package in package::drivers(&checkout)? {
            if package.name.contains(&options.only) {
                samples.push((checkout.clone(), package));
            }
        }
    }
    ensure!(
        !samples.is_empty(),
        "no package with `package.metadata.wdk` is in these checkouts"
    );
    let lab = Lab::prepare_with_client()?;
    let mut rows = Vec::new();
    for (checkout, package) in &samples {
        rows.push(trial::run(&lab, checkout, package)?);
    }
    print!("{}", table::of(&rows));
    Ok(())
}
