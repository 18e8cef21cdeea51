//! What a test changes on the machine, and changes back: Verifier's settings, and the driver's policy.

use super::{
    Test,
    checks::{Effect, Setting},
    foreign_memory::SavedPolicy,
    progress::{RoundReport, Stage},
    rounds::Round,
    verifier::{self, as_typed},
};
use crate::machine::{self, Failure};

impl Test<'_> {
    /// Sets Verifier up for a round, or notes that it is to be switched on.
    pub(super) fn set_up(&mut self, round: &Round) -> Result<(), Failure> {
        let settings = self.effect.settings(round);
        if self.effect == Effect::NextStart {
            for setting in &settings {
                self.announce(round, setting);
                // Saved first, so that the next process knows it whatever ends this one.
                self.progress.verifier_set = true;
                self.save()?;
                verifier::set(self.system, &setting.on)?;
            }
            self.system.mark()?;
        }
        self.progress.rounds.push(RoundReport {
            name: round.name.into(),
            verifier: settings
                .iter()
                .map(|setting| as_typed(&setting.on))
                .collect(),
            not_on: self.effect.not_on(round, None),
            ..RoundReport::default()
        });
        self.progress.stage = match self.effect {
            Effect::NextStart => Stage::Restart,
            Effect::VolatileFlags | Effect::RuleClasses => Stage::Exercise,
        };
        self.save()
    }

    /// Checks that the settings are there after the restart.
    pub(super) fn check_settings(&mut self) -> Result<(), Failure> {
        let settings = verifier::settings(self.system)?;
        if !verifier::names_driver(&settings) {
            self.find(format!(
                "after the restart, Driver Verifier was not set up for the driver: {}",
                settings.trim()
            ));
        }
        if let Some(report) = self.progress.rounds.last_mut() {
            report.settings = settings;
        }
        self.progress.stage = Stage::Exercise;
        self.save()
    }

    /// Switches Verifier on at once, unless that was done since the machine's start.
    pub(super) fn switch_on(&mut self, round: &Round) -> Result<(), Failure> {
        if self.effect == Effect::NextStart
            || (self.progress.verifier_set && self.system.is_marked()?)
        {
            return Ok(());
        }
        // Verifier can be on since this process was ended between two settings.
        drop(machine::stop(self.system));
        self.progress.verifier_set = true;
        self.save()?;
        let mut refused = Vec::new();
        let settings = self.effect.settings(round);
        for setting in &settings {
            self.announce(round, setting);
            if let Err(sentence) = verifier::switch(self.system, &setting.on)? {
                refused.push((as_typed(&setting.on), sentence));
            }
        }
        self.system.mark()?;
        let text = verifier::statistics(self.system)?;
        let flags = verifier::flags(&text);
        let not_on = self.effect.not_on(round, flags);
        if let Some(report) = self.progress.rounds.last_mut() {
            report.settings = text;
            report.not_on = not_on;
            report.refused = refused.iter().map(|(command, _)| command.clone()).collect();
        }
        for (_, sentence) in &refused {
            self.find(format!("Driver Verifier refused a setting: {sentence}"));
        }
        if refused.is_empty() && self.effect == Effect::VolatileFlags && flags == Some(0) {
            self.find("Driver Verifier took its settings, but none is in effect".into());
        }
        self.save()
    }

    /// Switches Verifier off again, as far as it was switched on at once. What stays on is in the
    /// report.
    pub(super) fn turn_off(&mut self) {
        let Some(round) = self.round() else {
            return;
        };
        if self.effect == Effect::NextStart || !self.progress.verifier_set {
            return;
        }
        let mut left = Vec::new();
        // A driver that is loaded stays under Verifier.
        if let Err(failure) = machine::stop(self.system) {
            left.push(failure.0);
        }
        let report = self.progress.rounds.last();
        let refused = report
            .map(|report| report.refused.clone())
            .unwrap_or_default();
        let mut done = Vec::new();
        for setting in self.effect.settings(round).into_iter().rev() {
            if refused.contains(&as_typed(&setting.on)) || done.contains(&setting.off) {
                continue;
            }
            match verifier::switch(self.system, &setting.off) {
                Ok(Ok(())) => {}
                Ok(Err(sentence)) => left.push(sentence),
                Err(failure) => left.push(failure.0),
            }
            done.push(setting.off);
        }
        for sentence in &left {
            self.exercise.say(&format!(
                "Driver Verifier may stay on for the driver until the next restart: {sentence}"
            ));
        }
        if let Some(report) = self.progress.rounds.last_mut() {
            report.left_on = left;
        }
        self.progress.verifier_set = false;
    }

    /// Undoes what does not outlive a run that fails. Returns the failure, with what could not be undone.
    pub(super) fn clean_up(&mut self, failure: Failure) -> Failure {
        let mut sentence = failure.0;
        self.turn_off();
        let undone = self.restore_policy().and_then(|()| self.save());
        if let Err(failure) = undone
            && !sentence.contains(&failure.0)
        {
            sentence = format!("{sentence} {failure}");
        }
        Failure(sentence)
    }

    /// Lets the driver reach all memory when it is loaded next. The values before that are saved first.
    pub(super) fn widen_policy(&mut self) -> Result<(), Failure> {
        let policy = match self.progress.policy {
            Some(policy) => policy,
            None => SavedPolicy::read(self.system)?,
        };
        self.progress.policy = Some(policy);
        self.save()?;
        Ok(policy.widen(self.system)?)
    }

    /// Writes the policy back, as often as this is asked for: Windows writes its registry to the disk
    /// later, and a crash may come first.
    pub(super) fn restore_policy(&mut self) -> Result<(), Failure> {
        let Some(policy) = self.progress.policy else {
            return Ok(());
        };
        policy.restore(self.system).map_err(|error| {
            let failure = Failure::from(error);
            Failure(format!(
                "{failure} The policy still allows all memory; `ringcopy policy set --reach user` \
                 takes that back."
            ))
        })
    }

    fn announce(&mut self, round: &Round, setting: &Setting) {
        self.exercise.say(&format!(
            "round \"{}\": verifier {}",
            round.name,
            as_typed(&setting.on)
        ));
    }
}
