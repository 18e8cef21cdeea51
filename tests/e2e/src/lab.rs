//! Labs that run the driver.

use std::{
    ops::Deref,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    thread,
};

use ringcopy_client::{
    Device, OpenAccess,
    protocol::{ENGINE_VALUE, EngineKind, POLICY_VALUE, Reach, SYMBOLIC_LINK_NAME},
};
use ringcopy_lab::{Lab, Options, Process, RegistryValue, Report, token};

use crate::{artefact, driver};

/// The token of an administrator who may debug.
pub const PRIVILEGED: u64 = token::ADMINISTRATORS | token::DEBUG_PRIVILEGE;

/// A lab whose end is checked. A drop outside of a panic fails unless the driver unloads, leaves
/// nothing allocated or open, and has caused no bug check.
pub struct CheckedLab(Option<Lab>);

impl Deref for CheckedLab {
    type Target = Lab;

    fn deref(&self) -> &Lab {
        self.0.as_ref().expect("only a drop takes the lab")
    }
}

impl CheckedLab {
    /// Ends the lab as a drop does, and returns how it ended.
    ///
    /// # Panics
    /// If it ends badly.
    #[must_use]
    pub fn end(mut self) -> Report {
        let lab = self.0.take().expect("only a drop takes the lab");
        end(lab)
    }
}

fn end(lab: Lab) -> Report {
    let report = lab.finish().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(report.bugcheck, None, "{}", report.log.join("\n"));
    assert_eq!(report.leaks, Vec::<String>::new());
    report
}

impl Drop for CheckedLab {
    fn drop(&mut self) {
        let Some(lab) = self.0.take() else { return };
        if !thread::panicking() {
            end(lab);
        }
    }
}

/// Options of a lab for the driver, under this policy.
#[must_use]
pub fn options_for(
    kernel: PathBuf,
    images: impl IntoIterator<Item = PathBuf>,
    policy: Reach,
) -> Options {
    Options {
        service: "RingCopy".into(),
        device: SYMBOLIC_LINK_NAME.into(),
        values: vec![RegistryValue::number(POLICY_VALUE, policy.bits())],
        ..Options::new(kernel, images)
    }
}

/// A lab of one processor for the driver that the tests are about, under this policy.
#[must_use]
pub fn options(policy: Reach) -> Options {
    let kernel = artefact("RINGCOPY_LAB_KERNEL");
    let images = [artefact("RINGCOPY_WDFLDR"), driver()];
    Options {
        processors: 1,
        ..options_for(kernel, images, policy)
    }
}

/// Options with one more value of the registry.
#[must_use]
pub fn with_value(value: RegistryValue, mut options: Options) -> Options {
    options.values.push(value);
    options
}

/// Options with this engine as the administrator's choice.
#[must_use]
pub fn with_engine(engine: EngineKind, options: Options) -> Options {
    with_value(RegistryValue::number(ENGINE_VALUE, engine as u32), options)
}

/// Starts a lab of one processor, under this policy.
///
/// # Panics
/// If it does not start.
#[must_use]
pub fn boot(policy: Reach) -> CheckedLab {
    boot_with(options(policy))
}

/// Starts a lab.
///
/// # Panics
/// If it does not start.
#[must_use]
pub fn boot_with(options: Options) -> CheckedLab {
    let lab = Lab::boot(options).unwrap_or_else(|error| panic!("{error}"));
    CheckedLab(Some(lab))
}

/// Runs `stage` in a lab of two processors for each of these numbers of page-table levels.
///
/// Such labs run one after another: the host may have too few processors to run two of them, and
/// then the processors of a lab would take turns where they have to disturb each other.
///
/// # Panics
/// If a lab does not start, or ends badly.
pub fn with_two_processors(policy: Reach, five_levels: &[bool], mut stage: impl FnMut(&Lab)) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for &five_levels in five_levels {
        stage(&boot_with(Options {
            processors: 2,
            five_levels,
            ..options(policy)
        }));
    }
}

/// Repeats `round` until it returns that the second processor took part in it. When that happens
/// depends on the host.
///
/// # Panics
/// If it does not happen in 200 rounds.
#[track_caller]
pub fn until_it_happened(mut round: impl FnMut() -> bool) {
    const MOST: u32 = 200;
    assert!((0..MOST).any(|_| round()), "not in {MOST} rounds");
}

/// Repeats `round` at least `least` times, and until it has returned both `true` and `false`.
///
/// # Panics
/// If 100 000 rounds return the same.
#[track_caller]
pub fn until_both(least: u32, mut round: impl FnMut() -> bool) {
    const MOST: u32 = 100_000;
    let mut counts = [0_u32; 2];
    for number in 0..MOST {
        if number >= least && !counts.contains(&0) {
            return;
        }
        counts[usize::from(round())] += 1;
    }
    panic!("{counts:?} of {MOST} rounds");
}

/// Starts a process with all privileges.
///
/// # Panics
/// If the lab is gone.
#[must_use]
pub fn privileged(lab: &Lab) -> Process<'_> {
    lab.process(PRIVILEGED)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Opens the device for reads and writes.
///
/// # Panics
/// If that fails.
#[must_use]
pub fn open<'p, 'l>(process: &'p mut Process<'l>) -> Device<'p, Process<'l>> {
    Device::open(process, OpenAccess::ReadWrite).unwrap_or_else(|error| panic!("{error}"))
}
