//! Reads and writes of one value.
//!
//! | cases | combined with |
//! | --- | --- |
//! | complete | three values; 16 misalignments; user memory, and kernel memory for functions with a mode |
//! | at a closed page | every number of bytes before it; each lasting state; a guard page; a page that is paged out |
//! | refused addresses | [`REFUSED`], and values across the end of user memory |
//! | AC set at entry | complete, and at a closed page |

#![allow(
    clippy::cast_lossless,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the low bits are the value, whatever the type"
)]

mod table;

use core::ffi::c_void;

use usermode_accessors::{Access, Fault, Mode, NtStatus, UserPtr, ddi, probe::FOUR_LEVEL_LIMIT};

use crate::{
    Arena,
    bulk::REFUSED,
    layout::State,
    pattern,
    pointer::{from, to},
    run::{Content, Location, Run, fault},
    tally::Checked,
};
use table::scalars;

/// A function that reads or writes one value, as an integer.
pub(crate) struct Scalar {
    pub(crate) name: &'static str,
    pub(crate) width: usize,
    pub(crate) way: Way,
    /// The access in kernel mode, if the function takes a mode.
    kernel: Option<Way>,
}

/// An access, as a function of integers.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    Read(fn(usize) -> Result<u64, Fault>),
    Write(fn(usize, u64) -> Result<(), Fault>),
}

macro_rules! reads {
    ($($name:ident ($type:ty) |$from:ident| $call:expr, kernel: $kernel:expr;)+) => {
        [$(Scalar {
            name: stringify!($name),
            width: size_of::<$type>(),
            way: Way::Read(|$from| {
                // SAFETY: user memory, which is checked and guarded.
                let value: Result<$type, Fault> = unsafe { $call };
                value.map(|value| masked(value as usize as u64, size_of::<$type>()))
            }),
            kernel: $kernel,
        },)+]
    };
}

macro_rules! writes {
    ($($name:ident ($type:ty) |$to:ident, $value:ident| $call:expr, kernel: $kernel:expr;)+) => {
        [$(Scalar {
            name: stringify!($name),
            width: size_of::<$type>(),
            way: Way::Write(|$to, value| {
                let $value = value as usize as $type;
                // SAFETY: user memory, which is checked and guarded; it is the arena's.
                unsafe { $call }
            }),
            kernel: $kernel,
        },)+]
    };
}

macro_rules! kernel_read {
    ($name:ident, $type:ty) => {
        Some(Way::Read(|address| {
            // SAFETY: the plan names the kernel's own memory.
            let value = unsafe { ddi::$name(from::<$type>(address), Mode::Kernel) };
            value.map(|value| masked(value as usize as u64, size_of::<$type>()))
        }))
    };
}

macro_rules! kernel_write {
    ($name:ident, $type:ty) => {
        Some(Way::Write(|address, value| {
            let value = value as usize as $type;
            // SAFETY: the plan names the kernel's own memory.
            unsafe { ddi::$name(to::<$type>(address), value, Mode::Kernel) }
        }))
    };
}

/// The methods of a [`UserPtr`], in either mode.
macro_rules! pointer {
    ($type:ty) => {
        [
            pointer!(@ "user_ptr_read", $type, read, read),
            pointer!(@ "user_ptr_read_acquire", $type, read, read_acquire),
            pointer!(@ "user_ptr_write", $type, write, write),
            pointer!(@ "user_ptr_write_release", $type, write, write_release),
        ]
    };
    (@ $name:literal, $type:ty, $way:ident, $method:ident) => {
        Scalar {
            name: $name,
            width: size_of::<$type>(),
            way: pointer!(@$way $type, User, $method),
            kernel: Some(pointer!(@$way $type, Kernel, $method)),
        }
    };
    (@read $type:ty, $mode:ident, $method:ident) => {
        Way::Read(|address| {
            // SAFETY: user memory, which is checked and guarded, or the kernel's own.
            let pointer = unsafe { UserPtr::<$type>::for_mode(address, Mode::$mode) };
            pointer
                .$method()
                .map(|value| masked(value as u64, size_of::<$type>()))
        })
    };
    (@write $type:ty, $mode:ident, $method:ident) => {
        Way::Write(|address, value| {
            // SAFETY: as above.
            let pointer = unsafe { UserPtr::<$type>::for_mode(address, Mode::$mode) };
            pointer.$method(value as $type)
        })
    };
}

