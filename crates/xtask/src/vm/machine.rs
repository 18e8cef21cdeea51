//! The process of a virtual machine, and its serial port.

use super::{disc::Disc, stand_in};
use crate::program;
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use fs_err::{self as fs, File};
use std::{
    ffi::OsString,
    io::{ErrorKind, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const QEMU: &str = "qemu-system-x86_64";

/// How long a started machine may take to open its serial port.
const START: Duration = Duration::from_mins(1);

/// How long a machine that ends may take to be gone.
const END: Duration = Duration::from_secs(2);

/// How often the host looks whether it was interrupted.
pub const TICK: Duration = Duration::from_millis(100);

/// The machine's hardware.
#[derive(Args)]
pub struct Hardware {
    /// Its memory, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    pub memory: u64,
    /// Its number of processors
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub processors: u8,
    /// Show its screen in a window
    #[arg(long)]
    pub display: bool,
}

/// What runs.
pub enum Guest {
    /// Windows installs itself onto an empty disk.
    Installation {
        drive: PathBuf,
        medium: PathBuf,
        disc: Disc,
    },
    /// Windows in an image, which stays as it is: QEMU keeps what is written in a file without a name.
    Image { image: PathBuf, disc: Disc },
    /// A guest that is not Windows.
    StandIn(stand_in::Behaviour),
}

/// A running machine. It ends when this is dropped.
pub struct Machine {
    process: Child,
    /// Its serial port.
    pub serial: UnixStream,
    /// The output of QEMU.
    log: PathBuf,
    /// Has the socket, the output of QEMU, and the discs.
    _folder: TempDir,
    _guest: Guest,
}

impl Guest {
    /// Starts the machine.
    pub fn boot(self, hardware: &Hardware, interrupted: &AtomicBool) -> Result<Machine> {
        let folder = tempfile::Builder::new().prefix("ringcopy-vm-").tempdir()?;
        let socket = folder.path().join("serial");
        let mut command = match &self {
            Self::StandIn(behaviour) => stand_in::command(*behaviour, &socket),
            windows => {
                let kvm = has_kvm()?;
                if !kvm {
                    eprintln!(
                        "warning: there is no KVM, so the processor is emulated: Windows takes hours"
                    );
                }
                let mut command = program::named(QEMU);
                command.args(arguments(windows, hardware, kvm, &socket)?);
                command
            }
        };
        let listener = UnixListener::bind(&socket)?;
        listener.set_nonblocking(true)?;
        let log = folder.path().join("output");
        let output = File::create(&log)?.into_file();
        let process = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot run {}", command.get_program().display()))?;
        let mut starting = Starting(Some(process));
        let serial = starting.connection(&listener, &log, interrupted)?;
        serial.set_nonblocking(false)?;
        serial.set_read_timeout(Some(TICK))?;
        serial.set_write_timeout(Some(START))?;
        Ok(Machine {
            log,
            process: starting.0.take().context("the machine has not started")?,
            serial,
            _folder: folder,
            _guest: self,
        })
    }
}

/// A process that ends unless it is taken.
struct Starting(Option<Child>);

impl Starting {
    /// Waits until the process has opened its serial port.
    fn connection(
        &mut self,
        listener: &UnixListener,
        log: &Path,
        interrupted: &AtomicBool,
    ) -> Result<UnixStream> {
        let started = Instant::now();
        loop {
            match listener.accept() {
                Ok((stream, _)) => return Ok(stream),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
            if let Some(process) = &mut self.0
                && let Some(status) = process.try_wait()?
            {
                let output = fs::read_to_string(log).unwrap_or_default();
                bail!(
                    "the virtual machine did not start ({status}): {}",
                    output.trim()
                );
            }
            ensure!(!interrupted.load(Ordering::Relaxed), "interrupted");
            ensure!(
                started.elapsed() < START,
                "the virtual machine does not open its serial port"
            );
            thread::sleep(TICK);
        }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(process) = &mut self.0 {
            end(process);
        }
    }
}

impl Machine {
    /// Returns what QEMU said if it has ended, or does so now.
    pub fn last_words(&mut self) -> Option<String> {
        let asked = Instant::now();
        let status = loop {
            match self.process.try_wait() {
                Ok(Some(status)) => break status,
                // Its serial port closes a moment before it has ended.
                Ok(None) if asked.elapsed() < END => thread::sleep(TICK),
                _ => return None,
            }
        };
        let output = fs::read_to_string(&self.log).unwrap_or_default();
        Some(format!("{status}: {}", output.trim().replace('\n', "; ")))
    }

    /// Waits until the machine has ended by itself, as it does when its guest shuts down.
    pub fn wait(&mut self, patience: Duration, interrupted: &AtomicBool) -> Result<()> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait()? {
                ensure!(status.success(), "the virtual machine ended with {status}");
                return Ok(());
            }
            ensure!(!interrupted.load(Ordering::Relaxed), "interrupted");
            ensure!(started.elapsed() < patience, "the guest does not shut down");
            thread::sleep(TICK);
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

/// Ends a process, which may have ended already.
fn end(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}

/// Returns whether QEMU can run a guest on the host's processor. It is asked with a stopped machine that
/// has this processor: the device may be there and not work, as in a virtual machine.
fn has_kvm() -> Result<bool> {
    let mut qemu = program::named(QEMU)
        .args([
            "-machine",
            "q35",
            "-accel",
            "kvm",
            "-cpu",
            "host",
            "-S",
            "-nodefaults",
        ])
        .args(["-display", "none", "-monitor", "stdio"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot run QEMU")?;
    if let Some(mut monitor) = qemu.stdin.take() {
        // If QEMU has ended already, its status says why.
        let _ = monitor.write_all(b"quit\n");
    }
    Ok(qemu.wait()?.success())
}

/// Returns QEMU's arguments: a PC with a BIOS, so without Secure Boot; disk and discs on controllers
/// that Windows has drivers for; no network.
fn arguments(
    guest: &Guest,
    hardware: &Hardware,
    kvm: bool,
    socket: &Path,
) -> Result<Vec<OsString>> {
    // A full disk of the host is an error of the guest's, and does not stop the machine.
    const DISK: &str = "format=qcow2,if=none,id=disk,werror=report,rerror=report";
    let (accelerator, processor) = if kvm { ("kvm", "host") } else { ("tcg", "max") };
    let (memory, processors) = (hardware.memory.to_string(), hardware.processors.to_string());
    let mut arguments: Vec<OsString> = [
        "-machine",
        "q35",
        "-accel",
        accelerator,
        "-cpu",
        processor,
        "-smp",
        &processors,
        "-m",
        &memory,
        "-nic",
        "none",
        "-rtc",
        "base=localtime",
        "-monitor",
        "none",
    ]
    .map(Into::into)
    .into();
    if !hardware.display {
        arguments.extend(["-display", "none"].map(Into::into));
    }
    let (disk, discs): (OsString, Vec<&Path>) = match guest {
        Guest::Installation {
            drive,
            medium,
            disc,
        } => (option(DISK, drive), vec![medium, disc.path()]),
        Guest::Image { image, disc } => (
            option(&format!("{DISK},snapshot=on"), image),
            vec![disc.path()],
        ),
        Guest::StandIn(_) => bail!("a stand-in is no guest of QEMU"),
    };
    // A SATA bus has one device. An empty disk does not boot, so the first start is from the disc, and no other.
    arguments.extend([
        "-drive".into(),
        disk,
        "-device".into(),
        "ide-hd,drive=disk,bus=ide.0,bootindex=1".into(),
    ]);
    for (number, disc) in (2..).zip(discs) {
        arguments.extend([
            "-drive".into(),
            option(
                &format!("format=raw,if=none,media=cdrom,readonly=on,id=disc{number}"),
                disc,
            ),
            "-device".into(),
            format!("ide-cd,drive=disc{number},bus=ide.{number},bootindex={number}").into(),
        ]);
    }
    let mut serial = OsString::from("socket,id=serial,path=");
    serial.push(doubled(socket));
    arguments.extend([
        "-chardev".into(),
        serial,
        "-serial".into(),
        "chardev:serial".into(),
    ]);
    Ok(arguments)
}

/// Returns a `-drive` option. In it, a comma in a file's name is written twice.
fn option(options: &str, file: &Path) -> OsString {
    let mut option = OsString::from(format!("{options},file="));
    option.push(doubled(file));
    option
}

fn doubled(file: &Path) -> String {
    file.display().to_string().replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(guest: &Guest, kvm: bool) -> Vec<String> {
        let hardware = Hardware {
            memory: 4096,
            processors: 2,
            display: false,
        };
        let arguments = arguments(guest, &hardware, kvm, Path::new("/tmp/s")).unwrap();
        arguments
            .into_iter()
            .map(|argument| argument.into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_test_writes_into_a_copy_of_the_image() {
        let guest = Guest::Image {
            image: "/images/a,b.qcow2".into(),
            disc: Disc::at("/tmp/package.iso".into()),
        };
        let arguments = of(&guest, true);
        let disk = arguments
            .iter()
            .find(|argument| argument.contains("id=disk,"))
            .unwrap();
        assert!(disk.contains("snapshot=on"), "{disk}");
        assert!(disk.ends_with("file=/images/a,,b.qcow2"), "{disk}");
    }

    #[test]
    fn an_installation_writes_the_disk_and_boots_it_first() {
        let guest = Guest::Installation {
            drive: "/images/windows.qcow2".into(),
            medium: "/windows.iso".into(),
            disc: Disc::at("/tmp/settings.iso".into()),
        };
        let arguments = of(&guest, false);
        assert!(
            !arguments
                .iter()
                .any(|argument| argument.contains("snapshot"))
        );
        let orders: Vec<_> = arguments
            .iter()
            .filter(|argument| argument.contains("bootindex"))
            .collect();
        assert_eq!(
            orders,
            [
                "ide-hd,drive=disk,bus=ide.0,bootindex=1",
                "ide-cd,drive=disc2,bus=ide.2,bootindex=2",
                "ide-cd,drive=disc3,bus=ide.3,bootindex=3"
            ]
        );
        assert!(arguments.windows(2).any(|pair| pair == ["-cpu", "max"]));
        for argument in ["-nic", "-display"] {
            let at = arguments.iter().position(|word| word == argument).unwrap();
            assert_eq!(arguments[at + 1], "none");
        }
    }
}
