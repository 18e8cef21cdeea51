//! The wrapper of rustc.

use super::{DLLTOOL, ROLE, value_of};
use crate::{
    places, program,
    toolchain::{Target, WINDOWS_PROGRAMS},
};
use std::{ffi::OsString, process::Command};

/// The driver's crates. Cargo names a crate to rustc by a hash, over the crate's absolute path where
/// it lies outside of its workspace's folder, as these do; and the order of functions in an image,
/// and what is inlined into what, follow from the names. Here they are named by themselves, so that
/// equal sources make equal images wherever they lie.
const DRIVER: [&str; 4] = [
    "ringcopy",
    "mm_copy",
    "ringcopy_protocol",
    "usermode_accessors",
];

/// What to start, for the compiler and arguments that cargo has given. None if it gave none.
pub fn command(mut arguments: Vec<OsString>, next_wrapper: Option<OsString>) -> Option<Command> {
    if arguments.is_empty() {
        return None;
    }
    if value_of(&arguments, "--target").is_some_and(|target| target == Target::Windows.triple()) {
        name_by_itself(&mut arguments);
    }
    let is_program =
        value_of(&arguments, "--target").is_some_and(|target| target == WINDOWS_PROGRAMS);
    let first = next_wrapper.unwrap_or_else(|| arguments.remove(0));
    let mut command = program::inheriting(first);
    command.args(arguments);
    if is_program {
        let mut dlltool = OsString::from("-Cdlltool=");
        dlltool.push(places::this_program());
        command.arg(dlltool).env(ROLE, DLLTOOL);
    }
    Some(command)
}

fn name_by_itself(arguments: &mut [OsString]) {
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

    /// What rustc gets of what cargo would pass.
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
    fn the_drivers_crates_are_named_by_themselves() {
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

    #[test]
    fn a_wrapper_of_the_users_own_comes_next() {
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