macro_rules! tables {
    ($(
        ($type:ty):
        $from_mode:ident $from_user:ident $acquire:ident
        $to_mode:ident $to_user:ident $release:ident;
    )+) => {
        pub(crate) static READ: &[&[Scalar]] = &[$(&reads! {
            $from_mode ($type) |address| ddi::$from_mode(from::<$type>(address), Mode::User),
                kernel: kernel_read!($from_mode, $type);
            $from_user ($type) |address| ddi::$from_user(from::<$type>(address)), kernel: None;
        },)+ &LARGE_READ];

        pub(crate) static WRITE: &[&[Scalar]] = &[$(&writes! {
            $to_mode ($type) |address, value|
                ddi::$to_mode(to::<$type>(address), value, Mode::User),
                kernel: kernel_write!($to_mode, $type);
            $to_user ($type) |address, value|
                ddi::$to_user(to::<$type>(address), value), kernel: None;
        },)+ &LARGE_WRITE];

        pub(crate) static ORDERED: &[&[Scalar]] = &[
            $(&reads! {
                $acquire ($type) |address| ddi::$acquire(from::<$type>(address)), kernel: None;
            },)+
            $(&writes! {
                $release ($type) |address, value|
                    ddi::$release(to::<$type>(address), value), kernel: None;
            },)+
            &pointer!(u8), &pointer!(i8), &pointer!(u16), &pointer!(i16), &pointer!(u32),
            &pointer!(i32), &pointer!(u64), &pointer!(i64), &pointer!(usize), &pointer!(isize),
        ];
    };
}

scalars!(tables);

static LARGE_READ: [Scalar; 4] = reads! {
    read_large_integer_from_mode (i64) |address|
        ddi::read_large_integer_from_mode(from(address), Mode::User),
        kernel: kernel_read!(read_large_integer_from_mode, i64);
    read_large_integer_from_user (i64) |address|
        ddi::read_large_integer_from_user(from(address)), kernel: None;
    read_ularge_integer_from_mode (u64) |address|
        ddi::read_ularge_integer_from_mode(from(address), Mode::User),
        kernel: kernel_read!(read_ularge_integer_from_mode, u64);
    read_ularge_integer_from_user (u64) |address|
        ddi::read_ularge_integer_from_user(from(address)), kernel: None;
};

static LARGE_WRITE: [Scalar; 4] = writes! {
    write_large_integer_to_mode (i64) |address, value|
        ddi::write_large_integer_to_mode(to(address), value, Mode::User),
        kernel: kernel_write!(write_large_integer_to_mode, i64);
    write_large_integer_to_user (i64) |address, value|
        ddi::write_large_integer_to_user(to(address), value), kernel: None;
    write_ularge_integer_to_mode (u64) |address, value|
        ddi::write_ularge_integer_to_mode(to(address), value, Mode::User),
        kernel: kernel_write!(write_ularge_integer_to_mode, u64);
    write_ularge_integer_to_user (u64) |address, value|
        ddi::write_ularge_integer_to_user(to(address), value), kernel: None;
};

/// Returns the low `width` bytes.
pub(crate) const fn masked(value: u64, width: usize) -> u64 {
    value & (u64::MAX >> (64 - 8 * width))
}

/// Returns the value that the pattern has at an address.
pub(crate) fn patterned(address: usize, width: usize) -> u64 {
    let mut value = [0; 8];
    value[..width].copy_from_slice(pattern::bytes(address, width));
    u64::from_le_bytes(value)
}

