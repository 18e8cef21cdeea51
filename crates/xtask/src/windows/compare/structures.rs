//! Sizes and offsets of the structures that bindgen bound, from the assertions that it writes for each.

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The file that `wdk-sys` writes its types into.
const BINDINGS: &str = "types.rs";

/// Bytes, by what they are of, as in `Size of _WDF_OBJECT_ATTRIBUTES` and
/// `Offset of field: _WDF_OBJECT_ATTRIBUTES::Size`.
pub type Structures = BTreeMap<String, u64>;

/// Reads the assertions, each of which is an array of a text at an index:
/// `["Size of A"][::core::mem::size_of::<A>() - 8usize]`. rustfmt may break its lines.
pub fn of_bindings(text: &str) -> Structures {
    let mut structures = Structures::new();
    for kind in ["Size of ", "Offset of field: "] {
        for assertion in text.split(&format!("\"{kind}")).skip(1) {
            let bytes = |rest: &str| {
                let (expression, _) = rest.split_once("usize]")?;
                expression.rsplit(' ').next()?.parse().ok()
            };
            if let Some((name, rest)) = assertion.split_once('"')
                && let Some(bytes) = bytes(rest)
            {
                structures.insert(format!("{kind}{name}"), bytes);
            }
        }
    }
    structures
}

/// Returns the lines of a file for [`parse`].
pub fn table(structures: &Structures) -> String {
    structures
        .iter()
        .flat_map(|(what, bytes)| [what.clone(), format!("\t{bytes}\n")])
        .collect()
}

/// Reads a file's lines.
pub fn parse(table: &str) -> Result<Structures> {
    table
        .lines()
        .map(|line| {
            let (what, bytes) = line
                .split_once('\t')
                .with_context(|| format!("no size: {line}"))?;
            Ok((
                what.to_owned(),
                bytes.parse().with_context(|| format!("no size: {line}"))?,
            ))
        })
        .collect()
}

/// Returns how many sizes and offsets both have, and a sentence for each that differs. What only one
/// has does not matter: the headers declare more than the driver uses, and not the same.
pub fn differences(linux: &Structures, windows: &Structures) -> (usize, Vec<String>) {
    let both: Vec<_> = linux
        .iter()
        .filter_map(|(what, bytes)| Some((what, bytes, windows.get(what)?)))
        .collect();
    let different = both
        .iter()
        .filter(|(_, linux, windows)| linux != windows)
        .map(|(what, linux, windows)| format!("{what}: {linux} on Linux, {windows} on Windows"));
    let mut sentences: Vec<String> = different.collect();
    if both.is_empty() {
        sentences.push("the bindings have no structure in common".to_owned());
    }
    (both.len(), sentences)
}

/// Returns the newest bindings of the builds in a target folder.
pub fn newest_bindings(target: &Path) -> Result<PathBuf> {
    let mut newest: Option<(SystemTime, PathBuf)> = None;
    visit(target, 0, &mut newest);
    match newest {
        Some((_, path)) => Ok(path),
        None => bail!("{} has no build of wdk-sys", target.display()),
    }
}

/// Returns the newest bindings of the build that made a package in `target/PROFILE/NAME`.
pub fn newest_bindings_beside(package: &Path) -> Result<PathBuf> {
    let package = std::path::absolute(package)?;
    newest_bindings(package.parent().unwrap_or(&package))
}

/// A build's output is in `TARGET/PROFILE/build/wdk-sys-HASH/out`.
const DEPTH: usize = 6;

fn visit(folder: &Path, depth: usize, newest: &mut Option<(SystemTime, PathBuf)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && depth < DEPTH {
            visit(&path, depth + 1, newest);
        } else if entry.file_name() == BINDINGS
            && path
                .components()
                .any(|part| part.as_os_str().to_string_lossy().starts_with("wdk-sys"))
            && let Ok(written) = entry.metadata().and_then(|metadata| metadata.modified())
            && newest.as_ref().is_none_or(|(time, _)| *time < written)
        {
            *newest = Some((written, path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: &str = r#"
const _: () = {
    ["Size of _A"][::core::mem::size_of::<_A>() - 16usize];
    ["Alignment of _A"][::core::mem::align_of::<_A>() - 8usize];
    ["Offset of field: _A::b"][::core::mem::offset_of!(_A, b) - 8usize];
    [
        "Size of _A_WITH_A_LONG_NAME",
    ][::core::mem::size_of::<_A_WITH_A_LONG_NAME>() - 24usize];
};
"#;

    #[test]
    fn sizes_and_offsets_survive_the_hand_over() {
        let bound = of_bindings(BOUND);
        let expected = [
            ("Offset of field: _A::b", 8),
            ("Size of _A", 16),
            ("Size of _A_WITH_A_LONG_NAME", 24),
        ];
        assert_eq!(
            bound,
            expected
                .map(|(what, bytes)| (what.to_owned(), bytes))
                .into()
        );
        assert_eq!(parse(&table(&bound)).unwrap(), bound);
    }

    #[test]
    fn only_what_both_have_is_compared() {
        let linux = of_bindings(BOUND);
        let mut windows = linux.clone();
        windows.insert("Size of _B".to_owned(), 4);
        windows.remove("Size of _A");
        assert_eq!(differences(&linux, &windows), (2, Vec::new()));
        windows.insert("Size of _A".to_owned(), 12);
        let sentence = "Size of _A: 16 on Linux, 12 on Windows".to_owned();
        assert_eq!(differences(&linux, &windows), (3, vec![sentence]));
    }

    #[test]
    fn nothing_in_common_is_a_difference() {
        let (compared, sentences) = differences(&of_bindings(BOUND), &Structures::new());
        assert_eq!((compared, sentences.len()), (0, 1));
    }
}
