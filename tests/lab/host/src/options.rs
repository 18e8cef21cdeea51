//! What kind of lab to start.

use std::{
    env,
    fmt::Write as _,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use ringcopy_client::protocol::{EngineKind, Reach};

/// A value of the registry, of any type and length.
#[derive(Clone, Debug)]
pub struct RegistryValue {
    /// Its name, without blanks and colons.
    pub name: String,
    /// Its type, as `REG_…`.
    pub kind: u32,
    /// Its data.
    pub data: Vec<u8>,
}

/// What kind of lab to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// The lab's kernel, an ELF file.
    pub kernel: PathBuf,
    /// The driver, and the images that it imports from (`WDFLDR.SYS`).
    pub images: Vec<PathBuf>,
    /// The `Policy` value under the service's Parameters key; `None`: there is no such value.
    pub policy: Option<Reach>,
    /// The `Engine` value there.
    pub engine: Option<EngineKind>,
    /// Further values there.
    pub values: Vec<RegistryValue>,
    /// Where images, page tables and page frames lie depends on it.
    pub seed: u64,
    /// Processors: a second one is needed only to interfere with the first.
    pub processors: u32,
    /// Mebibytes of RAM, 64 to 1024.
    pub memory: u64,
    /// Five levels of page tables, instead of four.
    pub five_levels: bool,
    /// The time-stamp counter counts instructions, so that figures do not depend on what else the
    /// machine is doing: see [`Lab::instructions_of`](crate::Lab::instructions_of). One processor,
    /// and `tcg`, whatever else is asked for.
    pub icount: bool,
    /// The lab logs every request and exception, and all of its log goes to standard error.
    pub verbose: bool,
    /// How long one command may take before the lab is given up.
    pub patience: Duration,
    /// The accelerator: `tcg`, or `kvm` where that can run ring-0 code.
    pub accelerator: String,
    /// Set by whoever wants the lab to end: what is under way ends with [`LabError::Interrupted`](
    /// crate::LabError::Interrupted).
    pub interrupted: Arc<AtomicBool>,
}

/// Names the accelerator, if it is not to be `tcg`.
const ACCELERATOR: &str = "RINGCOPY_LAB_ACCEL";

impl Options {
    /// A lab with two processors, 128 MiB, and the policy of an administrator who said nothing.
    #[must_use]
    pub fn new(kernel: impl Into<PathBuf>, images: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            kernel: kernel.into(),
            images: images.into_iter().collect(),
            policy: None,
            engine: None,
            values: Vec::new(),
            seed: 1,
            processors: 2,
            memory: 128,
            five_levels: false,
            icount: false,
            verbose: false,
            patience: Duration::from_mins(2),
            accelerator: env::var(ACCELERATOR).unwrap_or_else(|_| "tcg".into()),
            interrupted: Arc::default(),
        }
    }

    /// As many as QEMU is told to have.
    pub(crate) const fn running_processors(&self) -> u32 {
        if self.icount { 1 } else { self.processors }
    }

    /// The kernel's command line.
    pub(crate) fn command_line(&self, mode: &str) -> String {
        let mut words = vec![
            format!("mode={mode}"),
            format!("seed={}", self.seed),
            format!("processors={}", self.running_processors()),
        ];
        words.extend(
            self.policy
                .map(|policy| format!("policy={}", policy.bits())),
        );
        words.extend(
            self.engine
                .map(|engine| format!("engine={}", engine as u32)),
        );
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
        words.extend(self.verbose.then(|| "debug=1".into()));
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_said_is_not_passed_on() {
        let options = Options::new("kernel", []);
        assert_eq!(
            options.command_line("serve"),
            "mode=serve seed=1 processors=2"
        );
    }

    #[test]
    fn the_guest_is_told_everything_that_was_said() {
        let options = Options {
            policy: Some(Reach::PHYSICAL),
            engine: Some(EngineKind::System),
            values: vec![RegistryValue {
                name: "Other".into(),
                kind: 3,
                data: vec![0x0A, 0xFF],
            }],
            seed: 77,
            processors: 1,
            five_levels: true,
            verbose: true,
            ..Options::new("kernel", [])
        };
        assert_eq!(
            options.command_line("load"),
            "mode=load seed=77 processors=1 policy=2 engine=2 value=Other:3:0aff la57=1 debug=1"
        );
    }
}
