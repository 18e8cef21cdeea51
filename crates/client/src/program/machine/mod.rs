//! The machine that the driver is installed on: the service, its settings, the image, and programs
//! of the system.
//!
//! The functions of this module decide what is done, and in which order. They act through
//! [`System`]: on Windows that is the system itself, in tests a simulated one.

mod failure;
#[cfg_attr(
    not(windows),
    expect(dead_code, reason = "Windows alone names its memory")
)]
mod kernel_memory;
mod policy;
mod service;
mod trace;
mod trust;
#[cfg(windows)]
mod windows;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use ringcopy_protocol::{MemoryRange, NtStatus};

pub use failure::{Failure, SystemError};
pub use policy::{policy, set_policy};
pub use service::{Installed, Package, install, start, stop, uninstall};
pub use trace::{SESSION, TraceFile, TraceRecord, end_trace, read_trace, start_trace, stop_trace};
#[cfg(windows)]
pub use windows::WindowsSystem;

/// The name of the service and of its key.
pub const SERVICE: &str = "ringcopy";

/// The file name of the image.
pub const IMAGE: &str = "ringcopy.sys";

/// The file name of the certificate in a package.
pub const CERTIFICATE: &str = "ringcopy.cer";

/// What the system reports about itself. Unknown facts are `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Major version, minor version and build.
    pub version: [u32; 3],
    /// Wine's version, if this is Wine.
    pub wine: Option<String>,
    /// Whether this process has an administrator's full rights.
    pub elevated: Option<bool>,
    /// Whether this process holds `SeDebugPrivilege`.
    pub debug_privilege: Option<bool>,
    /// `CODEINTEGRITY_OPTION_*`, or why they are not known.
    pub code_integrity: Result<u32, NtStatus>,
    /// Whether the registry turns virtualization-based security on.
    pub vbs_enabled: Option<bool>,
    /// Whether the firmware starts only signed boot loaders.
    pub secure_boot: Option<bool>,
    /// The time since the last start.
    pub uptime: Duration,
}

impl Facts {
    /// `CODEINTEGRITY_OPTION_TESTSIGN`: images signed with a test certificate are loaded.
    #[must_use]
    pub fn test_signing(&self) -> Option<bool> {
        self.code_integrity.ok().map(|bits| bits & 0x2 != 0)
    }

    /// `CODEINTEGRITY_OPTION_HVCI_KMCI_ENABLED`: the hypervisor protects kernel code.
    #[must_use]
    pub fn memory_integrity(&self) -> Option<bool> {
        self.code_integrity.ok().map(|bits| bits & 0x400 != 0)
    }
}

/// What is known of virtualization-based security, in which memory integrity and Credential Guard run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vbs {
    /// It runs, since memory integrity does.
    RunsMemoryIntegrity,
    /// The registry turns it on. Memory integrity is off, or is not known.
    TurnedOn,
    /// The registry does not turn it on. A setting of the firmware or the boot loader still may.
    NotTurnedOn,
    /// Nothing is known.
    Unknown,
}

impl Facts {
    /// Returns what is known of virtualization-based security.
    ///
    /// Source: "Enable memory integrity", which names `EnableVirtualizationBasedSecurity` in the
    /// registry. Whether it runs without memory integrity, only WMI's `Win32_DeviceGuard` says, which
    /// `msinfo32` shows.
    #[must_use]
    pub fn vbs(&self) -> Vbs {
        match (self.memory_integrity(), self.vbs_enabled) {
            (Some(true), _) => Vbs::RunsMemoryIntegrity,
            (_, Some(true)) => Vbs::TurnedOn,
            (_, Some(false)) => Vbs::NotTurnedOn,
            (_, None) => Vbs::Unknown,
        }
    }
}

/// What the service manager knows about the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The path of its image, as the service manager has it.
    pub image: String,
    /// Whether the driver is loaded.
    pub state: State,
}

/// The state of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The driver is not loaded.
    Stopped,
    /// The driver is loaded.
    Running,
    /// The driver is being loaded or unloaded.
    Changing,
}

