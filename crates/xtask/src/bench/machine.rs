//! The machine on which the figures were measured, without which they mean nothing.

use crate::program;
use anyhow::Result;
use fs_err as fs;
use std::{fmt, process::Command, thread};

/// A processor, its load, and the programs that ran on it.
pub struct Machine {
    processor: String,
    processors: usize,
    is_virtual: bool,
    load: String,
    glibc: String,
    wine: String,
    rustc: String,
}

impl Machine {
    /// Returns this machine, with its load at this moment.
    pub fn here() -> Result<Self> {
        let processors = fs::read_to_string("/proc/cpuinfo")?;
        let flags = field(&processors, "flags").unwrap_or_default();
        let load = fs::read_to_string("/proc/loadavg")?;
        Ok(Self {
            processor: field(&processors, "model name")
                .unwrap_or("unknown processor")
                .to_owned(),
            processors: thread::available_parallelism()?.get(),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
            is_virtual: flags.split(' ').any(|flag| flag == "hypervisor"),
            glibc: first_line(program::named("getconf").arg("GNU_LIBC_VERSION"))?,
            wine: first_line(program::named("wine").arg("--version"))?,
            rustc: first_line(program::named("rustc").arg("--version"))?,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            processor,
            processors,
            is_virtual,
            load,
            glibc,
            wine,
            rustc,
        } = self;
        let kind = if *is_virtual {
            "in a virtual machine, "
        } else {
            ""
        };
        write!(
            formatter,
            "{processor}, {kind}{processors} processors, with a load average of {load} when the \
             measurement began; {glibc}; {wine}; {rustc}"
        )
    }
}

/// Returns the value of the first line with this name.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.trim() == name)
        .map(|(_, value)| value.trim())
}

fn first_line(command: &mut Command) -> Result<String> {
    let output = program::output_of(command)?;
    Ok(output.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn the_first_processor_is_read() {
        let text = "processor\t: 0\nmodel name\t: A: 1\n\nprocessor\t: 1\nmodel name\t: B\n";
        assert_eq!(field(text, "model name"), Some("A: 1"));
        assert_eq!(field(text, "name"), None);
    }
}
