//! The steps of the workflow that run on Windows, or that prepare them on Linux. The workflow itself
//! has no logic. Each step can be run by hand on a Windows machine with this tree.

mod accessors;
mod compare;
mod course;
mod evidence;
mod hand_over;
mod kit;
mod umaccess;

use anyhow::Result;
use clap::Subcommand;
use kit::Kit;
use std::path::PathBuf;

/// A step.
#[derive(Subcommand)]
pub enum Step {
    /// On Linux, after `cargo xtask test`: collect what a Windows machine runs and compares with
    HandOver {
        /// A folder to make or to fill
        #[arg(long, value_name = "DIR")]
        output: PathBuf,
    },
    /// Compare a driver that the WDK built with the one that Linux built: imports, sections,
    /// protections, the framework's bind information, and the sizes of bound structures
    Compare {
        /// The folder that `hand-over` made
        hand_over: PathBuf,
        /// The package that `cargo make` made
        package: PathBuf,
    },
    /// Run the accessors' test programs, and compare the counts of cases with Wine's
    Accessors {
        /// The folder that `hand-over` made
        hand_over: PathBuf,
        /// Where the output goes
        #[arg(long, value_name = "DIR")]
        reports: PathBuf,
    },
    /// Name the Windows Driver Kit, or say what is missing
    Kit,
    /// Compare the functions that the accessors declare with those of the kit's `umaccess.lib`
    Umaccess,
    /// Check a package with the WDK's tools, install it, test it under Driver Verifier and without,
    /// uninstall it, and look what stayed
    Drive {
        /// The package's folder
        package: PathBuf,
        /// Where the reports go
        #[arg(long, value_name = "DIR")]
        reports: PathBuf,
        /// Run this part alone
        #[arg(long)]
        part: Option<course::Part>,
        /// Print the commands, and run none
        #[arg(long)]
        list: bool,
    },
    /// Collect what the system recorded: minidumps, event log, set-up log, settings
    Evidence {
        /// Where it goes
        #[arg(long, value_name = "DIR")]
        reports: PathBuf,
    },
}

/// Runs a step.
pub fn run(step: &Step) -> Result<()> {
    match step {
        Step::HandOver { output } => hand_over::make(output),
        Step::Compare { hand_over, package } => compare::run(hand_over, package),
        Step::Accessors { hand_over, reports } => accessors::run(hand_over, reports),
        Step::Kit => kit::report(),
        Step::Umaccess => umaccess::report(&Kit::find()?),
        Step::Drive {
            package,
            list: true,
            ..
        } => course::list(package),
        Step::Drive {
            package,
            reports,
            part,
            ..
        } => course::run(package, reports, *part),
        Step::Evidence { reports } => evidence::collect(reports),
    }
}
