//! Functions that take an alignment: [`ALIGNMENTS`], with every offset to 64 in user memory, some
//! addresses outside it, and three lengths; and with `KernelMode`, which requires no alignment. The
//! other side of the copy is at an odd address.

use usermode_accessors::{Access, Fault, Mode, NtStatus, UserSlice, ddi};

use crate::{
    Arena,
    bulk::REFUSED,
    layout::State,
    pointer::{bytes, bytes_mut, from, to},
    run::{Content, Location, Run, fault},
    tally::Checked,
};

const ALIGNMENTS: [usize; 14] = [
    0,
    1,
    2,
    3,
    4,
    6,
    8,
    12,
    16,
    32,
    64,
    4096,
    1 << 63,
    usize::MAX,
];

/// A function with an alignment. Its arguments are destination, source, length, alignment.
struct Aligned {
    name: &'static str,
    side: Access,
    kernel: bool,
    length: Option<usize>,
    call: fn(usize, usize, usize, usize) -> Result<(), Fault>,
}

macro_rules! aligned {
    ($side:ident, $kernel:literal, $length:expr;
        $($name:ident |$to:ident, $from:ident, $length_of:ident, $alignment:ident| $call:expr;)+) => {
        [$(Aligned {
            name: stringify!($name),
            side: Access::$side,
            kernel: $kernel,
            length: $length,
            call: |$to, $from, $length_of, $alignment| {
                let _: usize = $length_of;
                // SAFETY: the kernel sides are long enough; the others are checked and guarded.
                unsafe { $call }
            },
        },)+]
    };
}

type Structure = [u8; 8];

static TABLES: [&[Aligned]; 6] = [
    &aligned! { Read, false, None;
        copy_from_user_aligned |to, from, length, alignment|
            ddi::copy_from_user_aligned(bytes_mut(to), bytes(from), length, alignment);
        copy_from_mode_aligned |to, from, length, alignment|
            ddi::copy_from_mode_aligned(bytes_mut(to), bytes(from), length, Mode::User, alignment);
    },
    &aligned! { Read, true, None;
        copy_from_mode_aligned |to, from, length, alignment|
            ddi::copy_from_mode_aligned(bytes_mut(to), bytes(from), length, Mode::Kernel, alignment);
    },
    &aligned! { Read, false, Some(8);
        read_struct_from_user_aligned |target, source, _length, alignment|
            ddi::read_struct_from_user_aligned(
                to::<Structure>(target), from(source), alignment);
        read_struct_from_mode_aligned |target, source, _length, alignment|
            ddi::read_struct_from_mode_aligned(
                to::<Structure>(target), from(source), Mode::User, alignment);
    },
    &aligned! { Read, true, Some(8);
        read_struct_from_mode_aligned |target, source, _length, alignment|
            ddi::read_struct_from_mode_aligned(
                to::<Structure>(target), from(source), Mode::Kernel, alignment);
    },
    &aligned! { Write, false, Some(8);
        write_struct_to_user_aligned |target, source, _length, alignment|
            ddi::write_struct_to_user_aligned(
                to::<Structure>(target), from(source), alignment);
        write_struct_to_mode_aligned |target, source, _length, alignment|
            ddi::write_struct_to_mode_aligned(
                to::<Structure>(target), from(source), Mode::User, alignment);
        user_slice_writer_aligned |target, source, _length, alignment|
            write(target, from::<Structure>(source).read_unaligned(), alignment);
    },
    &aligned! { Write, true, Some(8);
        write_struct_to_mode_aligned |target, source, _length, alignment|
            ddi::write_struct_to_mode_aligned(
                to::<Structure>(target), from(source), Mode::Kernel, alignment);
    },
];

fn write(target: usize, source: Structure, alignment: usize) -> Result<(), Fault> {
    UserSlice::new(target, source.len())
        .writer_aligned(alignment)?
        .write(&source)
}

/// Returns the names of the functions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let all = TABLES.iter().flat_map(|table| table.iter());
    all.map(|function| function.name)
}

pub(crate) fn all<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    for function in TABLES.iter().flat_map(|table| table.iter()) {
        for alignment in ALIGNMENTS {
            for length in [0, 1, 8] {
                if function.length.is_some_and(|only| only != length) {
                    continue;
                }
                for offset in 0..=64 {
                    let location = near(run, function, offset);
                    case(run, function, &location, length, alignment)?;
                }
                let beyond = [REFUSED[0], REFUSED[0] + 1, REFUSED[5], REFUSED[5] + 4];
                for address in beyond.into_iter().filter(|_| !function.kernel) {
                    case(
                        run,
                        function,
                        &Location::nowhere(address),
                        length,
                        alignment,
                    )?;
                }
            }
        }
    }
    Ok(())
}

/// Returns the side to which the alignment applies.
fn near<A: Arena>(run: &mut Run<'_, A>, function: &Aligned, offset: usize) -> Location {
    match (function.kernel, function.side) {
        (true, Access::Read) => run.kernel_source().at(offset),
        (true, Access::Write) => run.kernel_target().at(offset),
        (false, side) => run.strip(State::Unmapped, side == Access::Write).at(offset),
    }
}

fn case<A: Arena>(
    run: &mut Run<'_, A>,
    function: &Aligned,
    location: &Location,
    length: usize,
    alignment: usize,
) -> Checked {
    let address = location.address;
    if !run.begin(function.name, [length, address, alignment], None) {
        return Ok(());
    }
    let refusal = if length == 0 || function.kernel {
        None
    } else if alignment.count_ones() != 1 {
        Some(NtStatus::INVALID_PARAMETER)
    } else if !address.is_multiple_of(alignment) {
        Some(NtStatus::DATATYPE_MISALIGNMENT)
    } else if location.open.is_empty() {
        Some(NtStatus::ACCESS_VIOLATION)
    } else {
        None
    };
    let expected = refusal.map_or(Ok(0), |status| {
        Err(fault(status, 0, address, function.side))
    });
    let (target, source) = match function.side {
        Access::Read => (run.kernel_target().at(65), location.clone()),
        Access::Write => (location.clone(), run.kernel_source().at(65)),
    };
    run.paint(&target, length);
    run.expect(expected, || {
        (function.call)(target.address, source.address, length, alignment).map(|()| 0)
    })?;
    let moved = if refusal.is_some() { 0 } else { length };
    run.inspect(&target, length, moved, Content::From(source.address))
}
