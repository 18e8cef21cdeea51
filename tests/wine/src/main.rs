//! The transport matrix: every way in which a request can travel, wait and end, tried on the driver
//! through an I/O manager that nobody here wrote. Prints one JSON document.

#![forbid(unsafe_code)]

#[cfg(windows)]
mod matrix;

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    matrix::main()
}

#[cfg(not(windows))]
fn main() {
    eprintln!("this program runs on Windows: `cargo xtask wine` builds it and runs it in Wine");
}
