//! Traces that the machine of a build leaves in what it built: paths of its folders.
//!
//! Not its name, nor its user's alone: those are ordinary words as often as not.

use std::path::{Component, Path};

/// Folders as they would be found: with a separator behind them, and only such as lie in another, for
/// a name of one part is found in paths of all kinds.
///
/// `tree` is the project's; `variable` gives the environment's.
#[must_use]
pub fn folders(tree: &Path, variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let named = ["HOME", "CARGO_HOME", "RUSTUP_HOME"];
    let home_of = |user| format!("/home/{user}");
    [".cargo/registry", ".rustup/toolchains"]
        .map(str::to_owned)
        .into_iter()
        .chain([tree.display().to_string()])
        .chain(named.into_iter().filter_map(&variable))
        .chain(variable("USER").map(home_of))
        .filter(|folder| depth(folder) >= 2)
        .map(|folder| format!("{}/", folder.trim_end_matches('/')))
        .collect()
}

fn depth(folder: &str) -> usize {
    let parts = Path::new(folder).components();
    parts
        .filter(|part| matches!(part, Component::Normal(_)))
        .count()
}

/// The first of the folders that stands in these bytes: in one byte for each letter or two, with
/// either separator.
#[must_use]
pub fn found<'f>(folders: &'f [String], bytes: &[u8]) -> Option<&'f str> {
    let stands = |spelled: &[u8]| bytes.windows(spelled.len()).any(|window| window == spelled);
    folders.iter().map(String::as_str).find(|folder| {
        [(*folder).to_owned(), folder.replace('/', "\\")]
            .iter()
            .any(|spelled| {
                let wide: Vec<u8> = spelled.encode_utf16().flat_map(u16::to_le_bytes).collect();
                stands(spelled.as_bytes()) || stands(&wide)
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders_of(tree: &str, home: &str, user: &str) -> Vec<String> {
        folders(Path::new(tree), |name| match name {
            "HOME" => Some(home.to_owned()),
            "USER" => Some(user.to_owned()),
            _ => None,
        })
    }

    #[test]
    fn a_path_is_found_however_it_is_spelled() {
        let folders = folders_of("/srv/tree", "/home/somebody/", "other");
        for path in [
            "/srv/tree/src/lib.rs",
            "/home/somebody/x",
            "/home/other/x",
            "/opt/rust/.cargo/registry/src/x",
        ] {
            let wide: Vec<u8> = path.encode_utf16().flat_map(u16::to_le_bytes).collect();
            for spelled in [
                path.as_bytes(),
                path.replace('/', "\\").as_bytes(),
                &wide,
                &[b"odd".as_slice(), &wide].concat(),
            ] {
                let bytes = [b"before".as_slice(), spelled, b"after"].concat();
                assert!(found(&folders, &bytes).is_some(), "{path}");
            }
        }
    }

    #[test]
    fn ordinary_words_are_no_traces() {
        for (tree, home, user) in [("/src", "/root", "builder"), ("/build", "/", "main")] {
            let folders = folders_of(tree, home, user);
            for words in [
                "/ringcopy/src/lib.rs",
                "/rustc/library/core/src/builder/mod.rs",
                "/registry/build/src/main/windows.rs",
                "in .cargo, and in .rustup",
            ] {
                assert_eq!(found(&folders, words.as_bytes()), None, "{tree}");
            }
        }
    }
}
