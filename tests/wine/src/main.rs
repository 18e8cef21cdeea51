//! The transport matrix: requests of every method that wait, end or are cancelled in every way, through
//! Wine's I/O manager. Prints one JSON document.

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
