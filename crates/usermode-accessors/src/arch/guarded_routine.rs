//! Macros that define a guarded routine, for all processors: its begin, its end, and the directives
//! that only Windows needs.
//!
//! A guarded routine has a scope table. Each scope is a range of its code, with the filter that
//! decides about an exception there and the landing pad to which the unwind leads. The table is
//! searched in order, so the narrow scopes come first. `__C_specific_handler` reads it. Its format is
//! the same on every processor.
//!
//! And macros for a single access without a guard.
//!
//! Source: "x64 exception handling" and "ARM64 exception handling", Microsoft C++ documentation.

#[cfg(windows)]
macro_rules! on_windows {
    ($($line:expr),* $(,)?) => { concat!($($line, "\n"),*) };
}

#[cfg(not(windows))]
macro_rules! on_windows {
    ($($line:expr),* $(,)?) => {
        ""
    };
}

/// Joins lines of assembly.
macro_rules! lines {
    ($($line:expr),* $(,)?) => { concat!($($line, "\n"),*) };
}

/// Begins a function with unwind data, and with a handler if `handled`.
macro_rules! begin {
    ($name:expr) => {
        lines![
            ".text",
            ".p2align 4",
            concat!(".globl ", $name),
            on_windows!(
                concat!(".def ", $name),
                ".scl 2",
                ".type 32",
                ".endef",
                concat!(".seh_proc ", $name)
            ),
            concat!($name, ":"),
        ]
    };
    ($name:expr, handled) => {
        lines![
            begin!($name),
            on_windows!(".seh_handler __C_specific_handler, @except"),
        ]
    };
}

/// Ends such a function. If it is handled it has a filter and scopes. A scope has three labels: its
/// begin, its end, and its landing pad. `(block of "copy")` stands for the scopes that the macro
/// `block` makes of labels that end in `copy`.
macro_rules! end {
    () => {
        on_windows!(".seh_endproc")
    };
    ($name:expr, $filter:expr, [$($scope:tt),* $(,)?]) => {
        on_windows!(
            ".seh_handlerdata",
            concat!(".long (.Lscopes_end_", $name, " - .Lscopes_", $name, ") / 16"),
            concat!(".Lscopes_", $name, ":"),
            $(scope!($filter, $scope),)*
            concat!(".Lscopes_end_", $name, ":"),
            ".text",
            ".seh_endproc"
        )
    };
}

/// Emits one entry of the scope table, or several.
#[cfg(windows)]
macro_rules! scope {
    ($filter:expr, ($begin:expr, $end:expr, $landing:expr)) => {
        lines![
            concat!(".long ", $begin, "@IMGREL"),
            concat!(".long ", $end, "@IMGREL"),
            concat!(".long ", $filter, "@IMGREL"),
            concat!(".long ", $landing, "@IMGREL"),
        ]
    };
    ($filter:expr, ($several:ident of $name:literal)) => {
        $several!($filter, $name)
    };
}

/// Loads with one instruction, zero-extended.
macro_rules! load {
    ($instruction:literal, $source:ident) => {{
        let value: u64;
        // SAFETY: the caller guarantees the range.
        unsafe {
            core::arch::asm!($instruction, out(reg) value, in(reg) $source, options(nostack, preserves_flags));
        }
        value
    }};
}

/// Stores with one instruction.
macro_rules! store {
    ($instruction:literal, $destination:ident, $value:ident) => {
        // SAFETY: the caller guarantees the range.
        unsafe {
            core::arch::asm!($instruction, in(reg) $destination, in(reg) $value, options(nostack, preserves_flags));
        }
    };
}
