//! What copies and fills share: their classes of lengths, and the landing pads for the faults of their
//! stores.
//!
//! They store to the same addresses, upward, in the same classes. Each store of a class except the first
//! has a label before it. A scope begins there, and its landing pad knows how many bytes are stored by
//! then. All labels end in the name of the routine.

/// The length in bytes from which a string instruction is taken for faster than a loop, on processors with
/// [`STRINGS`](super::processor::STRINGS). The page `performance` has the measurements.
pub(super) const LONG: usize = 2048;

/// Moves R9 bytes and returns 0: by the macro `short` up to 128 bytes, by the macro `blocks` above. From
/// [`LONG`] on it jumps to the routine `strings`, if `test` clears ZF: if string instructions are fast.
macro_rules! move_by_length {
    ($name:literal, $short:ident, $blocks:ident, $test:literal, $strings:literal) => {
        lines![
            $short!($name, concat!(".Llong_", $name)),
            concat!(".Llong_", $name, ":"),
            "cmp r9, {long}",
            concat!("jae .Llonger_", $name),
            concat!(".Lblocks_", $name, ":"),
            $blocks!($name),
            concat!(".Llonger_", $name, ":"),
            $test,
            concat!("jz .Lblocks_", $name),
            concat!("jmp ", $strings),
        ]
    };
}

/// Defines the routine `name`, which moves R9 bytes by a string instruction, and `name_directly`, which
/// does so without a guard. `setup` prepares the instruction; RDI and RCX are set here. The routines that
/// jump here leave their registers. RDI is exact after a fault, so nothing is resumed.
macro_rules! string_routines {
    ($name:literal, $setup:literal, $instruction:literal) => {
        global_asm!(
            begin!($name, handled),
            prologue!(pushed),
            keep_record!(pushed),
            "mov rdi, rdx",
            $setup,
            "mov rcx, r9",
            concat!(".Laccess_", $name, ":"),
            $instruction,
            concat!(".Lend_", $name, ":"),
            "xor eax, eax",
            epilogue!(),
            "ret",
            concat!(".Llanding_", $name, ":"),
            "mov rax, [rsp + 32]",
            "add rax, [rsp + 48]",
            "sub rax, rdi",
            epilogue!(),
            "ret",
            end!($name, filter!(pushed), [(access_scope of $name)]),
            begin!(concat!($name, "_directly")),
            prologue!(pushed),
            "mov rdi, rdx",
            $setup,
            "mov rcx, r9",
            $instruction,
            epilogue!(),
            "ret",
            end!(),
        );
    };
}

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

/// The landing pads of copies and fills. The filter has stored the arguments in their home slots; R9 is the
/// length. They go on at the routine `resume`, with the arguments and R10.
///
/// A class stores half of its greatest length from the start, and the other half up to the end. So
/// `16 of 64`, say, means that all except the last 16 bytes are stored, but at least the first 32. Of
/// the bytes that blocks have left, `16 of 0`, none is stored from the start.
macro_rules! arrived_of {
    (
        $name:literal,
        all_but: [$($rest:literal of $most:literal),*] and $last_rest:literal of $last_most:literal,
        resume: $resume:literal
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
            concat!(".Lresume_", $name, ":"),
            "mov rcx, [rsp + 8]",
            "mov rdx, [rsp + 16]",
            "mov r8, [rsp + 24]",
            "mov r9, [rsp + 32]",
            concat!("jmp ", $resume),
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

/// The scopes of classes of stores. Each runs from the label of a store to that of the next one, or to the
/// `end` of the class, and has the landing pad with the given beginning.
#[cfg(windows)]
macro_rules! scopes_of {
    ($filter:expr, $name:literal, [$($class:literal: [$($scopes:tt)+]),+ $(,)?]) => {
        lines![$(scopes_of!(@ $filter, $name, $class, $($scopes)+),)+]
    };
    (@ $filter:expr, $name:literal, $class:literal, $begin:literal => $landing:literal) => {
        scopes_of!(@ $filter, $name, $class, $begin => $landing, "end")
    };
    (
        @ $filter:expr, $name:literal, $class:literal,
        $begin:literal => $landing:literal, $end:literal $(=> $($more:tt)+)?
    ) => {
        lines![
            scope!($filter, (
                concat!(".L", $begin, "_", $class, "_", $name),
                concat!(".L", $end, "_", $class, "_", $name),
                concat!(".L", $landing, "_", $name)
            )),
            $(scopes_of!(@ $filter, $name, $class, $end => $($more)+),)?
        ]
    };
}

/// The scopes of the classes of up to 64 bytes.
#[cfg(windows)]
macro_rules! up_to_64 {
    ($filter:expr, $name:literal) => {
        scopes_of!($filter, $name, [
            "2": ["second" => "2_arrived"],
            "4": ["second" => "4_arrived"],
            "8": ["second" => "8_arrived"],
            "16": ["second" => "16_arrived"],
            "32": ["second" => "16_arrived", "third" => "32_arrived", "fourth" => "all_but_16_of_64"],
        ])
    };
}

/// The scopes of the class of up to 128 bytes, which has eight stores.
#[cfg(windows)]
macro_rules! longest {
    ($filter:expr, $name:literal) => {
        scopes_of!($filter, $name, [
            "longest": [
                "second" => "16_arrived",
                "third" => "32_arrived",
                "fourth" => "48_arrived",
                "fifth" => "64_arrived",
                "sixth" => "all_but_48_of_128",
                "seventh" => "all_but_32_of_128",
                "eighth" => "all_but_16_of_128"
            ],
        ])
    };
}

/// The scopes of a block of four stores of 16 bytes.
#[cfg(windows)]
macro_rules! block {
    ($filter:expr, $name:literal) => {
        scopes_of!($filter, $name, [
            "block": ["second" => "16_arrived", "third" => "32_arrived", "fourth" => "48_arrived"],
        ])
    };
}

/// The scopes of the blocks and of the rest after them, and then of the whole routine.
#[cfg(windows)]
macro_rules! blocks {
    ($filter:expr, $name:literal) => {
        lines![
            block!($filter, $name),
            scopes_of!($filter, $name, [
                "rest": [
                    "second" => "all_but_48_of_0",
                    "third" => "all_but_32_of_0",
                    "fourth" => "all_but_16_of_0"
                ],
            ]),
            scope!($filter, (
                concat!(".Laccess_", $name),
                concat!(".Lend_", $name),
                concat!(".Lnone_arrived_", $name)
            )),
        ]
    };
}
