//! Writes the headers that follow from the facts about KMDF 1.31 to 1.33: the function table from
//! `facts/functions.tsv` (index and name of every function), and assertions of the declared layouts
//! from `facts/layouts.tsv` (sizes of structs and offsets of members, in bytes, on x64; an empty
//! member means the struct itself).

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=facts");
    println!("cargo::rerun-if-changed=include/wdf");
    let folder = Path::new(&env::var("OUT_DIR")?).join("include/wdf");
    fs::create_dir_all(&folder)?;
    let functions = fs::read_to_string("facts/functions.tsv")?;
    fs::write(folder.join("function_table.h"), function_table(&functions)?)?;
    let layouts = fs::read_to_string("facts/layouts.tsv")?;
    for name in ["structs", "binding"] {
        let declarations = fs::read_to_string(format!("include/wdf/{name}.h"))?;
        let assertions = assertions(&declarations, &layouts)?;
        fs::write(folder.join(format!("{name}_layouts.h")), assertions)?;
    }
    Ok(())
}

/// The enumeration of the function table's indices. The order is the framework's contract with
/// every driver that was built for this version or an older one.
fn function_table(facts: &str) -> Result<String, Box<dyn Error>> {
    let mut header = "typedef enum _WDFFUNCENUM {\n".to_owned();
    for (expected, row) in facts.lines().skip(1).enumerate() {
        let (index, function) = row.split_once('\t').ok_or(row)?;
        if index.parse() != Ok(expected) {
            return Err(format!("functions.tsv: {row} is at index {expected}").into());
        }
        writeln!(header, "    {function}TableIndex = {index},")?;
    }
    header.push_str("    WdfFunctionTableNumEntries,\n} WDFFUNCENUM;\n");
    Ok(header)
}

/// Assertions of the size and the members' offsets of every struct in `declarations`.
fn assertions(declarations: &str, facts: &str) -> Result<String, Box<dyn Error>> {
    let mut header = String::new();
    let lines = declarations.lines();
    for name in lines.filter_map(|line| {
        let line = line.strip_prefix("typedef ").unwrap_or(line);
        line.strip_prefix("struct ")?.strip_suffix(" {")
    }) {
        let rows = facts
            .lines()
            .filter_map(|row| row.strip_prefix(name)?.strip_prefix('\t')?.split_once('\t'));
        let before = header.len();
        for (member, bytes) in rows {
            let what = if member.is_empty() {
                format!("sizeof(struct {name})")
            } else {
                format!("offsetof(struct {name}, {member})")
            };
            writeln!(header, "_Static_assert({what} == {bytes}, \"{what}\");")?;
        }
        if header.len() == before {
            return Err(format!("layouts.tsv has no facts about {name}").into());
        }
    }
    Ok(header)
}
