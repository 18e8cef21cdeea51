//! Writes the header of KMDF from `facts/kmdf.tsv`.
//!
//! The table has a row for each function (index, signature), structure (size in bytes on x64), field
//! (offset, type), enumerator (value) and callback (signature), with the number of KMDF 1.31 and that
//! of 1.33. A number that 1.31 lacks is `-`. The header gives a row the number of the version that
//! `KMDF_VERSION_MINOR` names, and asserts the size of each structure and the offset of each field.

use std::{collections::BTreeSet, env, error::Error, fmt::Write as _, fs, path::Path};

/// The first minor version that has the numbers of the table's second column.
const SECOND_COLUMN: u8 = 33;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=facts");
    let folder = Path::new(&env::var("OUT_DIR")?).join("include/wdf");
    fs::create_dir_all(&folder)?;
    let facts = fs::read_to_string("facts/kmdf.tsv")?;
    let rows = facts
        .lines()
        .skip(1)
        .map(Row::parse)
        .collect::<Result<Vec<_>, _>>()?;
    fs::write(folder.join("declarations.h"), header(&rows)?)?;
    fs::write(folder.join("functions.h"), callable(&rows)?)?;
    Ok(())
}

/// A row of the table.
struct Row<'a> {
    kind: &'a str,
    name: &'a str,
    /// The number in 1.31 and in 1.33.
    numbers: [&'a str; 2],
    c_type: &'a str,
}

impl<'a> Row<'a> {
    fn parse(line: &'a str) -> Result<Self, Box<dyn Error>> {
        let mut columns = line.split('\t');
        let mut next = || columns.next().ok_or_else(|| format!("kmdf.tsv: {line}"));
        Ok(Self {
            kind: next()?,
            name: next()?,
            numbers: [next()?, next()?],
            c_type: next()?,
        })
    }

    /// The text that `line` makes of the number, for each version that has one.
    fn by_version(&self, line: impl Fn(&str) -> String) -> String {
        let [first, second] = self.numbers;
        if first == second {
            return line(first);
        }
        let before = if first == "-" {
            String::new()
        } else {
            format!("#else\n{}", line(first))
        };
        format!(
            "#if KMDF_VERSION_MINOR >= {SECOND_COLUMN}\n{}{before}#endif\n",
            line(second)
        )
    }

    /// The result and the parameters of a function or callback.
    fn signature(&self) -> Result<(&str, &str), Box<dyn Error>> {
        let (result, parameters) = self.c_type.split_once(" (").ok_or(self.c_type)?;
        Ok((result, parameters.strip_suffix(')').ok_or(self.c_type)?))
    }

    /// The structure or enumeration, and its member.
    fn member(&self) -> Result<(&str, &str), Box<dyn Error>> {
        Ok(self.name.split_once('.').ok_or(self.name)?)
    }
}

fn header(rows: &[Row<'_>]) -> Result<String, Box<dyn Error>> {
    let of = |kind: &'static str| rows.iter().filter(move |row| row.kind == kind);
    let mut header = "#pragma once\n\n".to_owned();

    for handle in handles(rows) {
        writeln!(header, "DECLARE_HANDLE({handle});")?;
    }
    enumerations(&mut header, of("enum"))?;
    for row in of("struct") {
        let tag = row.name;
        let name = tag.trim_start_matches('_');
        let keyword = keyword(rows, tag)?;
        writeln!(header, "typedef {keyword} {tag} {name}, *P{name};")?;
        writeln!(header, "typedef const {name} *PC{name};")?;
    }
    header
        .push_str("typedef PCWDF_OBJECT_CONTEXT_TYPE_INFO (*PFN_GET_UNIQUE_CONTEXT_TYPE)(VOID);\n");
    for row in of("callback") {
        let (result, parameters) = row.signature()?;
        let name = row.name.strip_prefix("PFN_").ok_or(row.name)?;
        writeln!(header, "typedef {result} EVT_{name}({parameters});")?;
        writeln!(header, "typedef EVT_{name} *PFN_{name};")?;
    }
    for row in of("struct") {
        structure(&mut header, row, rows)?;
    }
    functions(&mut header, of("function"))?;
    Ok(header)
}

/// The kinds of framework objects, which are the identifiers of the form `WDFXXX`. `WDFOBJECT` is what
/// each of them converts to, and `WDFCONTEXT` a driver's own pointer.
fn handles<'a>(rows: &[Row<'a>]) -> BTreeSet<&'a str> {
    rows.iter()
        .flat_map(|row| {
            row.c_type
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        })
        .filter(|name| {
            name.strip_prefix("WDF").is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_uppercase())
            })
        })
        .filter(|name| !["WDFOBJECT", "WDFCONTEXT"].contains(name))
        .collect()
}

