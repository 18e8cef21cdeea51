//! The command line.

use alloc::{string::String, vec::Vec};
use core::sync::atomic::{AtomicU64, Ordering};

use ringcopy_lab_mailbox::{HypervisorKind, PROCESSORS};

use crate::global::Global;
use crate::object::registry::Value;
use crate::pe::Missing;

/// The words of the command line, each `name=value`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// `debug`: whether exceptions and requests are printed.
    pub(crate) debug: bool,
    /// `seed`: determines image bases, the page tables' slot and the order of frames.
    pub(crate) seed: u64,
    /// `processors`: their number.
    pub(crate) processors: u64,
    /// `hypervisor`: what drivers are told of one, as a number.
    pub(crate) hypervisor: HypervisorKind,
    /// `steps`: whether the driver's own instructions are counted.
    pub(crate) steps: bool,
    /// `trace`: the level at which a session listens for events; 0: none listens.
    pub(crate) trace: u8,
    /// `driver`: the service's name.
    pub(crate) driver: &'static str,
    /// `hardware-id`: of the device that a driver with `AddDevice` gets; `None`: one with the service's name.
    pub(crate) hardware_id: Option<&'static str>,
    /// `missing`: `stub` or `refuse`; what becomes of imports that do not exist.
    pub(crate) missing: Missing,
}

static OPTIONS: Global<Options> = Global::new(Options {
    debug: false,
    seed: 0,
    processors: 1,
    hypervisor: HypervisorKind::None,
    steps: false,
    trace: 0,
    driver: "Driver",
    hardware_id: None,
    missing: Missing::Refuse,
});

/// `trim`: the user half is away each time that the IRQL is raised this often.
static TRIM_INTERVAL: AtomicU64 = AtomicU64::new(1);

/// Returns how often the IRQL is raised for each time that the user half is away.
pub(crate) fn trim_interval() -> u64 {
    TRIM_INTERVAL.load(Ordering::Relaxed)
}

/// `value`: values of any type under the service's `Parameters` key, each `name:type:data`, with
/// the data in hexadecimal.
static VALUES: Global<Vec<(String, Value)>> = Global::new(Vec::new());

pub(crate) fn values() -> Vec<(String, Value)> {
    VALUES.with(|values| values.clone())
}

pub(crate) fn get() -> Options {
    OPTIONS.with(|options| *options)
}

/// Parses a number, decimal or with `0x`.
fn number(text: &str) -> u64 {
    text.strip_prefix("0x")
        .map_or_else(|| text.parse(), |digits| u64::from_str_radix(digits, 16))
        .expect("a number on the command line")
}

fn parse_value(text: &str) -> (String, Value) {
    let mut parts = text.split(':');
    let mut next = || parts.next().expect("a value is name:type:data");
    let (name, kind, digits) = (next(), next(), next());
    let data = (0..digits.len())
        .step_by(2)
        .map(|start| {
            u8::from_str_radix(&digits[start..start + 2], 16).expect("data is hexadecimal")
        })
        .collect();
    let kind = number(kind) as u32;
    (name.into(), Value { kind, data })
}

pub(crate) fn parse(line: &str) {
    for word in line.split_ascii_whitespace() {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        OPTIONS.with(|options| match name {
            "debug" => options.debug = value != "0",
            "seed" => options.seed = number(value),
            "value" => VALUES.with(|values| values.push(parse_value(value))),
            "processors" => {
                options.processors = number(value);
                assert!(
                    (1..=PROCESSORS).contains(&options.processors),
                    "the lab has 1 to {PROCESSORS} processors"
                );
            }
            "hypervisor" => {
                options.hypervisor =
                    HypervisorKind::from_wire(number(value)).expect("a kind of hypervisor");
            }
            "steps" => options.steps = value != "0",
            "trace" => options.trace = number(value) as u8,
            "trim" => TRIM_INTERVAL.store(number(value).max(1), Ordering::Relaxed),
            "missing" => {
                options.missing = if value == "stub" {
                    Missing::Stub
                } else {
                    Missing::Refuse
                };
            }
            "driver" => options.driver = String::from(value).leak(),
            "hardware-id" => options.hardware_id = Some(String::from(value).leak()),
            // Read by boot.s.
            "la57" => {}
            _ => panic!("an unknown word on the command line: {word}"),
        });
    }
}
