//! Paths of the build machine in files that it built.
//!
//! Names of machines and users are not searched for: they are often ordinary words.

use std::path::{Component, Path};

/// The folders to search for, each with a separator at its end. Folders of one part are left out, for
/// their names are in paths of all kinds.
///
/// `tree` is the folder of the project; `variable` returns a variable of the environment.
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

/// The first of the folders that is in these bytes, in UTF-8 or UTF-16, with either separator.
#[must_use]
pub fn found<'f>(folders: &'f [String], bytes: &[u8]) -> Option<&'f str> {
    let holds = |spelled: &[u8]| {
        let mut windows = bytes.windows(spelled.len());
        windows.any(|window| window.eq_ignore_ascii_case(spelled))
    };
    folders.iter().map(String::as_str).find(|folder| {
        [(*folder).to_owned(), folder.replace('/', "\\")]
            .iter()
            .any(|spelled| {
                let wide: Vec<u8> = spelled.encode_utf16().flat_map(u16::to_le_bytes).collect();
                holds(spelled.as_bytes()) || holds(&wide)
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
        let folders = folders_of("/srv/tree", "/home/person/", "other");
        for path in [
            "/srv/tree/src/lib.rs",
            "/home/person/x",
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
