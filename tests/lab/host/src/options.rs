//! The options of a lab.

use std::{
    env,
    fmt::Write as _,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use ringcopy_lab_mailbox::HypervisorKind;

use crate::HardwareId;

/// A value of the registry, of any type and length.
#[derive(Clone, Debug)]
pub struct RegistryValue {
    /// Its name, without spaces and colons.
    pub name: String,
    /// Its type, as `REG_…`.
    pub kind: u32,
    /// Its data.
    pub data: Vec<u8>,
}

impl RegistryValue {
    /// Returns a `REG_DWORD`.
    #[must_use]
    pub fn number(name: &str, number: u32) -> Self {
        const REG_DWORD: u32 = 4;
        Self {
            name: name.into(),
            kind: REG_DWORD,
            data: number.to_le_bytes().into(),
        }
    }
}

/// Which instructions of a request a lab counts. A lab that counts has one processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// None.
    Nothing,
    /// All, by the time-stamp counter, so that figures do not depend on the load of the host. One with
    /// a `rep` prefix counts once for each repetition. Uses `tcg`.
    All,
    /// The driver's own: those in its image. One with a `rep` prefix counts once. Pages that are withheld
    /// or that alternate do not work.
    OfDriver,
}

/// The options of a lab.
#[derive(Clone, Debug)]
pub struct Options {
    /// The lab's kernel, an ELF file.
    pub kernel: PathBuf,
    /// The driver, and the images that it imports from (`WDFLDR.SYS`).
    pub images: Vec<PathBuf>,
    /// The name of the driver's service.
    pub service: String,
    /// The hardware ID of the device that a driver with `AddDevice` gets; `None`: `Root\` and the name of the
    /// service.
    pub hardware_id: Option<HardwareId>,
    /// The name of the device that a process's [`Transport::open`](ringcopy_transport::Transport::open) opens.
    pub device: String,
    /// Whether images load that import what does not exist. A call of a missing function ends the lab.
    pub stub_missing: bool,
    /// What the driver is told of a hypervisor. For any but [`HypervisorKind::None`], the lab replaces
    /// each CPUID instruction of the driver's code.
    pub hypervisor: HypervisorKind,
    /// Values under the service's Parameters key.
    pub values: Vec<RegistryValue>,
    /// Determines where images, page tables and page frames lie.
    pub seed: u64,
    /// The number of processors, 1 to [`PROCESSORS`](crate::PROCESSORS). The second one interferes with the first, and
    /// all work beside it.
    pub processors: u32,
    /// Mebibytes of RAM, 64 to 1024.
    pub memory: u64,
    /// Five levels of page tables, instead of four.
    pub five_levels: bool,
    /// User memory is out of a processor's reach each time that its IRQL has been raised to
    /// `DISPATCH_LEVEL` this often: 1 is Driver Verifier's own interval, and slow.
    pub trim_interval: u64,
    /// What [`Lab::instructions_of`](crate::Lab::instructions_of) counts.
    pub counted: Counted,
    /// The lab logs every request and exception, and its log goes to standard error.
    pub verbose: bool,
    /// The level at which a session listens for the driver's events, which are in the
    /// [`Report`](crate::Report); `None`: none listens.
    pub trace: Option<u8>,
    /// The time limit for one command.
    pub patience: Duration,
    /// The accelerator: `tcg`, or `kvm` where that can run ring-0 code.
    pub accelerator: String,
    /// Set to interrupt the lab: a command in progress ends with [`LabError::Interrupted`](
    /// crate::LabError::Interrupted).
    pub interrupted: Arc<AtomicBool>,
}

/// The accelerator to use instead of `tcg`.
const ACCELERATOR: &str = "RINGCOPY_LAB_ACCEL";

impl Options {
    /// Options for a lab with two processors, 128 MiB, and a service and a device with the name `Driver`.
    #[must_use]
    pub fn new(kernel: impl Into<PathBuf>, images: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            kernel: kernel.into(),
            images: images.into_iter().collect(),
            service: "Driver".into(),
            hardware_id: None,
            device: r"\DosDevices\Driver".into(),
            stub_missing: false,
            hypervisor: HypervisorKind::None,
            values: Vec::new(),
            seed: 1,
            processors: 2,
            memory: 128,
            five_levels: false,
            trim_interval: 16,
            counted: Counted::Nothing,
            verbose: false,
            trace: None,
            patience: Duration::from_mins(2),
            accelerator: env::var(ACCELERATOR).unwrap_or_else(|_| "tcg".into()),
            interrupted: Arc::default(),
        }
    }

    /// Returns the number of processors that QEMU gets.
    pub(crate) const fn running_processors(&self) -> u32 {
        match self.counted {
            Counted::Nothing => self.processors,
            Counted::All | Counted::OfDriver => 1,
        }
    }

    /// Returns the kernel's command line.
    pub(crate) fn command_line(&self) -> String {
        let mut words = vec![
            format!("driver={}", self.service),
            format!("seed={}", self.seed),
            format!("processors={}", self.running_processors()),
            format!("trim={}", self.trim_interval),
        ];
        let hardware_id = self.hardware_id.as_ref();
        words.extend(hardware_id.map(|id| format!("hardware-id={id}")));
        words.extend(self.stub_missing.then(|| "missing=stub".into()));
        if self.hypervisor != HypervisorKind::None {
            words.push(format!("hypervisor={}", self.hypervisor as u64));
        }
        words.extend(self.values.iter().map(|value| {
            let RegistryValue { name, kind, data } = value;
            let start = format!("value={name}:{kind}:");
            data.iter().fold(start, |mut word, byte| {
                // Writing to a string does not fail.
                let _ = write!(word, "{byte:02x}");
                word
            })
        }));
        words.extend(self.five_levels.then(|| "la57=1".into()));
        words.extend((self.counted == Counted::OfDriver).then(|| "steps=1".into()));
        words.extend(self.verbose.then(|| "debug=1".into()));
        words.extend(self.trace.map(|level| format!("trace={level}")));
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_without_a_value_are_not_passed() {
        let options = Options::new("kernel", []);
        assert_eq!(
            options.command_line(),
            "driver=Driver seed=1 processors=2 trim=16"
        );
    }

    #[test]
    fn every_option_is_passed_to_the_guest() {
        let options = Options {
            service: "Other".into(),
            hardware_id: r"Root\A=B".parse().ok(),
            stub_missing: true,
            values: vec![
                RegistryValue::number("Policy", 2),
                RegistryValue {
                    name: "Other".into(),
                    kind: 3,
                    data: vec![0x0A, 0xFF],
                },
            ],
            seed: 77,
            processors: 1,
            five_levels: true,
            trim_interval: 1,
            verbose: true,
            trace: Some(5),
            ..Options::new("kernel", [])
        };
        assert_eq!(
            options.command_line(),
            r"driver=Other seed=77 processors=1 trim=1 hardware-id=Root\A=B missing=stub value=Policy:4:02000000 value=Other:3:0aff la57=1 debug=1 trace=5"
        );
    }
}
