//! What a virtual machine needs of its host.

use crate::program;
use anyhow::{Context as _, Result, bail, ensure};
use fs_err as fs;
use std::path::Path;

/// Megabytes of disk that an installed Windows takes, with what it downloads and pages out left out.
pub const INSTALLATION: u64 = 25 << 10;

/// Megabytes of disk for what a test writes into its copy of the image, with a crash dump.
pub const OVERLAY: u64 = 8 << 10;

/// The least memory, in megabytes, in which Windows installs itself.
pub const LEAST_MEMORY: u64 = 2048;

/// Checks that the host has the memory of a virtual machine, in megabytes.
pub fn check_memory(needed: u64) -> Result<()> {
    ensure!(
        needed >= LEAST_MEMORY,
        "Windows does not install itself in {needed} MiB of memory; pass --memory {LEAST_MEMORY} or more"
    );
    enough_memory(needed, &fs::read_to_string("/proc/meminfo")?)
}

fn enough_memory(needed: u64, memory_information: &str) -> Result<()> {
    let available = memory_information
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .context("the system does not say how much memory is available")?
        >> 10;
    ensure!(
        available >= needed,
        "{available} MiB of memory are available, and the machine gets {needed}; close other programs, or \
         pass --memory with a number from {LEAST_MEMORY} on"
    );
    Ok(())
}

/// Checks that the file system of `folder` has this many megabytes left.
pub fn check_disk(folder: &Path, needed: u64) -> Result<()> {
    let table = program::output_of(
        program::named("df")
            .args(["--output=avail", "--block-size=1M"])
            .arg(folder),
    )?;
    enough_disk(folder, needed, &table)
}

fn enough_disk(folder: &Path, needed: u64, table: &str) -> Result<()> {
    let Some(available) = table
        .lines()
        .last()
        .and_then(|line| line.trim().parse::<u64>().ok())
    else {
        bail!("df does not say how much of {} is left", folder.display());
    };
    ensure!(
        available >= needed,
        "{} has {available} MiB left, and {needed} are needed; make space, or name another folder",
        folder.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_memory_is_one_sentence() {
        let memory = "MemTotal: 8388608 kB\nMemAvailable:    3145728 kB\n";
        assert!(enough_memory(3072, memory).is_ok());
        let error = enough_memory(4096, memory).unwrap_err().to_string();
        assert!(
            error.starts_with("3072 MiB of memory are available"),
            "{error}"
        );
        let error = check_memory(1024).unwrap_err().to_string();
        assert!(error.contains("--memory 2048"), "{error}");
        assert!(enough_memory(1, "").is_err());
    }

    #[test]
    fn too_little_disk_is_one_sentence() {
        let folder = Path::new("/images");
        assert!(enough_disk(folder, 25, "Avail\n   25\n").is_ok());
        let error = enough_disk(folder, 26, "Avail\n   25\n")
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("/images has 25 MiB left"), "{error}");
        assert!(enough_disk(folder, 1, "").is_err());
    }
}
