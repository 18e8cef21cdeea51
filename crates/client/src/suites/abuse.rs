//! Malformed requests for every control code. Each must be refused with a status, and the driver
//! must report the same about itself afterwards.
//!
//! These can be sent on any machine. The lab's tests send more, at addresses where a defect of the
//! driver would crash a real machine.

use ringcopy_protocol::{CODES, Code, Header, Method, PROTOCOL_VERSION};
use zerocopy::IntoBytes;

use crate::{Buffer, Device, Error, OpenAccess, RequestError, Transport};

/// The result of the suite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abuse {
    /// The number of requests that were sent.
    pub requests: u64,
    /// The requests that were not refused as they must be, and what happened.
    pub wrong: Vec<String>,
}

/// Sends all requests.
///
/// # Errors
/// If the device cannot be opened, or the transport fails.
pub fn run<T: Transport + ?Sized>(transport: &mut T) -> Result<Abuse, Error> {
    let mut abuse = Abuse::default();
    let mut device = Device::open(transport, OpenAccess::ReadWrite)?;
    let before = device.information()?;
    for code in &CODES {
        for (what, input, output_length) in malformed(code) {
            let mut output = vec![0xEE; output_length];
            let handle = device.handle();
            let result =
                device
                    .transport()
                    .device_io_control(handle, code.value, &input, &mut output);
            abuse.check(&format!("{}: {what}", code.name), result)?;
            if output.iter().any(|byte| *byte != 0xEE) {
                let wrong = format!("{}: {what}: the output was written", code.name);
                abuse.wrong.push(wrong);
            }
        }
        abuse.bad_addresses(&mut device, code)?;
    }
    let handle = device.handle();
    for value in unknown_codes() {
        let result = device
            .transport()
            .device_io_control(handle, value, &[0; 64], &mut [0; 64]);
        abuse.check(&format!("unknown code {value:#x}"), result)?;
    }
    if device.information()? != before {
        abuse
            .wrong
            .push("the driver reports itself differently than before".into());
    }
    Ok(abuse)
}

impl Abuse {
    fn check(&mut self, what: &str, result: Result<usize, RequestError>) -> Result<(), Error> {
        self.requests += 1;
        match result {
            Err(RequestError::Status(_)) => Ok(()),
            Err(RequestError::Transport(error)) => Err(error.into()),
            Ok(returned) => {
                let wrong = format!("{what}: succeeded, with {returned} bytes");
                self.wrong.push(wrong);
                Ok(())
            }
        }
    }

    /// Sends requests with buffers that are not in the caller's memory.
    fn bad_addresses<T: Transport + ?Sized>(
        &mut self,
        device: &mut Device<'_, T>,
        code: &Code,
    ) -> Result<(), Error> {
        // For other methods the I/O manager copies the buffers, and refuses bad ones itself. It does
        // not promise to refuse an output that it does not write.
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
            let result = device.transport().device_io_control_at(
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
            self.check(&format!("{}: buffers at {address:#x}", code.name), result)?;
        }
        Ok(())
    }
}

/// Returns inputs that the code does not take: a description, the input, and the output's length.
fn malformed(code: &Code) -> Vec<(String, Vec<u8>, usize)> {
    let header = |version, size| {
        let mut input = vec![0; code.request_length];
        let header = Header { version, size };
        let bytes = header.as_bytes();
        input[..bytes.len()].copy_from_slice(bytes);
        input
    };
    let size = u32::try_from(code.request_length).unwrap_or(u32::MAX);
    let length = code.response_length;
    let mut requests = vec![
        ("no input".into(), Vec::new(), length),
        ("garbage".into(), vec![0xA5; code.request_length], length),
        ("no output".into(), header(PROTOCOL_VERSION, size), 0),
        (
            "output too short".into(),
            header(PROTOCOL_VERSION, size),
            length - 1,
        ),
    ];
    for input_length in [1, 7, 8, code.request_length - 1] {
        let mut input = header(PROTOCOL_VERSION, size);
        input.truncate(input_length.min(code.request_length - 1));
        requests.push((format!("input of {input_length} bytes"), input, length));
    }
    for version in [0, PROTOCOL_VERSION + 1, u32::MAX] {
        requests.push((format!("version {version}"), header(version, size), length));
    }
    for wrong in [0, size - 1, size + 1, u32::MAX] {
        let input = header(PROTOCOL_VERSION, wrong);
        requests.push((format!("size {wrong}"), input, length));
    }
    requests
}

/// Returns unknown codes of the driver's device type, and codes of other device types.
fn unknown_codes() -> impl Iterator<Item = u32> {
    let first = CODES[0].value;
    (0..64)
        .map(move |function| (first & !0x3FFC) | (0x900 + function) << 2)
        .chain((0..4).map(|method| 0x0022_E000 | method))
        .chain([0, u32::MAX])
        .filter(|value| Code::from_value(*value).is_none())
}
