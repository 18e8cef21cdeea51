//! An installation of Windows into a disk image.

use super::{
    conversation::Conversation,
    default_image,
    disc::Disc,
    interruption,
    machine::{Guest, Hardware},
    medium,
    resources::{self, INSTALLATION},
    unattend_file::{self, FIRST_LOGON, START_GUEST},
};
use crate::{
    package::{self, Signing},
    program, setup,
};
use anyhow::{Context as _, Result, ensure};
use clap::Args;
use fs_err as fs;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// The least size of a disk, in gigabytes: Microsoft's requirement for Windows 11 and Server 2025.
const LEAST_DISK: u64 = 32;

/// The name of the snapshot, to which `qemu-img snapshot -a` returns.
const SNAPSHOT: &str = "installed";

/// The options of `vm create`.
#[derive(Args)]
pub struct Options {
    /// The installation disc of 64-bit Windows 10, 11 or Server
    #[arg(long, value_name = "ISO")]
    iso: PathBuf,
    /// The edition, as the disc names it [default: the only one]
    #[arg(long)]
    edition: Option<String>,
    /// A product key, if the disc's edition does not install without
    #[arg(long, value_name = "KEY")]
    product_key: Option<String>,
    /// The disk image to make [default: target/vm/windows.qcow2]
    #[arg(long, value_name = "DISK")]
    image: Option<PathBuf>,
    /// The size of the disk, in GiB; the image has only what is written
    #[arg(long, value_name = "GIB", default_value_t = 64)]
    disk: u64,
    /// A package's folder, of which the guest's program is [default: one that is made of this tree]
    #[arg(long, value_name = "DIR")]
    package: Option<PathBuf>,
    #[command(flatten)]
    hardware: Hardware,
    /// How many minutes the installation may take
    #[arg(long, value_name = "MINUTES", default_value_t = 180)]
    patience: u64,
}

/// Installs Windows, and ends with the path of the image.
pub fn run(options: &Options) -> Result<()> {
    let image = options.image.clone().unwrap_or_else(default_image);
    ensure!(
        !image.exists(),
        "{} exists; remove it, or name another image with --image",
        image.display()
    );
    ensure!(
        options.disk >= LEAST_DISK,
        "Windows needs a disk of {LEAST_DISK} GiB; pass --disk {LEAST_DISK} or more"
    );
    resources::check_least_memory(options.hardware.memory)?;
    let folder = image
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder)?;
    setup::packages(&[setup::VIRTUAL_MACHINES])?;
    let edition = medium::edition(&options.iso, options.edition.as_deref())?;
    resources::check_memory(options.hardware.memory)?;
    resources::check_disk(folder, INSTALLATION)?;
    let package = match &options.package {
        Some(package) => package.clone(),
        None => package::run(None, &Signing::default())?,
    };
    let settings = unattend_file::text(&edition, options.product_key.as_deref());
    let [first_logon, start_guest] =
        [FIRST_LOGON, START_GUEST].map(|(_, text)| text.replace('\n', "\r\n"));
    let disc = Disc::make(
        &package,
        &[
            (unattend_file::NAME, &settings),
            (FIRST_LOGON.0, &first_logon),
            (START_GUEST.0, &start_guest),
        ],
    )?;
    let drive = HalfMade::at(&image);
    program::output_of(
        program::named("qemu-img")
            .args(["create", "-q", "-f", "qcow2"])
            .arg(&drive.path)
            .arg(format!("{}G", options.disk)),
    )?;
    install(options, &edition, disc, &drive.path)?;
    program::output_of(
        program::named("qemu-img")
            .args(["snapshot", "-c", SNAPSHOT])
            .arg(&drive.path),
    )?;
    fs::rename(&drive.path, &image)?;
    println!("{}", image.display());
    Ok(())
}

fn install(options: &Options, edition: &str, disc: Disc, drive: &Path) -> Result<()> {
    let interrupted = interruption()?;
    let guest = Guest::Installation {
        drive: drive.to_owned(),
        medium: options.iso.clone(),
        disc,
    };
    println!("installing {edition}; it says nothing until it is installed");
    let mut machine = guest.boot(&options.hardware, &interrupted)?;
    let patience = Duration::from_mins(options.patience);
    let serial = machine.serial.try_clone()?;
    let mut conversation =
        Conversation::new(serial, patience, &interrupted, |line| println!("{line}"));
    let hello = conversation.greeting().with_context(|| {
        let words = machine.last_words();
        format!(
            "Windows is not installed{}; with --display you see what its set-up asks: a product key, perhaps",
            words.map_or_else(String::new, |words| format!(" ({words})"))
        )
    })?;
    let [major, minor, build] = hello.windows;
    println!("Windows {major}.{minor}, build {build}, is installed");
    conversation.shut_down()?;
    machine.wait(patience, &interrupted)
}

/// An image that is removed unless it was renamed.
struct HalfMade {
    path: PathBuf,
}

impl HalfMade {
    fn at(image: &Path) -> Self {
        let mut name = image.file_name().unwrap_or_default().to_owned();
        name.push(".half-made");
        Self {
            path: image.with_file_name(name),
        }
    }
}

impl Drop for HalfMade {
    fn drop(&mut self) {
        // It is gone if all went well.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::HalfMade;
    use fs_err as fs;

    #[test]
    fn a_half_made_image_does_not_stay() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("windows.qcow2");
        let disk = HalfMade::at(&image);
        fs::write(&disk.path, "").unwrap();
        assert_ne!(disk.path, image);
        drop(disk);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_finished_image_stays() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("windows.qcow2");
        let disk = HalfMade::at(&image);
        fs::write(&disk.path, "").unwrap();
        fs::rename(&disk.path, &image).unwrap();
        drop(disk);
        assert!(image.is_file());
    }
}
