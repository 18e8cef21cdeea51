//! How a routine is written down, on any processor: its beginning, its end, and between them the lines
//! that only Windows has a use for.
//!
//! A routine that guards has a table of scopes: each tells of a range of its code, which filter decides
//! about an exception there, and which landing pad the unwind leads to. The table is searched in its
//! order, so the narrow scopes come first. It is the same on every processor, and
//! `__C_specific_handler` reads it.
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

/// Several instructions as one template.
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

/// Ends such a function. One that is handled has a filter, and scopes: each from a label, to a
/// label, to its landing pad. `(block of "copy")` stands for those that a macro `block` makes of
/// labels that end in `copy`.
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

/// An entry of the table of scopes, or several.
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
