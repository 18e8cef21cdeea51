//! The `lab` program: loads a driver in the lab, drives it, and says what was wrong with it.

#![forbid(unsafe_code)]

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, value_parser};
use ringcopy_driver_events::VERBOSE;
use ringcopy_lab::{
    HardwareId, Options, PROCESSORS, RegistryValue,
    drive::{self, Access, Plan, Step},
    interrupt_on_signals, readable,
    rules::{Breach, Description, Rule},
    token,
};
use ringcopy_numbers::parse_number;

/// Loads a driver in the lab, sends it requests as a program of user mode does, unloads it, and says
/// what was wrong.
///
/// The exit code is 0 only if nothing was missing, nothing broke a rule and nothing stayed. What a
/// request's status is does not count: it is the driver's to say. A PDB or map beside the driver, with
/// the driver's name, gives the names of functions.
///
/// A script has a step on each line: open DEVICE, ioctl CODE, read N, write HEX, close, wait MILLISECONDS,
/// memory NAME HEX, whose address is &NAME in later bytes, and pnp REQUEST, such as pnp surprise-removal.
/// Several handles have names: open DEVICE --as NAME, and --on NAME in a later step. An ioctl takes
/// --input HEX|@FILE and --output-length N; its code says how the buffers are passed.
#[derive(Debug, Parser)]
#[command(name = "lab", version)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
struct Arguments {
    /// The driver
    #[arg(long, value_name = "SYS", required_unless_present = "rules")]
    driver: Option<PathBuf>,

    /// Print the rules of Driver Verifier that the lab checks: name, page, where it is checked, what
    /// breaks it in a test, and what it asks
    #[arg(long, exclusive = true)]
    rules: bool,

    /// The lab's kernel
    #[arg(long, value_name = "ELF")]
    kernel: Option<PathBuf>,

    /// WDFLDR.SYS, for a driver on KMDF
    #[arg(long, value_name = "SYS")]
    framework: Option<PathBuf>,

    /// The hardware ID of the device that a driver with `AddDevice` gets, as the driver's INF names it; without
    /// one, Root\ and the name of the driver's file
    #[arg(long, value_name = "ID")]
    inf_hardware_id: Option<HardwareId>,

    /// Open this device: \\.\NAME or NAME for a link, \Device\NAME for a name, {GUID} for the class of an
    /// interface
    #[arg(long, value_name = "NAME")]
    device: Option<String>,

    /// What the handle may do
    #[arg(long, value_enum, default_value_t = Access::ReadWrite, requires = "device")]
    access: Access,

    /// Send a device control request with this code
    #[arg(long, value_name = "CODE", requires = "device", group = "step")]
    ioctl: Option<String>,

    /// The request's input: hexadecimal digits, or @FILE
    #[arg(long, value_name = "HEX|@FILE", requires = "ioctl")]
    input: Option<String>,

    /// Bytes of the request's output buffer
    #[arg(long, value_name = "N", requires = "ioctl")]
    output_length: Option<String>,

    /// Read this many bytes
    #[arg(long, value_name = "N", requires = "device", group = "step")]
    read: Option<String>,

    /// Write these bytes: hexadecimal digits, or @FILE
    #[arg(long, value_name = "HEX|@FILE", requires = "device", group = "step")]
    write: Option<String>,

    /// Carry out the steps in this file, after the device was opened if one is given
    #[arg(long, value_name = "FILE", group = "step")]
    script: Option<PathBuf>,

    /// Open as a user outside of Administrators
    #[arg(long)]
    unprivileged: bool,

    /// A value under the service's key Parameters: a `REG_DWORD` of a number, a `REG_SZ` of another text
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<RegistryValue>,

    /// Seconds that the driver may take for one step
    #[arg(long, value_name = "N", default_value_t = drive::PATIENCE.as_secs(), value_parser = value_parser!(u64).range(1..=86_400))]
    patience: u64,

