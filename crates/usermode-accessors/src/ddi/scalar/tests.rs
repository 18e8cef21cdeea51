//! Tests every function of the table: it moves the bytes of its type in the right direction, with the
//! checks of its mode.

use core::{ffi::c_void, fmt::Debug, ptr};
use std::boxed::Box;

use super::*;
use crate::{Access, NtStatus, Scalar, probe::FOUR_LEVEL_LIMIT};

type Read<T> = unsafe fn(*const T) -> Result<T, Fault>;
type Write<T> = unsafe fn(*mut T, T) -> Result<(), Fault>;

/// The functions of one type.
struct Accessors<T> {
    from_mode: unsafe fn(*const T, Mode) -> Result<T, Fault>,
    from_user: Read<T>,
    acquire: Option<Read<T>>,
    to_mode: unsafe fn(*mut T, T, Mode) -> Result<(), Fault>,
    to_user: Write<T>,
    release: Option<Write<T>>,
}

impl<T: Scalar + PartialEq + Debug> Accessors<T> {
    /// Returns the result of each read of user memory.
    fn user_reads(&self, source: *const T) -> impl Iterator<Item = Result<T, Fault>> {
        let Self {
            from_mode,
            from_user,
            acquire,
            ..
        } = *self;
        // SAFETY: user memory is only read.
        let first = unsafe { from_mode(source, Mode::User) };
        // SAFETY: as above.
        let second = unsafe { from_user(source) };
        // SAFETY: as above.
        let third = acquire.map(|read| unsafe { read(source) });
        [first, second].into_iter().chain(third)
    }

    /// Makes each write of user memory, and calls `then` with its result.
    fn user_writes(&self, destination: *mut T, value: T, mut then: impl FnMut(Result<(), Fault>)) {
        // SAFETY: the tests pass memory of their own, or addresses without memory.
        then(unsafe { (self.to_mode)(destination, value, Mode::User) });
        // SAFETY: as above.
        then(unsafe { (self.to_user)(destination, value) });
        if let Some(write) = self.release {
            // SAFETY: as above.
            then(unsafe { write(destination, value) });
        }
    }

    fn moves_its_own_bytes(&self, name: &str) {
        const UNTOUCHED: u8 = 0xEE;
        const PATTERN: u64 = 0xF1E2_D3C4_B5A6_9788;
        let size = T::WIDTH as usize;
        assert_eq!(size_of::<T>(), size, "{name}");
        let value = T::from_bits(PATTERN);
        let mut memory = Box::new([0_u64; 4]);
        let bytes: *mut [u8; 32] = ptr::from_mut(&mut *memory).cast();
        for offset in 8..16 {
            let place = bytes.cast::<u8>().wrapping_add(offset).cast::<T>();
            let mut expected = [UNTOUCHED; 32];
            expected[offset..offset + size].copy_from_slice(&PATTERN.to_le_bytes()[..size]);
            let clear = || {
                // SAFETY: the memory has this size, and more alignment.
                unsafe { bytes.write([UNTOUCHED; 32]) };
            };
            let written = || {
                // SAFETY: as above.
                assert_eq!(unsafe { bytes.read() }, expected, "{name} {offset}");
                clear();
            };
            clear();
            self.user_writes(place, value, |result| {
                assert_eq!(result, Ok(()));
                written();
            });
            // SAFETY: the value is inside the memory.
            let result = unsafe { (self.to_mode)(place, value, Mode::Kernel) };
            assert_eq!(result, Ok(()));
            // SAFETY: as above.
            let read = unsafe { (self.from_mode)(place, Mode::Kernel) };
            assert_eq!(read, Ok(value), "{name} {offset}");
            for read in self.user_reads(place) {
                assert_eq!(read, Ok(value), "{name} {offset}");
            }
            written();
        }
    }

    /// Tries addresses that only the range check refuses.
    fn refuses_addresses_outside_user_memory(&self, name: &str) {
        let last = FOUR_LEVEL_LIMIT - size_of::<T>() + 1;
        for address in [last, FOUR_LEVEL_LIMIT, 0xFFFF_8000_0000_0000, usize::MAX] {
            self.user_accesses_fail(name, address, address);
        }
    }

    fn user_accesses_fail(&self, name: &str, address: usize, at: usize) {
        let expected = |access| Fault {
            status: NtStatus::ACCESS_VIOLATION,
            copied: 0,
            address: Some(at),
            access,
            cause: None,
        };
        let place = ptr::without_provenance_mut(address);
        for read in self.user_reads(place) {
            assert_eq!(read, Err(expected(Access::Read)), "{name} {address:#x}");
        }
        self.user_writes(place, T::from_bits(0), |result| {
            assert_eq!(result, Err(expected(Access::Write)), "{name} {address:#x}");
        });
    }