/// A kind of the kernel's memory, by where Windows says that it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelMemory {
    /// The image of the kernel, which Windows maps with large pages where it can.
    Image,
    /// Large allocations of paged pool.
    PagedPool,
    /// Images of this process's session.
    SessionSpace,
}

/// What a program printed, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramOutput {
    /// The exit code; `None` if something else ended the program.
    pub code: Option<i32>,
    /// Standard output, then standard error.
    pub text: String,
}

/// The Windows system that the driver is installed on. Each function does one thing. It fails with
/// the error of the service manager, the registry or the file system.
#[expect(
    clippy::missing_errors_doc,
    reason = "the trait's documentation says what all functions fail with"
)]
pub trait System {
    /// Returns what the system reports about itself.
    fn facts(&mut self) -> Facts;

    /// Returns the service, if there is one.
    fn service(&mut self) -> Result<Option<Service>, SystemError>;

    /// Creates the service: a kernel driver that starts on demand from [`image_path`](
    /// Self::image_path).
    fn create_service(&mut self) -> Result<(), SystemError>;

    /// Deletes the service, and its key with all that is in it.
    fn delete_service(&mut self) -> Result<(), SystemError>;

    /// Asks for the driver to be loaded. Loading may not be complete on return.
    fn start_service(&mut self) -> Result<(), SystemError>;

    /// Asks for the driver to be unloaded. Unloading may not be complete on return.
    fn stop_service(&mut self) -> Result<(), SystemError>;

    /// Returns a number of the service's `Parameters` key; `None` if there is none.
    fn parameter(&mut self, name: &str) -> Result<Option<u32>, SystemError>;

    /// Sets a number of the service's `Parameters` key, which is created if it does not exist.
    fn set_parameter(&mut self, name: &str, value: u32) -> Result<(), SystemError>;

    /// Returns a text of the service's `Parameters` key; `None` if there is none.
    fn note(&mut self, name: &str) -> Result<Option<String>, SystemError>;

    /// Sets a text of the service's `Parameters` key, which is created if it does not exist.
    fn set_note(&mut self, name: &str, text: &str) -> Result<(), SystemError>;

    /// Removes a text of the service's `Parameters` key, if there is one.
    fn remove_note(&mut self, name: &str) -> Result<(), SystemError>;

    /// Sets a mark that the next start of the machine removes.
    fn mark(&mut self) -> Result<(), SystemError>;

    /// Returns whether the mark is set.
    fn is_marked(&mut self) -> Result<bool, SystemError>;

    /// Returns the folder of this program: in a package, the driver is beside it.
    fn package(&self) -> Option<PathBuf>;

    /// Returns the path for the image.
    fn image_path(&self) -> String;

    /// Returns the image at its path, if there is one.
    fn image(&mut self) -> Result<Option<Vec<u8>>, SystemError>;

    /// Writes the image to its path, atomically.
    fn put_image(&mut self, bytes: &[u8]) -> Result<(), SystemError>;

    /// Deletes the image.
    fn remove_image(&mut self) -> Result<(), SystemError>;

    /// Runs a program of the system and waits for its end.
    fn run(&mut self, program: &str, arguments: &[&str]) -> Result<ProgramOutput, SystemError>;

    /// Returns ranges of virtual memory of one kind, as far as the system names them.
    fn kernel_memory(&mut self, kind: KernelMemory) -> Result<Vec<MemoryRange>, SystemError>;

    /// Starts the session [`SESSION`] that writes the driver's events up to a level to a file, which is
    /// replaced.
    fn start_trace(&mut self, file: &Path, level: u8) -> Result<(), SystemError>;

    /// Stops that session.
    fn stop_trace(&mut self) -> Result<TraceFile, SystemError>;

    /// Calls `each` with every event in a file, in the order of their times.
    fn read_trace(
        &mut self,
        file: &Path,
        each: &mut dyn FnMut(TraceRecord),
    ) -> Result<(), SystemError>;

    /// Returns whether the user has asked to stop.
    fn is_interrupted(&self) -> bool;

    /// Waits for this time, or until the user asks to stop.
    fn pause(&self, time: Duration);
}
