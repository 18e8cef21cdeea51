//! What became of a driver, as text and as JSON.

use std::fmt::{self, Write as _};

use serde_json::{Value, json};

use super::{Done, Outcome};

/// Bytes on a line of a dump.
const ROW: usize = 16;

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.status)?;
        if self.information > 0 {
            write!(f, ", {} bytes", self.information)?;
        }
        for (row, bytes) in self.output.chunks(ROW).enumerate() {
            write!(f, "\n  {:08x} ", row * ROW)?;
            for byte in bytes {
                write!(f, " {byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Returns bytes as hexadecimal digits.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

impl Outcome {
    /// Returns whether nothing was wrong.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.verdicts.is_empty()
    }

    /// Returns everything as data.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let steps = self.steps.iter().map(|done| {
            json!({
                "step": done.step,
                "status": done.status.0,
                "status_name": done.status.to_string(),
                "information": done.information,
                "output": hexadecimal(&done.output),
            })
        });
        let verdicts = self.verdicts.iter().map(super::Verdict::to_json);
        json!({
            "driver": self.driver.display().to_string(),
            "clean": self.is_clean(),
            "notes": self.notes,
            "entry": self.entry.map(|status| status.0),
            "steps": steps.collect::<Vec<_>>(),
            "verdicts": verdicts.collect::<Vec<_>>(),
            "log": self.log,
        })
    }

    /// Returns what was wrong, and what Windows may not like, a paragraph each.
    #[must_use]
    pub fn summary(&self) -> String {
        let notes = self.notes.iter().map(|note| format!("note: {note}"));
        let verdicts = self.verdicts.iter();
        let verdicts = verdicts.map(|verdict| format!("{}: {verdict}", verdict.name()));
        let end = match self.verdicts.len() {
            0 => "clean: nothing was missing, and nothing is left".to_owned(),
            1 => "not clean: 1 verdict".to_owned(),
            count => format!("not clean: {count} verdicts"),
        };
        let lines = notes.chain(verdicts).chain([end]);
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use nt_status::NtStatus;

    use super::*;
    use crate::drive::{Crash, Verdict};

    #[test]
    fn a_step_shows_its_status_and_its_bytes() {
        let done = Done {
            step: "read 20 bytes".into(),
            status: NtStatus::SUCCESS,
            information: 17,
            output: (0..17).collect(),
        };
        let expected = "read 20 bytes: STATUS_SUCCESS, 17 bytes\
            \n  00000000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f\
            \n  00000010  10";
        assert_eq!(done.to_string(), expected);
    }

    #[test]
    fn only_an_outcome_without_verdicts_is_clean() {
        let mut outcome = Outcome::default();
        assert_eq!(outcome.to_json()["clean"], true);
        let text = String::from("why");
        for verdict in [
            Verdict::ImageRefused(text.clone()),
            Verdict::MissingImport(text.clone()),
            Verdict::StartFailed(NtStatus::NO_MEMORY),
            Verdict::StepNotDone(text.clone(), text.clone()),
            Verdict::NoUnload,
            Verdict::Leak(text.clone()),
            Verdict::Crash(Crash::default()),
            Verdict::NoReturn(1, Crash::default()),
            Verdict::Stopped(text),
        ] {
            let start = format!("{}: ", verdict.name());
            outcome.verdicts = vec![verdict];
            assert_eq!(outcome.to_json()["clean"], false);
            assert!(outcome.summary().starts_with(&start), "{start}");
        }
    }
}
