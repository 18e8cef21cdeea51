//! Links the image against the kernel alone, with `DriverEntry` as its entry point, and makes the
//! names of the framework's functions from the table of facts that KMDF's declarations are held to.

use std::{env, error::Error, fmt::Write, fs, path::PathBuf};

/// Facts about KMDF. A row has the kind of a declaration, and its name.
const FACTS: &str = "../../crates/wdk-build-linux/wdk-build/facts/kmdf.tsv";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={FACTS}");
    let facts = fs::read_to_string(FACTS)?;
    let mut names = String::new();
    let mut types = String::new();
    let mut returns_status = String::new();
    for mut columns in facts.lines().map(|row| row.split('\t')) {
        let (Some("function"), Some(name)) = (columns.next(), columns.next()) else {
            continue;
        };
        let type_name = name.to_uppercase();
        let signature = columns.nth(2).unwrap_or_default();
        write!(returns_status, "{}, ", signature.starts_with("NTSTATUS "))?;
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
             macro_rules! signature {{ {types} }}\n\
             /// Whether a function returns a status, in the order of the table.\n\
             static RETURNS_STATUS: [bool; LENGTH] = [{returns_status}];\n"
        ),
    )?;
    Ok(wdk_build::configure_export_driver_build()?)
}
