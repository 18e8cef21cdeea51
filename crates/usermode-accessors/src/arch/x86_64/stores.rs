//! Sequences of stores, and the landing pads for their faults.
//!
//! Copies and fills store to the same addresses, upward, in the same classes of lengths. Each store
//! of a class except the first has a label before it. A scope begins there, and its landing pad knows
//! how many bytes are stored by then. All labels end in the name of the routine.

/// The length in bytes from which a string instruction is faster than a loop, on processors with
/// [`STRINGS`](super::processor::STRINGS).
///
/// Measured, `REP MOVSB` wins from 1 KiB on if the destination is aligned to 64 bytes, from 1.5 KiB on if
/// it is not, and from 3 KiB on if the destination lies shortly above the source modulo 4 KiB.
pub(super) const LONG: usize = 2048;

/// The stores of one class. Each except the first comes after its label; `end` comes after the last.
macro_rules! stores {
    ($name:expr, $first:literal $(, $label:ident: $store:expr)* $(,)?) => {
        lines![
            $first,
            $(
                concat!(".L", stringify!($label), "_", $name, ":"),
                $store,
            )*
            concat!(".Lend_", $name, ":"),
        ]
    };
}

/// Jumps to `from_2`, `from_4`, `from_8`, `over_16` or `over_32` by the length in R9, or to `nothing` if it
/// is 0. Falls through if it is 1. R10 is the length as the classes use it.
///
/// The processor may predict the jumps wrongly. Then it runs a class with another length than one of
/// that class. R10 is at most 255, so it does not get far from the start.
macro_rules! jump_by_length {
    ($name:literal) => {
        lines![
            "movzx r10d, r9b",
            "cmp r9, 32",
            concat!("ja .Lover_32_", $name),
            "cmp r9d, 16",
            concat!("ja .Lover_16_", $name),
            "cmp r9d, 8",
            concat!("jae .Lfrom_8_", $name),
            "cmp r9d, 4",
            concat!("jae .Lfrom_4_", $name),
            "cmp r9d, 1",
            concat!("ja .Lfrom_2_", $name),
            concat!("jb .Lnothing_", $name),
        ]
    };
}

/// Landing pads that load the number of stored bytes into R10 and jump to `resume`.
macro_rules! arrived {
    ($name:literal, [$($bytes:literal),*]) => {
        lines![$(
            concat!(".L", $bytes, "_arrived_", $name, ":"),
            concat!("mov r10d, ", $bytes),
            concat!("jmp .Lresume_", $name),
        )*]
    };
}

/// The landing pads of copies and fills. The filter has stored the length in the home slot of R9. They
/// fall through to `resume`.
///
/// A class stores half of its greatest length from the start, and the other half up to the end. So
/// `16 of 64`, say, means that all except the last 16 bytes are stored, but at least the first 32. Of
/// the bytes that blocks have left, `16 of 0`, none is stored from the start.
macro_rules! arrived_of {
    (
        $name:literal,
        all_but: [$($rest:literal of $most:literal),*] and $last_rest:literal of $last_most:literal
    ) => {
        lines![
            concat!(".Lnone_arrived_", $name, ":"),
            "xor r10d, r10d",
            concat!("jmp .Lresume_", $name),
            arrived!($name, [2, 4, 8, 16, 32, 48, 64]),
            $(
                all_but_arrived!($name, $rest of $most),
                "jmp 6f",
            )*
            all_but_arrived!($name, $last_rest of $last_most),
            "6:",
            "neg r10",
            "add r10, [rsp + 32]",
            "cmp r10, rax",
            "cmovl r10, rax",
        ]
    };
}

macro_rules! all_but_arrived {
    ($name:literal, $rest:literal of $most:literal) => {
        lines![
            concat!(".Lall_but_", $rest, "_of_", $most, "_", $name, ":"),
            concat!("mov eax, ", $most, " / 2"),
            concat!("mov r10d, ", $rest),
        ]
    };
}

/// Scopes, given by the beginnings of their labels.
#[cfg(windows)]
macro_rules! scopes_of {
    ($filter:expr, $name:literal, [$(($begin:expr, $end:expr, $landing:expr)),* $(,)?]) => {
        lines![$(
            scope!($filter, (
                concat!(".L", $begin, "_", $name),
                concat!(".L", $end, "_", $name),
                concat!(".L", $landing, "_", $name)
            )),
        )*]
    };
}

/// The scopes of a block of four stores of 16 bytes, of a copy that has no other stores.
#[cfg(windows)]
macro_rules! block {
    ($filter:expr, $name:literal) => {
        scopes_of!(
            $filter,
            $name,
            [
                ("second", "third", "16_arrived"),
                ("third", "fourth", "32_arrived"),
                ("fourth", "end", "48_arrived"),
            ]
        )
    };
}

/// The scopes of the classes of up to 64 bytes.
#[cfg(windows)]
macro_rules! up_to_64 {
    ($filter:expr, $name:literal) => {
        scopes_of!(
            $filter,
            $name,
            [
                ("second_2", "end_2", "2_arrived"),
                ("second_4", "end_4", "4_arrived"),
                ("second_8", "end_8", "8_arrived"),
                ("second_16", "end_16", "16_arrived"),
                ("second_32", "third_32", "16_arrived"),
                ("third_32", "fourth_32", "32_arrived"),
                ("fourth_32", "end_32", "all_but_16_of_64"),
            ]
        )
    };
}

/// The scopes of the class of up to 128 bytes, which has eight stores.
#[cfg(windows)]
macro_rules! longest {
    ($filter:expr, $name:literal) => {
        scopes_of!(
            $filter,
            $name,
            [
                ("second_longest", "third_longest", "16_arrived"),
                ("third_longest", "fourth_longest", "32_arrived"),
                ("fourth_longest", "fifth_longest", "48_arrived"),
                ("fifth_longest", "sixth_longest", "64_arrived"),
                ("sixth_longest", "seventh_longest", "all_but_48_of_128"),
                ("seventh_longest", "eighth_longest", "all_but_32_of_128"),
                ("eighth_longest", "end_longest", "all_but_16_of_128"),
            ]
        )
    };
}

/// The scopes of the blocks and of the rest after them, and then of the whole routine.
#[cfg(windows)]
macro_rules! blocks {
    ($filter:expr, $name:literal) => {
        scopes_of!(
            $filter,
            $name,
            [
                ("second_block", "third_block", "16_arrived"),
                ("third_block", "fourth_block", "32_arrived"),
                ("fourth_block", "end_block", "48_arrived"),
                ("second_rest", "third_rest", "all_but_48_of_0"),
                ("third_rest", "fourth_rest", "all_but_32_of_0"),
                ("fourth_rest", "end_rest", "all_but_16_of_0"),
                ("access", "end", "none_arrived"),
            ]
        )
    };
}
