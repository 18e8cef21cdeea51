//! Independent readers of memory images.

use super::python_environment::{Environment, Installed};
use crate::program;
use anyhow::Result;
use std::path::PathBuf;

/// Volatility 3, and the library with which `MemProcFS` reads memory.
const READERS: Environment = Environment {
    folder: "image-readers",
    what: "the readers of memory images",
    requirements: "volatility3\nleechcorepyc\n",
    is_complete,
};

/// Makes the environment unless it is complete. Returns its Python.
pub fn install() -> Result<PathBuf> {
    Ok(READERS.install()?.program("python"))
}

fn is_complete(installed: &Installed) -> bool {
    let import = "import volatility3.framework, leechcorepyc";
    program::output_of(installed.python().args(["-c", import])).is_ok()
}
