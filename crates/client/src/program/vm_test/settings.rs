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
            Effect::VolatileFlags | Effect::RuleClasses | Effect::RemainingFlags => Stage::Exercise,
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
        let mut refused = self.switch(round, self.effect)?;
        let mut effect = self.effect;
        let mut is_replaced = false;
        if refused.len() == effect.settings(round).len()
            && let Some(instead) = effect.instead(round)
        {
            effect = instead;
            let also_refused = self.switch(round, effect)?;
            is_replaced = also_refused.is_empty();
            refused.extend(also_refused);
        }
        self.system.mark()?;
        let text = verifier::statistics(self.system)?;
        let flags = verifier::flags(&text);
        let not_on = effect.not_on(round, flags);
        if let Some(report) = self.progress.rounds.last_mut() {
            report.settings = text;
            report.not_on = not_on;
            report.refused = refused.iter().map(|(command, _)| command.clone()).collect();
        }
        for (_, sentence) in &refused {
            let told = format!("Driver Verifier refused a setting: {sentence}");
            // What the round lacks is in the report.
            if is_replaced {
                self.exercise.say(&told);
            } else {
                self.find(told);
            }
        }
        let by_flags = matches!(effect, Effect::VolatileFlags | Effect::RemainingFlags);
        if (refused.is_empty() || is_replaced) && by_flags && flags == Some(0) {
            self.find("Driver Verifier took its settings, but none is in effect".into());
        }
        self.save()
    }

    /// Switches the settings of an effect on, which the report then has. Returns those that Verifier refused,
    /// as they are typed, each with a sentence.
    fn switch(&mut self, round: &Round, effect: Effect) -> Result<Vec<(String, String)>, Failure> {
        let mut refused = Vec::new();
        for setting in &effect.settings(round) {
            self.announce(round, setting);
            let typed = as_typed(&setting.on);
            if let Some(report) = self.progress.rounds.last_mut()
                && !report.verifier.contains(&typed)
            {
                report.verifier.push(typed.clone());
                // First, so that a process that is ended in the next moment is followed by one that knows it.
                self.save()?;
            }
            if let Err(sentence) = verifier::switch(self.system, &setting.on)? {
                refused.push((typed, sentence));
            }
        }
        Ok(refused)
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
        let (given, refused) = self
            .progress
            .rounds
            .last()
            .map(|report| (report.verifier.clone(), report.refused.clone()))
            .unwrap_or_default();
        let mut settings = self.effect.settings(round);
        if let Some(instead) = self.effect.instead(round) {
            let instead = instead.settings(round).into_iter();
            settings.extend(instead.filter(|setting| given.contains(&as_typed(&setting.on))));
        }
        let mut done = Vec::new();
        for setting in settings.into_iter().rev() {
            let typed = as_typed(&setting.on);
            if refused.contains(&typed) || done.contains(&setting.off) {
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