    #[cfg(windows)]
    fn reports_a_fault(&self, name: &str) {
        use crate::pages::{PAGE, Pages, Protection};
        let pages = Pages::new(&[Protection::ReadWrite, Protection::NoAccess]);
        let edge = pages.address(PAGE);
        for start in PAGE + 1 - size_of::<T>()..=PAGE {
            let before = pages.bytes(PAGE - 8, 8);
            self.user_accesses_fail(name, pages.address(start), edge);
            assert_eq!(pages.bytes(PAGE - 8, 8), before, "{name} {start}");
        }
    }

    fn check(&self, name: &str) {
        self.moves_its_own_bytes(name);
        self.refuses_addresses_outside_user_memory(name);
        #[cfg(windows)]
        self.reports_a_fault(name);
    }
}

/// Returns the width in bytes of a C type in 64-bit Windows, and whether it is signed.
fn of_c(name: &str) -> (usize, bool) {
    match name {
        "BOOLEAN" | "UCHAR" | "UINT8" => (1, false),
        "CHAR" | "INT8" => (1, true),
        "USHORT" | "UINT16" | "WCHAR" => (2, false),
        "SHORT" | "INT16" => (2, true),
        "ULONG" | "UINT32" => (4, false),
        "LONG" | "INT32" | "NTSTATUS" => (4, true),
        "ULONGLONG" | "ULONG64" | "UINT64" | "ULONG_PTR" | "UINT_PTR" | "SIZE_T" | "HANDLE"
        | "PVOID" => (8, false),
        "LONGLONG" | "LONG64" | "INT64" | "LONG_PTR" | "INT_PTR" | "SSIZE_T" => (8, true),
        _ => panic!("{name} is not a type of the accessors"),
    }
}

trait Signed {
    const IS: bool;
}

macro_rules! signed {
    ($is:literal: $($type:ty)+) => {
        $(impl Signed for $type { const IS: bool = $is; })+
    };
}

signed!(true: i8 i16 i32 i64 isize);
signed!(false: u8 u16 u32 u64 usize *mut c_void);

macro_rules! checks {
    ($(
        $name:literal $c:ident ($type:ty):
        $from_mode:ident $from_user:ident $acquire:ident
        $to_mode:ident $to_user:ident $release:ident;
    )+) => {
        #[test]
        fn every_accessor_moves_its_own_type() {
            let mut types = 0;
            $(
                let expected = of_c(stringify!($c));
                assert_eq!((size_of::<$type>(), <$type>::IS), expected, $name);
                let accessors = Accessors::<$type> {
                    from_mode: $from_mode,
                    from_user: $from_user,
                    acquire: Some($acquire),
                    to_mode: $to_mode,
                    to_user: $to_user,
                    release: Some($release),
                };
                accessors.check($name);
                types += 1;
            )+
            assert_eq!(types, 29);
        }

        #[test]
        fn every_accessor_is_named_for_its_type() {
            $({
                let plain = |name: &str| name.replace('_', "");
                let word = $name.to_lowercase();
                assert_eq!(plain(stringify!($from_mode)), std::format!("read{word}frommode"));
                assert_eq!(plain(stringify!($from_user)), std::format!("read{word}fromuser"));
                assert_eq!(plain(stringify!($acquire)), std::format!("read{word}fromuseracquire"));
                assert_eq!(plain(stringify!($to_mode)), std::format!("write{word}tomode"));
                assert_eq!(plain(stringify!($to_user)), std::format!("write{word}touser"));
                assert_eq!(plain(stringify!($release)), std::format!("write{word}touserrelease"));
            })+
        }
    };
}

scalar_table!(checks);

#[test]
fn large_integers_are_moved_without_an_order() {
    let signed = Accessors::<i64> {
        from_mode: read_large_integer_from_mode,
        from_user: read_large_integer_from_user,
        acquire: None,
        to_mode: write_large_integer_to_mode,
        to_user: write_large_integer_to_user,
        release: None,
    };
    signed.check("LargeInteger");
    let unsigned = Accessors::<u64> {
        from_mode: read_ularge_integer_from_mode,
        from_user: read_ularge_integer_from_user,
        acquire: None,
        to_mode: write_ularge_integer_to_mode,
        to_user: write_ularge_integer_to_user,
        release: None,
    };
    unsigned.check("ULargeInteger");
}
