//! Whole values, fields of structures, memory that is not initialised, and the token of a caller's mode.

use std::mem::MaybeUninit;

use usermode_accessors::{
    Access, CallerMode, Fault, Mode, NtStatus, UnicodeString, UnicodeString32, UserPtr, UserSlice,
    user_field,
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

const UNTOUCHED: u8 = 0xEE;

#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, Immutable, IntoBytes)]
#[repr(C)]
struct Header {
    size: u32,
    version: u16,
    flags: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, Immutable, IntoBytes)]
#[repr(C)]
struct Request {
    header: Header,
    entries: [u64; 3],
}

#[repr(C, packed)]
struct Packed {
    kind: u8,
    value: u32,
}

const REQUEST: Request = Request {
    header: Header {
        size: 1,
        version: 2,
        flags: 3,
    },
    entries: [4, 5, 6],
};

/// Lets the safe types work, and returns the address of an object.
fn address_of<T>(object: &mut T) -> usize {
    // SAFETY: each test uses an object that it has given away only after the access.
    unsafe { usermode_accessors::allow_in_user_mode() };
    (&raw mut *object).expose_provenance()
}

#[test]
fn values_are_read_one_after_the_other() {
    let mut memory = REQUEST;
    let mut reader = UserSlice::new(address_of(&mut memory), size_of::<Request>())
        .reader()
        .unwrap();
    assert_eq!(reader.read_value::<Header>(), Ok(REQUEST.header));
    reader.skip(8).unwrap();
    let mut entries = [0_u64; 2];
    reader.read_values(&mut entries).unwrap();
    assert_eq!((entries, reader.remaining()), ([5, 6], 0));
    let end = address_of(&mut memory) + size_of::<Request>();
    let refused = Fault::new(NtStatus::INVALID_BUFFER_SIZE, 0, Some(end), Access::Read);
    assert_eq!(reader.read_value::<u8>(), Err(refused));
    assert_eq!(reader.skip(1), Err(refused));
    assert_eq!(reader.position(), size_of::<Request>());
}

#[test]
fn values_are_written_one_after_the_other() {
    let mut memory = [UNTOUCHED; 40];
    let mut writer = UserSlice::new(address_of(&mut memory), 36)
        .writer()
        .unwrap();
    writer.write_value(&REQUEST.header).unwrap();
    writer.skip(8).unwrap();
    writer.write_value(&REQUEST.entries[1..]).unwrap();
    let fault = writer.write_value(&7_u64).unwrap_err();
    assert_eq!(fault.status, NtStatus::INVALID_BUFFER_SIZE);
    assert!(writer.skip(5).is_err());
    assert_eq!(writer.remaining(), 4);
    let expected = REQUEST.as_bytes();
    assert_eq!(memory[..8], expected[..8]);
    assert_eq!(memory[8..16], [UNTOUCHED; 8]);
    assert_eq!(memory[16..32], expected[16..]);
    assert_eq!(memory[32..], [UNTOUCHED; 8]);
}

#[test]
fn a_pointer_reads_and_writes_a_whole_value() {
    let mut memory = REQUEST;
    let pointer = UserPtr::<Request>::new(address_of(&mut memory));
    assert_eq!(pointer.read_value(), Ok(REQUEST));
    let other = Request {
        entries: [7; 3],
        ..REQUEST
    };
    UserPtr::new(address_of(&mut memory))
        .write_value(&other)
        .unwrap();
    assert_eq!(memory, other);
}

#[test]
fn memory_that_is_not_initialised_is_filled() {
    let mut memory = [1_u8, 2, 3, 4, 5];
    let mut reader = UserSlice::new(address_of(&mut memory), 5).reader().unwrap();
    let mut destination = [MaybeUninit::uninit(); 4];
    assert_eq!(reader.read_uninit(&mut destination).unwrap(), [1, 2, 3, 4]);
    let fault = reader.read_uninit(&mut destination).unwrap_err();
    assert_eq!(
        (fault.status, fault.copied),
        (NtStatus::INVALID_BUFFER_SIZE, 0)
    );
}

#[test]
fn a_field_has_its_own_address() {
    let mut memory = REQUEST;
    let start = address_of(&mut memory);
    let request = UserPtr::<Request>::new(start);
    assert_eq!(user_field!(request, Request, header.version).read(), Ok(2));
    user_field!(request, Request, header.flags)
        .write(9)
        .unwrap();
    let entries = user_field!(request, Request, entries);
    assert_eq!(entries.element(2).unwrap().read(), Ok(6));
    assert!(entries.element(3).is_none());
    assert_eq!(memory.header.flags, 9);

    let packed = UserPtr::<Packed>::new(start);
    assert_eq!(user_field!(packed, Packed, kind).address(), start);
    assert_eq!(user_field!(packed, Packed, value).address(), start + 1);
}

#[test]
fn a_field_never_leaves_its_structure_nor_the_address_space() {
    let request = UserPtr::<Request>::new(usize::MAX - 2);
    let refused = user_field!(request, Request, entries).element(0).unwrap();
    assert_eq!(refused.address(), usize::MAX);
    let outside = request.field(size_of::<Request>() - 7, |request| {
        &raw const request.entries[0]
    });
    assert_eq!(outside.address(), usize::MAX);
}

#[test]
fn a_caller_in_kernel_mode_is_believed_and_the_strict_one_is_not() {
    let mut memory = REQUEST;
    let start = address_of(&mut memory);
    // SAFETY: the addresses are those of the object.
    let kernel = unsafe { CallerMode::new(Mode::Kernel) };
    for caller in [kernel, CallerMode::STRICT] {
        assert_eq!(caller.pointer::<u32>(start).read(), Ok(1));
        assert_eq!(caller.slice(start, 8).reader().unwrap().remaining(), 8);
        let field = user_field!(caller.pointer::<Request>(start), Request, entries);
        assert_eq!(field.element(1).unwrap().read(), Ok(5));
    }
    assert!(kernel.slice(usize::MAX, 8).reader().is_ok());
    assert!(CallerMode::STRICT.slice(usize::MAX, 8).reader().is_err());
    assert_eq!(CallerMode::STRICT.mode(), Mode::User);
}

#[test]
fn a_string_of_a_32_bit_caller_is_captured_by_its_own_shape() {
    let string = UnicodeString32 {
        length: 6,
        maximum_length: 8,
        buffer: 0xFFFF_0000,
    };
    let wide = UnicodeString::from(string);
    assert_eq!((wide.length, wide.maximum_length), (6, 8));
    assert_eq!(wide.buffer, 0xFFFF_0000);

    let capture = |length, maximum_length| {
        let mut descriptor = UnicodeString32 {
            length,
            maximum_length,
            buffer: u32::MAX,
        };
        let address = address_of(&mut descriptor);
        UserPtr::<UnicodeString32>::new(address)
            .capture(&mut [0; 4])
            .map(|characters| characters.len())
            .map_err(|fault| fault.status)
    };
    assert_eq!(capture(0, 0), Ok(0));
    assert_eq!(capture(3, 4), Err(NtStatus::INVALID_PARAMETER));
    assert_eq!(capture(6, 4), Err(NtStatus::INVALID_PARAMETER));
    assert_eq!(capture(10, 10), Err(NtStatus::INVALID_BUFFER_SIZE));
}
