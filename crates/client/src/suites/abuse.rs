//! Requests that no honest client makes, for every control code: each has to be refused with a
//! status, and the driver has to be the same afterwards.
//!
//! This is what can be tried on any machine. The lab's tests try more, at addresses that a real
//! machine would not survive being wrong about.

use ringcopy_protocol::{CODES, Code, Header, Method, PROTOCOL_VERSION};
use zerocopy::IntoBytes;

use crate::{Buffer, Device, Error, OpenAccess, RequestError, Transport};

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abuse {
    /// Requests that were sent.
    pub requests: u64,
    /// What should not have happened: request and outcome.
    pub wrong: Vec<String>,
}

/// Sends them all.
///
/// # Errors
/// If the driver cannot be opened or asked, or the way to it is lost.
pub fn run<T: Transport + ?Sized>(transport: &mut T) -> Result<Abuse, Error> {
    let mut abuse = Abuse::default();
    let mut device = Device::open(transport, OpenAccess::ReadWrite)?;
    let before = device.information()?;
    for code in &CODES {
        for (what, input, room) in malformed(code) {
            let mut output = vec![0xEE; room];
            let handle = device.handle();
            let outcome =
                device
                    .transport()
                    .device_io_control(handle, code.value, &input, &mut output);
            abuse.judge(&format!("{}: {what}", code.name), outcome)?;
            if output.iter().any(|byte| *byte != 0xEE) {
                let wrong = format!("{}: {what}: the output was written", code.name);
                abuse.wrong.push(wrong);
            }
        }
        abuse.bad_addresses(&mut device, code)?;
    }
    let handle = device.handle();
    for value in unknown_codes() {
        let outcome = device
            .transport()
            .device_io_control(handle, value, &[0; 64], &mut [0; 64]);
        abuse.judge(&format!("unknown code {value:#x}"), outcome)?;
    }
    if device.information()? != before {
        abuse
            .wrong
            .push("the driver tells of itself otherwise than before".into());
    }
    Ok(abuse)
}

impl Abuse {
    fn judge(&mut self, what: &str, outcome: Result<usize, RequestError>) -> Result<(), Error> {
        self.requests += 1;
        match outcome {
            Err(RequestError::Status(_)) => Ok(()),
            Err(RequestError::Transport(error)) => Err(error.into()),
            Ok(returned) => {
                let wrong = format!("{what}: succeeded, with {returned} bytes");
                self.wrong.push(wrong);
                Ok(())
            }
        }
    }

    /// Buffers where there is no memory of the caller's.
    fn bad_addresses<T: Transport + ?Sized>(
        &mut self,
        device: &mut Device<'_, T>,
        code: &Code,
    ) -> Result<(), Error> {
        // The I/O manager copies the buffers of other methods, and refuses bad ones itself; it does
        // not promise to refuse an output that it never gets to.
        if code.method != Method::Neither {
            return Ok(());
        }
        let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        for address in [
            0x10,
            0x8000_0000_0000_0000,
            0xFFFF_F800_0000_0000,
            u64::MAX - 7,
        ] {
            let handle = device.handle();
            let outcome = device.transport().device_io_control_at(
                handle,
                code.value,
                Buffer {
                    address,
                    length: length(code.request_length),
                },
                Buffer {
                    address,
                    length: length(code.response_length),
                },
            );
            self.judge(&format!("{}: buffers at {address:#x}", code.name), outcome)?;
        }
        Ok(())
    }
}

/// Inputs that no code takes, each with the room for its output.
fn malformed(code: &Code) -> Vec<(String, Vec<u8>, usize)> {
    let header = |version, size| {
        let mut input = vec![0; code.request_length];
        let header = Header { version, size };
        let bytes = header.as_bytes();
        input[..bytes.len()].copy_from_slice(bytes);
        input
    };
    let size = u32::try_from(code.request_length).unwrap_or(u32::MAX);
    let room = code.response_length;
    let mut requests = vec![
        ("no input".into(), Vec::new(), room),
        ("garbage".into(), vec![0xA5; code.request_length], room),
        ("no room".into(), header(PROTOCOL_VERSION, size), 0),
        (
            "too little room".into(),
            header(PROTOCOL_VERSION, size),
            room - 1,
        ),
    ];
    for length in [1, 7, 8, code.request_length - 1] {
        let mut input = header(PROTOCOL_VERSION, size);
        input.truncate(length.min(code.request_length - 1));
        requests.push((format!("input of {length} bytes"), input, room));
    }
    for version in [0, PROTOCOL_VERSION + 1, u32::MAX] {
        requests.push((format!("version {version}"), header(version, size), room));
    }
    for wrong in [0, size - 1, size + 1, u32::MAX] {
        let input = header(PROTOCOL_VERSION, wrong);
        requests.push((format!("size {wrong}"), input, room));
    }
    requests
}

/// Codes of our device type that stand for nothing, and codes of others.
fn unknown_codes() -> impl Iterator<Item = u32> {
    let first = CODES[0].value;
    (0..64)
        .map(move |function| (first & !0x3FFC) | (0x900 + function) << 2)
        .chain((0..4).map(|method| 0x0022_E000 | method))
        .chain([0, u32::MAX])
        .filter(|value| Code::from_value(*value).is_none())
}
