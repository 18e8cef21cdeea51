//! The request: the sum of the input's bytes.

use usermode_accessors::{NtStatus, UserSlice};

/// `CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_READ_ACCESS)`, `0x226003`. The output is
/// the sum, a `u64`.
pub const CHECKSUM: u32 = 0x22 << 16 | 1 << 14 | 0x800 << 2 | 3;

/// The length of the output in bytes.
pub const OUTPUT_LENGTH: usize = size_of::<u64>();

/// The longest input in bytes.
const MOST: usize = 1 << 20;

/// Serves a request in the process that sent it. Returns the number of bytes written.
///
/// # Errors
///
/// `STATUS_INVALID_PARAMETER` for a longer input, and the status of the first byte that is not the
/// caller's to read or to write, such as `STATUS_ACCESS_VIOLATION`.
pub fn checksum(input: UserSlice, output: UserSlice) -> Result<usize, NtStatus> {
    let mut reader = input.reader()?;
    if reader.remaining() > MOST {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    // In pieces: nothing is allocated by a caller's length. Each byte is read once.
    let mut piece = [0; 256];
    let mut sum = 0_u64;
    while reader.remaining() > 0 {
        let (part, _) = piece.split_at_mut(reader.remaining().min(256));
        reader.read(part)?;
        sum = part
            .iter()
            .fold(sum, |sum, byte| sum.wrapping_add(u64::from(*byte)));
    }
    output.writer()?.write_value(&sum)?;
    Ok(OUTPUT_LENGTH)
}
