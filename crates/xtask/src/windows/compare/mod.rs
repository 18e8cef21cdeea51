//! A comparison of the driver that the WDK built with the one that Linux built from the same sources.

mod bind_information;
mod image;
pub mod structures;

use super::hand_over::{PACKAGE, STRUCTURES};
use anyhow::{Result, bail};
use fs_err as fs;
use image::Image;
use std::path::Path;

/// The driver's file in a package.
const DRIVER: &str = "ringcopy.sys";

/// Compares, prints what differs, and fails if it matters.
pub fn run(hand_over: &Path, package: &Path) -> Result<()> {
    let linux = fs::read(hand_over.join(PACKAGE).join(DRIVER))?;
    let windows = fs::read(package.join(DRIVER))?;
    let [linux, windows] = [&linux, &windows].map(|bytes| Image::parse(bytes));
    let (linux, windows) = (linux?, windows?);
    for note in linux.notes(&windows) {
        println!("note: {note}");
    }
    let mut different = linux.differences(&windows);

    let bindings = structures::newest_bindings_beside(package)?;
    let here = structures::of_bindings(&fs::read_to_string(&bindings)?);
    let there = structures::parse(&fs::read_to_string(hand_over.join(STRUCTURES))?)?;
    let (compared, of_structures) = structures::differences(&there, &here);
    println!("{compared} sizes and offsets of structures compared");
    different.extend(of_structures);
    if different.is_empty() {
        println!("no difference that matters");
        return Ok(());
    }
    bail!("the drivers differ:\n{}", different.join("\n"))
}
