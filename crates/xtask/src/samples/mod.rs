//! `cargo xtask samples`: drivers that others wrote, from a checkout of theirs, built as they are with the
//! `wdk-build` here and run in the lab.
//!
//! | module | purpose |
//! | --- | --- |
//! | `checkout` | the commit, and a copy of its files to build in |
//! | `package` | the drivers among the packages of a checkout |
//! | `rust`, `replacement` | a sample in Rust, and `wdk-build` in the version that it asks for |
//! | `c` | a sample in C |
//! | `trial`, `exchange` | builds a sample and runs it; what it is driven with |
//! | `table` | what is printed |

mod c;
mod checkout;
mod exchange;
mod package;
mod replacement;
mod rust;
mod table;
mod trial;

use crate::lab::Lab;
use anyhow::{Result, ensure};
use checkout::Checkout;
use std::{collections::BTreeSet, path::PathBuf};
use trial::{Sample, Source};

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

/// Tries the drivers of the checkouts, and prints a line for each. A sample that cannot be built or run is a
/// line as well.
pub fn run(options: &Options) -> Result<()> {
    let checkouts = options.checkouts.iter().map(|folder| Checkout::of(folder));
    let checkouts = checkouts.collect::<Result<Vec<_>>>()?;
    let copies: BTreeSet<_> = checkouts.iter().map(|checkout| &checkout.copy).collect();
    ensure!(
        copies.len() == checkouts.len(),
        "two of these folders have the same name, and there is one copy of each name"
    );
    let mut samples = Vec::new();
    for checkout in &checkouts {
        let in_rust = package::drivers(checkout)?.into_iter().map(Source::Rust);
        let in_c = c::SAMPLES
            .into_iter()
            .filter(|(_, folder)| c::has_files(checkout, folder))
            .map(|(name, folder)| Source::C(name, folder));
        samples.extend(
            in_rust
                .chain(in_c)
                .map(|source| Sample { checkout, source }),
        );
    }
    samples.retain(|sample| sample.name().contains(&options.only));
    ensure!(
        !samples.is_empty(),
        "these checkouts have no such sample: neither a package with `package.metadata.wdk` nor one of the C \
         samples that are known"
    );
    let lab = Lab::prepare_with_client()?;
    let rows: Vec<_> = samples.iter().map(|sample| sample.try_out(&lab)).collect();
    print!("{}", table::of(&rows));
    Ok(())
}
