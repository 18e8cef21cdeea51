//! Links the image against the kernel alone, with `DriverEntry` as its entry point, and makes the
//! names of the framework's functions from the table of facts that KMDF's declarations are held to.

use std::{env, error::Error, fmt::Write, fs, path::PathBuf};

/// Index and name of every function, below a line of titles.
const FUNCTIONS: &str = "../../crates/wdk-build-linux/wdk-build/facts/functions.tsv";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={FUNCTIONS}");
    let facts = fs::read_to_string(FUNCTIONS)?;
    let mut names = String::new();
    let mut types = String::new();
    for name in facts
        .lines()
        .skip(1)
        .filter_map(|row| row.split('\t').nth(1))
    {
        let type_name = name.to_uppercase();
        write!(names, "{name} ")?;
        writeln!(types, "({name}) => {{ wdk_sys::PFN_{type_name} }};")?;
    }
    let output: PathBuf = env::var_os("OUT_DIR").ok_or("no OUT_DIR")?.into();
    fs::write(
        output.join("functions.rs"),
        format!(
            "/// Calls a macro with every name, in the order of the table.\n\
             macro_rules! for_each_function {{ ($callback:ident) => {{ $callback! {{ {names} }} }} }}\n\
             /// The type of a pointer to the function of a name.\n\
             macro_rules! signature {{ {types} }}\n"
        ),
    )?;
    Ok(wdk_build::configure_export_driver_build()?)
}
