//! The wrapper of rustc.

use super::variable::{DLLTOOL, ROLE};
use crate::{
    cargo, paths, program,
    toolchain::{Target, WINDOWS_PROGRAMS},
};
use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::Command,
};

/// Returns the command to run for the compiler and arguments that cargo has given, if it gave any, and
/// for the folder of the package.
pub fn command(
    mut arguments: Vec<OsString>,
    package: Option<&Path>,
    next_wrapper: Option<OsString>,
) -> Option<Command> {
    if arguments.is_empty() {
        return None;
    }
    let is_ours = package.and_then(cargo::tree_of).is_some();
    if is_ours
        && value_of(&arguments, "--target").is_some_and(|target| target == Target::Windows.triple())
    {
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

/// Cargo adds a hash to the name of a crate. If the crate is outside of its workspace's folder, as the
/// driver's are, the hash depends on its absolute path. The order of functions in an image and inlining
/// depend on the hash. Here the crate's name replaces it, so that equal sources make equal images in
/// every folder.
fn replace_hash(arguments: &mut [OsString]) {
    let Some(name) = value_of(arguments, "--crate-name").map(|name| name.to_string_lossy()) else {
        return;
    };
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
    use std::path::PathBuf;

    /// Returns the compiler and the arguments that it gets.
    fn passed(target: &str, package: &Path, next_wrapper: Option<&str>) -> Vec<String> {
        let arguments = [
            "/bin/rustc",
            "--crate-name",
            "a_crate",
            "-C",
            "metadata=0123abcd",
            "-C",
            "extra-filename=-0123abcd",
            "--target",
            target,
        ];
        let command = command(
            arguments.map(OsString::from).to_vec(),
            Some(package),
            next_wrapper.map(OsString::from),
        )
        .unwrap();
        std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| word.to_str().unwrap().to_owned())
            .collect()
    }

    /// The folder of a package of this tree.
    fn ours() -> PathBuf {
        paths::root().join("crates/mm-copy")
    }

    #[test]
    fn the_hashes_of_the_drivers_crates_are_replaced() {
        let windows = Target::Windows.triple();
        let (ours, other) = (ours(), Path::new("/registry/wdk-sys-0.5.2"));
        for (target, package, metadata) in [
            (windows, &*ours, "metadata=a_crate"),
            (windows, other, "metadata=0123abcd"),
            (WINDOWS_PROGRAMS, &ours, "metadata=0123abcd"),
        ] {
            let words = passed(target, package, None);
            assert_eq!(words[0], "/bin/rustc");
            assert_eq!(words[4], metadata, "{target}, {}", package.display());
            assert_eq!(words[6], "extra-filename=-0123abcd");
        }
    }

    #[test]
    fn the_users_own_wrapper_is_started() {
        let words = passed(Target::Windows.triple(), &ours(), Some("/bin/cache"));
        assert_eq!(words[..2], ["/bin/cache", "/bin/rustc"]);
        assert_eq!(words[5], "metadata=a_crate");
    }

    #[test]
    fn windows_programs_get_their_import_libraries_from_here() {
        let dlltool = |target| {
            passed(target, &ours(), None)
                .iter()
                .any(|word| word.starts_with("-Cdlltool="))
        };
        assert!(dlltool(WINDOWS_PROGRAMS));
        assert!(!dlltool(Target::Windows.triple()));
    }

    #[test]
    fn without_a_compiler_nothing_is_started() {
        assert!(command(Vec::new(), None, None).is_none());
    }
}
