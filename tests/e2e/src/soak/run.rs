//! Labs and episodes, one after the other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use ringcopy_client::protocol::{EngineKind, NtStatus, Reach};
use ringcopy_lab::{Count, Lab, Options};

use super::{
    episode::{Checked, Episode, sentence},
    random::Random,
    summary::Summary,
    system_memory::SystemMemory,
};
use crate::{options, with_engine};

/// Steps of an episode.
const STEPS: u64 = 500;

/// Episodes in one lab.
const EPISODES: u64 = 32;

/// The driver is reloaded once in this many episodes.
const EPISODES_PER_LOAD: u64 = 4;

/// User memory is away once in this many times that the IRQL is raised: that costs a third of the
/// time at 16.
const TRIM_INTERVAL: u64 = 64;

/// A run.
#[derive(Clone, Debug)]
pub struct Soak {
    /// Decides all steps.
    pub seed: u64,
    /// How many requests it sends at least.
    pub requests: u64,
    /// When it ends before that.
    pub time: Option<Duration>,
    /// Processors of each lab.
    pub processors: u32,
    /// The first episode. Memory is then looked at after each step, not only now and then.
    pub from: Option<u64>,
    /// Ends it where it is, once it is set.
    pub interrupted: Arc<AtomicBool>,
}

impl Soak {
    /// Runs to its end or until it is interrupted, counts in `summary`, and calls `progress` after each
    /// episode.
    ///
    /// # Errors
    /// If a step came to something that the model does not allow: a sentence that names the step,
    /// what came, what was allowed, and the command that runs the episode again.
    pub fn run(&self, summary: &mut Summary, progress: impl FnMut(&Summary)) -> Result<(), String> {
        let ended = self.run_labs(summary, progress);
        if self.is_interrupted() { Ok(()) } else { ended }
    }

    /// Returns whether it was interrupted.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    fn run_labs(&self, summary: &mut Summary, mut progress: impl FnMut(&Summary)) -> Checked<()> {
        let started = Instant::now();
        let mut episode = self.from.unwrap_or(0);
        let is_over = |summary: &Summary| {
            summary.requests() >= self.requests
                || self.time.is_some_and(|time| started.elapsed() >= time)
        };
        while !is_over(summary) {
            let (lab, policy) = self.boot(episode)?;
            let system = SystemMemory::of(&lab).map_err(sentence)?;
            loop {
                self.episode((&lab, policy), &system, episode, summary)?;
                progress(summary);
                episode += 1;
                if episode.is_multiple_of(EPISODES) || is_over(summary) {
                    break;
                }
            }
            let report = lab.finish().map_err(sentence)?;
            if report.bugcheck.is_some() || !report.leaks.is_empty() {
                return Err(self.failed(
                    episode - 1,
                    &format!(
                        "at the end of the lab: bugcheck {:?}, leaked {:?}",
                        report.bugcheck, report.leaks
                    ),
                ));
            }
            summary.count_other("labs", 1);
        }
        Ok(())
    }

    /// The lab that an episode runs in, and its policy.
    fn boot(&self, episode: u64) -> Checked<(Lab, Reach)> {
        let number = episode / EPISODES;
        let mut random = Random::of(self.seed, !number);
        let policies = [
            Reach::MEMORY,
            Reach::MEMORY,
            Reach::SYSTEM_VIRTUAL,
            Reach::PHYSICAL,
            Reach::empty(),
        ];
        let policy = random.pick(&policies);
        let engine = random.pick(&[None, None, None, Some(EngineKind::System)]);
        let mut options = options(policy);
        if let Some(engine) = engine {
            options = with_engine(engine, options);
        }
        let lab = Lab::boot(Options {
            five_levels: random.once_in(2),
            seed: random.next(),
            processors: self.processors,
            trim_interval: TRIM_INTERVAL,
            interrupted: Arc::clone(&self.interrupted),
            ..options
        });
        lab.map(|lab| (lab, policy))
            .map_err(|error| self.failed(episode, &format!("at the lab's start: {error}")))
    }

    fn episode(
        &self,
        lab: (&Lab, Reach),
        system: &SystemMemory,
        number: u64,
        summary: &mut Summary,
    ) -> Checked<()> {
        let random = Random::of(self.seed, number);
        let meticulous = self.from.is_some();
        let failed = |error: &str| self.failed(number, error);
        let mut episode = Episode::start(lab, system, random, summary, meticulous)
            .map_err(|error| failed(&format!("at its start: {error}")))?;
        for _ in 0..STEPS {
            episode.step().map_err(|error| {
                let request = episode
                    .request
                    .as_ref()
                    .map(|(handle, request)| format!(" ({request}, on {handle:?})"))
                    .unwrap_or_default();
                failed(&format!(
                    "step {}, {}{request}: {error}",
                    episode.step, episode.what
                ))
            })?;
        }
        drop(episode);
        summary.count_other("episodes", 1);
        if number % EPISODES_PER_LOAD == EPISODES_PER_LOAD - 1 {
            reload(lab.0).map_err(|error| failed(&format!("after its last step: {error}")))?;
            summary.count_other("unloads and loads", 1);
        }
        Ok(())
    }

    /// The sentence about an episode that went wrong.
    fn failed(&self, episode: u64, error: &str) -> String {
        let Self {
            seed, processors, ..
        } = self;
        format!(
            "episode {episode}, {error}; again: cargo xtask soak --requests 1 --seed {seed} \
             --processors {processors} --from {episode}"
        )
    }
}

/// Unloads the driver, which must leak nothing, and loads it again.
fn reload(lab: &Lab) -> Checked<()> {
    let leaks = lab.unload().map_err(sentence)?;
    if !leaks.is_empty() {
        return Err(format!("unloading leaked {leaks:?}"));
    }
    let counts = lab.counts().map_err(sentence)?;
    let left = [
        Count::Handles,
        Count::Devices,
        Count::LockedPages,
        Count::Requests,
    ]
    .into_iter()
    .find(|&count| counts.get(count) != 0);
    if let Some(left) = left {
        return Err(format!("unloading left {} {left:?}", counts.get(left)));
    }
    match lab.load().map_err(sentence)? {
        NtStatus::SUCCESS => Ok(()),
        status => Err(format!("loading again came to {status}")),
    }
}