/// Runs the cases of each function.
pub(crate) fn all<A: Arena>(run: &mut Run<'_, A>, functions: &[Scalar]) -> Checked {
    for function in functions {
        whole(run, function)?;
        at_pages(run, function)?;
        refused(run, function)?;
        run.in_window(|run| {
            let location = run.strip(State::Unmapped, function.writes()).at(0);
            if run.begin(function.name, [function.width, location.address, 0], None) {
                case(run, function, function.way, &location, None)?;
            }
            at(
                run,
                function,
                State::Unmapped,
                &location,
                function.width / 2,
            )
        })?;
    }
    Ok(())
}

impl Scalar {
    const fn writes(&self) -> bool {
        matches!(self.way, Way::Write(_))
    }
}

fn case<A: Arena>(
    run: &mut Run<'_, A>,
    function: &Scalar,
    way: Way,
    location: &Location,
    refusal: Option<(NtStatus, usize)>,
) -> Checked {
    let (address, width) = (location.address, function.width);
    match way {
        Way::Read(call) => {
            let expected = refusal.map_or_else(
                || Ok(patterned(address, width)),
                |(status, at)| Err(fault(status, 0, at, Access::Read)),
            );
            run.expect(expected, || call(address))
        }
        Way::Write(call) => {
            let expected = refusal.map_or(Ok(0), |(status, at)| {
                Err(fault(status, 0, at, Access::Write))
            });
            // Three values: those of the pattern at distant addresses.
            for from in [0, 89, 178].map(|apart| address.wrapping_add(apart)) {
                let value = patterned(from, width);
                run.paint(location, width);
                run.expect(expected, || call(address, value).map(|()| 0))?;
                let moved = if refusal.is_some() { 0 } else { width };
                run.inspect(location, width, moved, Content::From(from))?;
                if refusal.is_some() {
                    break;
                }
            }
            Ok(())
        }
    }
}

fn whole<A: Arena>(run: &mut Run<'_, A>, function: &Scalar) -> Checked {
    for shift in 0..16 {
        let location = run.strip(State::Unmapped, function.writes()).at(64 + shift);
        if run.begin(function.name, [function.width, location.address, 0], None) {
            case(run, function, function.way, &location, None)?;
        }
        let Some(way) = function.kernel else {
            continue;
        };
        let location = if function.writes() {
            run.kernel_target()
        } else {
            run.kernel_source()
        };
        let location = location.at(64 + shift);
        if run.begin(function.name, [function.width, location.address, 0], None) {
            case(run, function, way, &location, None)?;
        }
    }
    Ok(())
}

/// Runs a case `stop` bytes before the closed page after `open`.
fn at<A: Arena>(
    run: &mut Run<'_, A>,
    function: &Scalar,
    closed: State,
    open: &Location,
    stop: usize,
) -> Checked {
    let location = open.before_end(stop);
    let refusal = closed
        .refusal(function.writes())
        .filter(|_| stop < function.width)
        .map(|status| (status, open.open.end));
    let arguments = [function.width, location.address, stop];
    if run.begin(function.name, arguments, closed.need(refusal.is_some())) {
        case(run, function, function.way, &location, refusal)?;
    }
    Ok(())
}

fn at_pages<A: Arena>(run: &mut Run<'_, A>, function: &Scalar) -> Checked {
    for stop in 0..=function.width {
        for closed in State::LASTING {
            let open = run.strip(closed, function.writes());
            at(run, function, closed, &open, stop)?;
        }
    }
    for closed in [State::Guard, State::PagedOut] {
        let open = run.pair(closed)?;
        run.restore(open.open.end - 16..open.open.end);
        at(run, function, closed, &open, function.width / 2)?;
    }
    Ok(())
}

fn refused<A: Arena>(run: &mut Run<'_, A>, function: &Scalar) -> Checked {
    let across = (1..function.width).map(|bytes| FOUR_LEVEL_LIMIT - bytes);
    for address in REFUSED.into_iter().chain(across) {
        if run.begin(function.name, [function.width, address, 0], None) {
            let refusal = Some((NtStatus::ACCESS_VIOLATION, address));
            case(
                run,
                function,
                function.way,
                &Location::nowhere(address),
                refusal,
            )?;
        }
    }
    Ok(())
}
