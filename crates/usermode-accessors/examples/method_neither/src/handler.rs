//! The request.

use usermode_accessors::{CallerMode, NtStatus};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// `CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_READ_ACCESS)`.
pub const CHECKSUM: u32 = 0x22 << 16 | 1 << 14 | 0x800 << 2 | 3;

/// The input. Each field has the same width and offset for 32-bit and 64-bit callers.
#[derive(FromBytes)]
#[repr(C)]
struct Request {
    /// The address of the buffer.
    buffer: u64,
    /// The length of the buffer in bytes.
    length: u32,
    /// Zero.
    reserved: u32,
}

/// The output.
#[allow(dead_code, reason = "all its bytes are written at once")]
#[derive(Immutable, IntoBytes)]
#[repr(C)]
struct Response {
    /// The sum of all bytes.
    sum: u64,
    /// The number of bytes in the sum.
    length: u64,
}

/// The longest buffer that one request may name.
const MOST: u32 = 1 << 20;

/// An address and a length, as the caller passed them.
#[derive(Clone, Copy)]
pub struct Buffer {
    pub address: usize,
    pub length: usize,
}

/// Serves a request, in the context of the process that sent it. Returns the length of the output.
pub fn serve(
    caller: CallerMode,
    code: u32,
    input: Buffer,
    output: Buffer,
) -> Result<usize, NtStatus> {
    if code != CHECKSUM {
        return Err(NtStatus::INVALID_DEVICE_REQUEST);
    }
    if input.length != size_of::<Request>() {
        return Err(NtStatus::INFO_LENGTH_MISMATCH);
    }
    if output.length < size_of::<Response>() {
        return Err(NtStatus::BUFFER_TOO_SMALL);
    }
    // One read of the request. What the caller changes in it later has no effect.
    let request: Request = caller
        .slice(input.address, input.length)
        .reader_aligned(align_of::<Request>())?
        .read_value()?;
    if request.reserved != 0 || request.length > MOST {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    let response = sum(caller, &request)?;
    caller
        .slice(output.address, size_of::<Response>())
        .writer()?
        .write_value(&response)?;
    Ok(size_of::<Response>())
}

/// Reads the buffer of a request once, in pieces: nothing is allocated by a caller's length.
fn sum(caller: CallerMode, request: &Request) -> Result<Response, NtStatus> {
    let address = usize::try_from(request.buffer).map_err(|_| NtStatus::ACCESS_VIOLATION)?;
    let length = usize::try_from(request.length).map_err(|_| NtStatus::INVALID_PARAMETER)?;
    let mut reader = caller.slice(address, length).reader()?;
    let mut piece = [0; 256];
    let mut sum = 0_u64;
    while reader.remaining() > 0 {
        let (part, _) = piece.split_at_mut(reader.remaining().min(256));
        reader.read(part)?;
        sum = part
            .iter()
            .fold(sum, |sum, byte| sum.wrapping_add(u64::from(*byte)));
    }
    Ok(Response {
        sum,
        length: u64::from(request.length),
    })
}
