//! The example of the accessors in ring 0, loaded as a driver of its own: a `METHOD_NEITHER` request with
//! good and bad addresses.

#![forbid(unsafe_code)]

use ringcopy_client::{Handle, PAGE_LENGTH, Transport, protocol::NtStatus};
use ringcopy_lab::{Options, Process};
use ringcopy_tests::{artefact, boot_with, buffer, completion, pattern};

const DEVICE: &str = r"\DosDevices\UserModeAccessors";

/// The example's request, `METHOD_NEITHER` with `FILE_READ_ACCESS`.
const CHECKSUM: u32 = 0x0022_6003;

const KERNEL_ADDRESS: u64 = 0xFFFF_8000_0000_0000;

/// Two words and a half: address, length, zero.
fn request(address: u64, length: u32, reserved: u32) -> Vec<u8> {
    let mut bytes = address.to_le_bytes().to_vec();
    bytes.extend(length.to_le_bytes());
    bytes.extend(reserved.to_le_bytes());
    bytes
}

/// Sends a request. Returns the output, or the status of the refusal; then the output is untouched.
fn send(process: &mut Process<'_>, device: Handle, input: &[u8]) -> Result<Vec<u8>, NtStatus> {
    let mut output = vec![0xEE; 16];
    let sent = completion(process.device_io_control(device, CHECKSUM, input, &mut output));
    if sent.is_err() {
        assert_eq!(output, [0xEE; 16]);
    }
    sent.map(|length| output[..length].to_vec())
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_caller_gets_the_checksum_of_its_memory_or_a_precise_refusal() {
    let lab = boot_with(Options::new(
        artefact("RINGCOPY_LAB_KERNEL"),
        [artefact("RINGCOPY_EXAMPLE_DRIVER")],
    ));
    let mut process = lab.process(0).unwrap();
    let device = process.open_name(DEVICE, 3).unwrap();
    let base = process.allocate(PAGE_LENGTH).unwrap();
    let bytes = pattern(1, usize::try_from(PAGE_LENGTH).unwrap());
    process.write(base, &bytes).unwrap();

    for (offset, length) in [
        (0_usize, 0_usize),
        (0, 1),
        (3, 256),
        (1, 257),
        (0, bytes.len()),
    ] {
        let address = base + offset as u64;
        let input = request(address, u32::try_from(length).unwrap(), 0);
        let sum: u64 = bytes[offset..][..length]
            .iter()
            .map(|byte| u64::from(*byte))
            .sum();
        let mut expected = sum.to_le_bytes().to_vec();
        expected.extend((length as u64).to_le_bytes());
        assert_eq!(send(&mut process, device, &input), Ok(expected));
    }

    let page = u32::try_from(PAGE_LENGTH).unwrap();
    for (input, status) in [
        // The page after the buffer is not mapped.
        (request(base + 1, page, 0), NtStatus::ACCESS_VIOLATION),
        (request(KERNEL_ADDRESS, 8, 0), NtStatus::ACCESS_VIOLATION),
        (request(u64::MAX, 8, 0), NtStatus::ACCESS_VIOLATION),
        (request(base, 8, 1), NtStatus::INVALID_PARAMETER),
        (request(base, u32::MAX, 0), NtStatus::INVALID_PARAMETER),
        (
            request(base, 8, 0)[..8].to_vec(),
            NtStatus::INFO_LENGTH_MISMATCH,
        ),
    ] {
        assert_eq!(send(&mut process, device, &input), Err(status));
    }

    // Where the request itself, or its output, is not the caller's memory.
    let input = request(base, 8, 0);
    process.write(base, &input).unwrap();
    let mut at = |input, output| {
        let (input, output) = (buffer(input, 16), buffer(output, 16));
        completion(process.device_io_control_at(device, CHECKSUM, input, output))
    };
    assert_eq!(at(base, base + 32), Ok(16));
    assert_eq!(at(base + 4, base), Err(NtStatus::DATATYPE_MISALIGNMENT));
    for bad in [0, KERNEL_ADDRESS, base + PAGE_LENGTH] {
        assert_eq!(at(bad, base), Err(NtStatus::ACCESS_VIOLATION));
        assert_eq!(at(base, bad), Err(NtStatus::ACCESS_VIOLATION));
    }
}
