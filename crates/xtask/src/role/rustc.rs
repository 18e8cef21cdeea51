//! The wrapper of rustc.

use super::variable::{DLLTOOL, ROLE};
use crate::{
    paths, program,
    toolchain::{Target, WINDOWS_PROGRAMS},
};
use std::{
    ffi::{OsStr, OsString},
    process::Command,
};

/// The driver's crates. Cargo adds a hash to the name of a crate. If the crate is outside of its
/// workspace's folder, as these are, the hash depends on its absolute path. The order of functions in
/// an image and inlining depend on the hash. Here the crate's name replaces it, so that equal sources
/// make equal images in every folder.
const DRIVER: [&str; 5] = [
    "ringcopy",
    "mm_copy",
    "nt_status",
    "ringcopy_protocol",
    "usermode_accessors",
];

/// Returns the command to run for the compiler and arguments that cargo has given, if it gave any.
pub fn command(mut arguments: Vec<OsString>, next_wrapper: Option<OsString>) -> Option<Command> {
    if arguments.is_empty() {
        return None;
    }
    if value_of(&arguments, "--target").is_some_and(|target| target == Target::Windows.triple()) {
        replace_hash(&mut arguments);
    }
    let is_program =
        value_of(&arguments, "--target").is_some_and(|target| target == WINDOWS_PROGRAMS);
    let first = next_wrapper.unwrap_or_else(|| arguments.remove(0));
    let mut command = program::inheriting(first);
    command.args(arguments);
    if is_program {
        let mut dlltool = OsString::from("-Cdlltool=");
        dlltool.push(paths::this_program());
        command.arg(dlltool).env(ROLE, DLLTOOL);
    }
    Some(command)
}

/// Returns the argument that follows `name`.
fn value_of<'a>(arguments: &'a [OsString], name: &str) -> Option<&'a OsStr> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1).map(OsString::as_os_str)
}

fn replace_hash(arguments: &mut [OsString]) {
    let Some(name) = value_of(arguments, "--crate-name").map(|name| name.to_string_lossy()) else {
        return;
    };
    if !DRIVER.contains(&name.as_ref()) {
        return;
    }
    let named = format!("metadata={name}");
    for argument in arguments {
        if argument.to_string_lossy().starts_with("metadata=") {
            *argument = OsString::from(&named);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err as fs;
    use std::collections::BTreeSet;

    /// Returns the compiler and the arguments that it gets.
    fn passed(target: &str, name: &str, next_wrapper: Option<&str>) -> Vec<String> {
        let arguments = [
            "/bin/rustc",
            "--crate-name",
            name,
            "-C",
            "metadata=0123abcd",
            "-C",
            "extra-filename=-0123abcd",
            "--target",
            target,
        ];
        let command = command(
            arguments.map(OsString::from).to_vec(),
            next_wrapper.map(OsString::from),
        )
        .unwrap();
        std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| word.to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn the_hashes_of_the_drivers_crates_are_replaced() {
        let windows = Target::Windows.triple();
        for (target, name, metadata) in [
            (windows, "mm_copy", "metadata=mm_copy"),
            (windows, "wdk_sys", "metadata=0123abcd"),
            (WINDOWS_PROGRAMS, "mm_copy", "metadata=0123abcd"),
        ] {
            let words = passed(target, name, None);
            assert_eq!(words[0], "/bin/rustc");
            assert_eq!(words[4], metadata, "{target}, {name}");
            assert_eq!(words[6], "extra-filename=-0123abcd");
        }
    }

    /// By the lock file of the driver's workspace: a crate of this tree has no source there.
    #[test]
    fn each_of_the_drivers_crates_in_this_tree_is_named() {
        let lock = paths::root().join("crates/wdk-build-linux/Cargo.lock");
        let lock: toml::Table = fs::read_to_string(lock).unwrap().parse().unwrap();
        let packages = lock["package"].as_array().unwrap();
        let mut reached = vec!["ringcopy"];
        let mut ours = BTreeSet::new();
        while let Some(name) = reached.pop() {
            let package = packages.iter().find(|package| {
                package["name"].as_str() == Some(name) && package.get("source").is_none()
            });
            // `wdk-build` is no part of the image.
            if let Some(package) = package.filter(|_| name != "wdk-build")
                && ours.insert(name.replace('-', "_"))
            {
                let dependencies = package.get("dependencies").and_then(toml::Value::as_array);
                reached.extend(
                    dependencies
                        .into_iter()
                        .flatten()
                        .filter_map(toml::Value::as_str),
                );
            }
        }
        assert_eq!(ours, DRIVER.map(str::to_owned).into());
    }

    #[test]
    fn the_users_own_wrapper_is_started() {
        let words = passed(Target::Windows.triple(), "mm_copy", Some("/bin/cache"));
        assert_eq!(words[..2], ["/bin/cache", "/bin/rustc"]);
        assert_eq!(words[5], "metadata=mm_copy");
    }

    #[test]
    fn windows_programs_get_their_import_libraries_from_here() {
        let dlltool = |target| {
            passed(target, "std", None)
                .iter()
                .any(|word| word.starts_with("-Cdlltool="))
        };
        assert!(dlltool(WINDOWS_PROGRAMS));
        assert!(!dlltool(Target::Windows.triple()));
    }

    #[test]
    fn without_a_compiler_nothing_is_started() {
        assert!(command(Vec::new(), None).is_none());
    }
}