    /// The number of processors
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u32).range(1..=PROCESSORS as i64))]
    processors: u32,

    /// Show the events that the driver writes for Event Tracing for Windows
    #[arg(long)]
    trace: bool,

    /// Print everything as JSON
    #[arg(long)]
    json: bool,

    /// Show all that the lab logs, not only what the driver prints
    #[arg(long, conflicts_with = "json")]
    verbose: bool,
}

/// `REG_SZ`.
const TEXT: u32 = 1;

fn parameter(text: &str) -> Result<RegistryValue, String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is needed")?;
    if name.is_empty() || name.contains([' ', ':']) {
        return Err("a name has characters, and none of them is a space or a colon".into());
    }
    let number = parse_number(value)
        .ok()
        .and_then(|number| u32::try_from(number).ok());
    Ok(number.map_or_else(
        || RegistryValue {
            name: name.into(),
            kind: TEXT,
            data: (value.encode_utf16().chain([0]))
                .flat_map(u16::to_le_bytes)
                .collect(),
        },
        |number| RegistryValue::number(name, number),
    ))
}

/// Returns the words of a step, from the options of the command line.
fn step_of(arguments: &Arguments) -> Vec<&str> {
    let mut words = Vec::new();
    let mut add = |name, value| words.extend([name, value]);
    if let Some(code) = &arguments.ioctl {
        add("ioctl", code.as_str());
    }
    if let Some(length) = &arguments.read {
        add("read", length);
    }
    if let Some(bytes) = &arguments.write {
        add("write", bytes);
    }
    if let Some(input) = &arguments.input {
        add("--input", input);
    }
    if let Some(length) = &arguments.output_length {
        add("--output-length", length);
    }
    words
}

/// Returns the steps that the command line asks for.
fn steps(arguments: &Arguments) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    if let Some(device) = &arguments.device {
        steps.push(Step::Open {
            device: device.clone(),
            handle: None,
            access: arguments.access,
        });
    }
    let words = step_of(arguments);
    if !words.is_empty() {
        steps.push(drive::parse_step(words, Path::new(""))?);
    }
    if let Some(script) = &arguments.script {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", script.display());
        let text = fs::read_to_string(script).map_err(|error| named(&error))?;
        let folder = script.parent().unwrap_or_else(|| Path::new(""));
        steps.extend(drive::parse_script(&text, folder).map_err(|error| named(&error))?);
    }
    Ok(steps)
}

fn plan(arguments: &Arguments) -> Result<Plan, String> {
    let steps = steps(arguments)?;
    let of_variable = |name| env::var_os(name).map(PathBuf::from);
    let kernel = arguments
        .kernel
        .clone()
        .or_else(|| of_variable("RINGCOPY_LAB_KERNEL"))
        .ok_or(
            "--kernel is missing; `cargo xtask lab --driver` builds everything and passes it.",
        )?;
    let framework = arguments
        .framework
        .clone()
        .or_else(|| of_variable("RINGCOPY_WDFLDR"));
    let driver = arguments.driver.clone().unwrap_or_default();
    let service = driver.file_stem().and_then(|name| name.to_str());
    let service = service.unwrap_or("driver").replace([' ', '\\', ','], "_");
    let images = framework.into_iter().chain([driver]);
    let options = Options {
        service,
        hardware_id: arguments.inf_hardware_id.clone(),
        stub_missing: true,
        values: arguments.parameters.clone(),
        processors: arguments.processors,
        patience: Duration::from_secs(arguments.patience),
        trace: arguments.trace.then_some(VERBOSE),
        ..Options::new(kernel, images)
    };
    let token = if arguments.unprivileged {
        0
    } else {
        token::ADMINISTRATORS | token::DEBUG_PRIVILEGE
    };
    Ok(Plan {
        options,
        steps,
        token,
    })
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.rules {
        print_rules();
        return ExitCode::SUCCESS;
    }
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(sentence) => {
            // A reader may have seen enough.
            drop(writeln!(io::stderr(), "lab: {sentence}"));
            ExitCode::FAILURE
        }
    }
}

