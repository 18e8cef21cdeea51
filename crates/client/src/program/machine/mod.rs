//! The machine that the driver is installed on, and what is done to it: the service, its settings,
//! the image, and other programs.
//!
//! What is done, and in which order, is decided here, over [`Machine`]; on Windows that is the
//! machine itself, in tests a model of one.

mod failure;
mod policy;
mod service;
mod trust;
#[cfg(windows)]
mod windows;

use std::time::Duration;

use ringcopy_protocol::NtStatus;

pub use failure::{Failure, Trouble};
pub use policy::{Policy, policy, set_policy};
pub use service::{Installed, Package, install, start, stop, uninstall};
#[cfg(windows)]
pub use windows::WindowsSystem;

/// The service's name, and its key's.
pub const SERVICE: &str = "ringcopy";

/// The image's name.
pub const IMAGE: &str = "ringcopy.sys";

/// The certificate's name in a package.
pub const CERTIFICATE: &str = "ringcopy.cer";

/// What the machine says of itself. What it does not say is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Major version, minor version and build.
    pub version: [u32; 3],
    /// Wine's version, where that is what pretends to be Windows.
    pub wine: Option<String>,
    /// Whether this process has an administrator's full rights.
    pub elevated: Option<bool>,
    /// Whether this process holds `SeDebugPrivilege`.
    pub debug_privilege: Option<bool>,
    /// `CODEINTEGRITY_OPTION_*`, or why they are not known.
    pub code_integrity: Result<u32, NtStatus>,
    /// Whether the firmware lets signed boot loaders alone start.
    pub secure_boot: Option<bool>,
    /// Since the last start.
    pub uptime: Duration,
}

impl Facts {
    /// `CODEINTEGRITY_OPTION_TESTSIGN`: images signed with a test certificate are loaded.
    #[must_use]
    pub fn test_signing(&self) -> Option<bool> {
        self.code_integrity.ok().map(|bits| bits & 0x2 != 0)
    }

    /// `CODEINTEGRITY_OPTION_HVCI_KMCI_ENABLED`: the hypervisor watches over kernel code.
    #[must_use]
    pub fn memory_integrity(&self) -> Option<bool> {
        self.code_integrity.ok().map(|bits| bits & 0x400 != 0)
    }
}

/// What the service manager knows of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Where its image is, as the service manager has it.
    pub image: String,
    /// Whether the driver is loaded.
    pub state: State,
}

/// Of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The driver is not loaded.
    Stopped,
    /// It is.
    Running,
    /// It is being loaded or unloaded.
    Changing,
}

/// What a program said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its exit code; `None` if it was ended by something else.
    pub code: Option<i32>,
    /// What it wrote, errors behind the rest.
    pub text: String,
}

/// A machine with a service manager. Each function does one thing and fails with a Win32 code.
pub trait Machine {
    /// What it says of itself.
    fn facts(&mut self) -> Facts;

    /// The service, if there is one.
    ///
    /// # Errors
    /// What the service manager fails with.
    fn service(&mut self) -> Result<Option<Service>, Trouble>;

    /// Creates the service: a kernel driver that starts on demand from [`image_path`](
    /// Self::image_path).
    ///
    /// # Errors
    /// What the service manager fails with.
    fn create_service(&mut self) -> Result<(), Trouble>;

    /// Deletes the service, and its key with all that is in it.
    ///
    /// # Errors
    /// What the service manager fails with.
    fn delete_service(&mut self) -> Result<(), Trouble>;

    /// Has the driver loaded. It may be under way still on return.
    ///
    /// # Errors
    /// What the service manager fails with.
    fn start_service(&mut self) -> Result<(), Trouble>;

    /// Has the driver unloaded. It may be under way still on return.
    ///
    /// # Errors
    /// What the service manager fails with.
    fn stop_service(&mut self) -> Result<(), Trouble>;

    /// A number of the service's `Parameters` key.
    ///
    /// # Errors
    /// What the registry fails with for another reason than that there is none.
    fn parameter(&mut self, name: &str) -> Result<Option<u32>, Trouble>;

    /// Sets a number of the service's `Parameters` key, which is made if it is not there.
    ///
    /// # Errors
    /// What the registry fails with.
    fn set_parameter(&mut self, name: &str, value: u32) -> Result<(), Trouble>;

    /// A text of the service's `Parameters` key.
    ///
    /// # Errors
    /// As [`parameter`](Self::parameter).
    fn note(&mut self, name: &str) -> Result<Option<String>, Trouble>;

    /// Sets a text of the service's `Parameters` key.
    ///
    /// # Errors
    /// As [`set_parameter`](Self::set_parameter).
    fn set_note(&mut self, name: &str, text: &str) -> Result<(), Trouble>;

    /// Takes a text of the service's `Parameters` key away.
    ///
    /// # Errors
    /// What the registry fails with for another reason than that there is none.
    fn remove_note(&mut self, name: &str) -> Result<(), Trouble>;

    /// Leaves a mark that the next start of the machine wipes out.
    ///
    /// # Errors
    /// What the registry fails with.
    fn mark(&mut self) -> Result<(), Trouble>;

    /// Whether the mark is there.
    ///
    /// # Errors
    /// What the registry fails with.
    fn is_marked(&mut self) -> Result<bool, Trouble>;

    /// Where the image belongs.
    fn image_path(&self) -> String;

    /// The image that is there, if any.
    ///
    /// # Errors
    /// What the file system fails with.
    fn image(&mut self) -> Result<Option<Vec<u8>>, Trouble>;

    /// Puts an image there, whole or not at all.
    ///
    /// # Errors
    /// What the file system fails with.
    fn put_image(&mut self, bytes: &[u8]) -> Result<(), Trouble>;

    /// Takes it away.
    ///
    /// # Errors
    /// What the file system fails with.
    fn remove_image(&mut self) -> Result<(), Trouble>;

    /// Runs a program of the system's to its end.
    ///
    /// # Errors
    /// If it cannot be started.
    fn run(&mut self, program: &str, arguments: &[&str]) -> Result<Said, Trouble>;

    /// Whether the user has asked to stop.
    fn is_interrupted(&self) -> bool;

    /// Waits so long, or until the user asks to stop.
    fn pause(&self, time: Duration);
}
