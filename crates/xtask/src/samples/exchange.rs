//! What a sample is driven with: the exchanges that its own test program has, as far as the lab can carry
//! them out. The files in `steps` have a step of the lab's script on each line, and after `=>` the status and
//! the output that the sample's sources name.

use serde_json::Value;

/// The steps for a sample.
pub struct Exchange {
    lines: Vec<(&'static str, &'static str)>,
}

/// The steps of each sample that has a test program.
const STEPS: [(&[&str], &str); 2] = [
    (&["nonpnp"], include_str!("steps/nonpnp.txt")),
    (
        &["echo", "echo_2", "echo-2"],
        include_str!("steps/echo.txt"),
    ),
];

impl Exchange {
    /// Returns the steps for the sample of this name, if there are any.
    pub fn of(name: &str) -> Option<Self> {
        let (_, text) = STEPS.iter().find(|(names, _)| names.contains(&name))?;
        let lines = text.lines().filter_map(|line| line.split_once("=>"));
        let lines = lines.map(|(step, expected)| (step.trim(), expected.trim()));
        Some(Self {
            lines: lines.collect(),
        })
    }

    /// Returns the lab's script.
    pub fn script(&self) -> String {
        let lines = self.lines.iter().flat_map(|(step, _)| [*step, "\n"]);
        lines.collect()
    }

    /// Compares what the lab reports of the steps. Returns how many were as expected, of how many, and a
    /// sentence for each that was not.
    pub fn compare(&self, report: &Value) -> (String, Vec<String>) {
        let mut differences = Vec::new();
        for (number, (step, expected)) in self.lines.iter().enumerate() {
            let Some(done) = report["steps"].get(number) else {
                differences.push(format!("{step}: not done"));
                continue;
            };
            let status = done["status_name"].as_str().unwrap_or_default();
            let output = done["output"].as_str().unwrap_or_default();
            let seen = format!("{status} {output}");
            if seen.trim() != *expected {
                differences.push(format!("{step}: {}, not {expected}", seen.trim()));
            }
        }
        let good = self.lines.len().saturating_sub(differences.len());
        (format!("{good} of {} steps", self.lines.len()), differences)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_step_is_compared_by_status_and_output() {
        let exchange = Exchange {
            lines: vec![
                ("open A", "STATUS_SUCCESS"),
                ("read 2", "STATUS_SUCCESS 0102"),
            ],
        };
        assert_eq!(exchange.script(), "open A\nread 2\n");
        let done = |output| {
            json!({ "steps": [
                { "status_name": "STATUS_SUCCESS", "output": "" },
                { "status_name": "STATUS_SUCCESS", "output": output },
            ]})
        };
        let (good, differences) = exchange.compare(&done("0102"));
        assert_eq!((good.as_str(), differences.len()), ("2 of 2 steps", 0));
        let (good, differences) = exchange.compare(&done("0103"));
        assert_eq!(good, "1 of 2 steps");
        assert_eq!(
            differences,
            ["read 2: STATUS_SUCCESS 0103, not STATUS_SUCCESS 0102"]
        );
        let (_, differences) = exchange.compare(&json!({ "steps": [] }));
        assert_eq!(differences[0], "open A: not done");
    }

    #[test]
    fn every_line_of_the_steps_has_an_expectation() {
        for (names, text) in STEPS {
            let exchange = Exchange::of(names[0]).unwrap();
            assert_eq!(exchange.lines.len(), text.lines().count(), "{names:?}");
        }
        assert!(Exchange::of("other").is_none());
    }
}