/// Returns whether nothing was wrong.
fn run(arguments: &Arguments) -> Result<bool, String> {
    let plan = plan(arguments)?;
    let interrupted = &plan.options.interrupted;
    interrupt_on_signals(interrupted)
        .map_err(|error| format!("cannot listen for signals: {error}"))?;
    let (json, verbose) = (arguments.json, arguments.verbose);
    let echo = move |line: &str| {
        let line = readable(line);
        let is_said = verbose || line.starts_with("[driver] ") || line.starts_with("event: ");
        if is_said && !json {
            print(&line);
        }
    };
    let outcome = drive::drive(&plan, echo, |done| {
        if !json {
            print(&done.to_string());
        }
    })
    .map_err(|error| error.to_string())?;
    if json {
        print(&format!("{:#}", outcome.to_json()));
    } else {
        print(&outcome.summary());
    }
    Ok(outcome.is_clean())
}

/// Prints the table of rules, a line each with tabs between the columns.
fn print_rules() {
    for &rule in Rule::ALL {
        let Description {
            name,
            page,
            text,
            breach,
        } = rule.description();
        let breach = match breach {
            Breach::Kernel => "lab_verifier",
            Breach::Mutant(mutant) => mutant,
        };
        let checker = rule.checker();
        print(&format!("{name}\t{page}\t{checker}\t{breach}\t{text}"));
    }
}

/// Prints a line, if anybody reads it.
fn print(line: &str) {
    drop(writeln!(io::stdout(), "{line}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(options: &[&str]) -> Plan {
        let words = ["lab", "--kernel", "kernel", "--driver", "it.sys"];
        let arguments = Arguments::try_parse_from(words.iter().chain(options)).unwrap();
        plan(&arguments).unwrap()
    }

    #[test]
    fn the_rules_need_no_driver() {
        assert!(Arguments::try_parse_from(["lab", "--rules"]).is_ok());
        assert!(Arguments::try_parse_from(["lab"]).is_err());
    }

    #[test]
    fn a_user_is_an_administrator_unless_asked_otherwise() {
        let administrator = token::ADMINISTRATORS | token::DEBUG_PRIVILEGE;
        assert_eq!(planned(&[]).token, administrator);
        assert_eq!(planned(&["--unprivileged"]).token, 0);
    }

    #[test]
    fn a_parameter_is_a_number_or_a_text() {
        let plan = planned(&["--parameter", "Mode=0x10", "--parameter", "Name=a=b"]);
        let values = plan.options.values.iter();
        let values: Vec<_> = values
            .map(|value| (value.name.as_str(), value.kind, value.data.as_slice()))
            .collect();
        let expected: [(&str, u32, &[u8]); 2] = [
            ("Mode", 4, &[0x10, 0, 0, 0]),
            ("Name", TEXT, b"a\0=\0b\0\0\0"),
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn a_hardware_id_is_that_of_the_inf_or_refused_in_a_sentence() {
        let given = |options: &[&str]| planned(options).options.hardware_id;
        assert_eq!(given(&[]), None);
        let id = given(&["--inf-hardware-id", r"Root\Echo"]).unwrap();
        assert_eq!(id.to_string(), r"Root\Echo");
        let words = ["lab", "--driver", "it.sys", "--inf-hardware-id", "a,b"];
        let refused = Arguments::try_parse_from(words).unwrap_err().to_string();
        assert!(refused.contains("this one has ','"), "{refused}");
    }

    #[test]
    fn the_steps_are_those_of_the_command_line() {
        let words = ["--device", "It", "--access", "read", "--read", "4"];
        let steps: Vec<_> = planned(&words).steps.iter().map(Step::to_string).collect();
        assert_eq!(steps, ["open It", "read 4 bytes"]);
        let plan = planned(&["--patience", "7", "--processors", "3", "--trace"]);
        assert_eq!(plan.options.patience, Duration::from_secs(7));
        assert_eq!(plan.options.processors, 3);
        assert_eq!(plan.options.trace, Some(VERBOSE));
    }
}