fn enumerations<'a>(
    header: &mut String,
    rows: impl Iterator<Item = &'a Row<'a>>,
) -> Result<(), Box<dyn Error>> {
    let mut open: Option<&str> = None;
    let close = |header: &mut String, tag: Option<&str>| {
        if let Some(name) = tag.map(|tag| tag.trim_start_matches('_')) {
            writeln!(header, "}} {name}, *P{name};")?;
        }
        Ok::<_, std::fmt::Error>(())
    };
    for row in rows {
        let (tag, enumerator) = row.member()?;
        if open != Some(tag) {
            close(header, open.replace(tag))?;
            writeln!(header, "typedef enum {tag} {{")?;
        }
        header.push_str(&row.by_version(|value| format!("    {enumerator} = {value},\n")));
    }
    Ok(close(header, open)?)
}

/// A structure whose fields all begin at its start is a union.
fn keyword(rows: &[Row<'_>], tag: &str) -> Result<&'static str, Box<dyn Error>> {
    let fields: Vec<_> = fields(rows, tag).collect();
    if fields.is_empty() {
        return Err(format!("kmdf.tsv: {tag} has no fields").into());
    }
    let union = fields.len() > 1 && fields.iter().all(|field| field.numbers == ["0", "0"]);
    Ok(if union { "union" } else { "struct" })
}

fn fields<'a, 'r>(rows: &'r [Row<'a>], tag: &'r str) -> impl Iterator<Item = &'r Row<'a>> {
    rows.iter().filter(move |row| {
        row.kind == "field" && row.name.split_once('.').is_some_and(|(of, _)| of == tag)
    })
}

fn structure(header: &mut String, row: &Row<'_>, rows: &[Row<'_>]) -> Result<(), Box<dyn Error>> {
    let tag = row.name;
    let keyword = keyword(rows, tag)?;
    let mut assertions =
        row.by_version(|size| assertion(&format!("sizeof({keyword} {tag})"), size));
    writeln!(header, "{keyword} {tag} {{")?;
    for field in fields(rows, tag) {
        let (_, name) = field.member()?;
        let declaration = match field.c_type.split_once('[') {
            Some((element, length)) if !element.contains('{') => {
                format!("{element} {name}[{length}")
            }
            _ => format!("{} {name}", field.c_type),
        };
        header.push_str(&field.by_version(|_| format!("    {declaration};\n")));
        let offset = format!("offsetof({keyword} {tag}, {name})");
        assertions.push_str(&field.by_version(|bytes| assertion(&offset, bytes)));
    }
    writeln!(header, "}};\n{assertions}")?;
    Ok(())
}

fn assertion(what: &str, bytes: &str) -> String {
    format!("_Static_assert({what} == {bytes}, \"{what}\");\n")
}

/// The enumeration of the table's indices, and the type of each function. `wdk-sys` finds a function's
/// type by its name: `PFN_` and the function's name in capitals.
fn functions<'a>(
    header: &mut String,
    rows: impl Iterator<Item = &'a Row<'a>>,
) -> Result<(), Box<dyn Error>> {
    let mut indices = "typedef enum _WDFFUNCENUM {\n".to_owned();
    for (expected, row) in rows.enumerate() {
        let name = row.name;
        if row.numbers.map(str::parse) != [Ok(expected), Ok(expected)] {
            return Err(format!("kmdf.tsv: {name} is at index {expected}").into());
        }
        writeln!(indices, "    {name}TableIndex = {expected},")?;
        // The table has no signature of functions that Microsoft does not document.
        if row.c_type.is_empty() {
            continue;
        }
        let (result, parameters) = row.signature()?;
        let separator = if parameters.is_empty() { "" } else { ", " };
        writeln!(
            header,
            "typedef {result} (*PFN_{})(PWDF_DRIVER_GLOBALS DriverGlobals{separator}{parameters});",
            name.to_uppercase(),
        )?;
    }
    indices.push_str("    WdfFunctionTableNumEntries,\n} WDFFUNCENUM;\n");
    header.push_str(&indices);
    Ok(())
}

/// The functions of the table as functions of C, for a driver in C.
fn callable(rows: &[Row<'_>]) -> Result<String, Box<dyn Error>> {
    let mut header = "#pragma once\n\n".to_owned();
    let documented = |row: &&Row<'_>| row.kind == "function" && !row.c_type.is_empty();
    for row in rows.iter().filter(documented) {
        let name = row.name;
        let (result, parameters) = row.signature()?;
        let arguments = parameters
            .split(',')
            .filter(|parameter| !parameter.is_empty())
            .map(|parameter| {
                let mut words = parameter.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                words.rfind(|word| !word.is_empty())
            })
            .map(|argument| Ok(format!(", {}", argument.ok_or(parameters)?)))
            .collect::<Result<String, Box<dyn Error>>>()?;
        let parameters = if parameters.is_empty() {
            "VOID"
        } else {
            parameters
        };
        let word = if result == "void" { "" } else { "return " };
        writeln!(
            header,
            "static inline {result} {name}({parameters})\n{{\n    \
             {word}((PFN_{})WDF_FUNCTIONS[{name}TableIndex])(WdfDriverGlobals{arguments});\n}}\n",
            name.to_uppercase(),
        )?;
    }
    Ok(header)
}
