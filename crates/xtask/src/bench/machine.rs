//! What the figures were measured on: without it they mean nothing.

use crate::{error::Error, program};
use std::{fmt, fs, path::Path, process::Command};

/// The machine, and what ran on it.
pub struct Machine {
    processor: String,
    is_virtual: bool,
    wine: String,
    rustc: String,
}

impl Machine {
    /// Asks it.
    ///
    /// # Errors
    ///
    /// If something can't be asked.
    pub fn here() -> Result<Self, Error> {
        let file = Path::new("/proc/cpuinfo");
        let processors = fs::read_to_string(file).map_err(Error::file(file))?;
        let flags = field(&processors, "flags").unwrap_or_default();
        Ok(Self {
            processor: field(&processors, "model name")
                .unwrap_or("unknown processor")
                .to_owned(),
            is_virtual: flags.split(' ').any(|flag| flag == "hypervisor"),
            wine: first_line(program::named("wine").arg("--version"))?,
            rustc: first_line(program::named("rustc").arg("--version"))?,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            processor,
            wine,
            rustc,
            ..
        } = self;
        let place = if self.is_virtual {
            ", in a virtual machine"
        } else {
            ""
        };
        write!(formatter, "{processor}{place}; {wine}; {rustc}")
    }
}

/// The value of the first line that has this name.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.trim() == name)
        .map(|(_, value)| value.trim())
}

fn first_line(command: &mut Command) -> Result<String, Error> {
    let output = program::output_of(command)?;
    Ok(output.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn the_first_processor_speaks_for_all() {
        let text = "processor\t: 0\nmodel name\t: A: 1\n\nprocessor\t: 1\nmodel name\t: B\n";
        assert_eq!(field(text, "model name"), Some("A: 1"));
        assert_eq!(field(text, "name"), None);
    }
}
