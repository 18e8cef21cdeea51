//! mingw-w64's `dlltool`, which makes import libraries for rustc. It hands the names of its passing
//! files to an assembler through a command line that it splits at blanks
//! (<https://github.com/rust-lang/rust/issues/155591>); so it runs in the folder of the library, where
//! these names need no folder.

use super::value_of;
use crate::{program, toolchain::WINDOWS_PROGRAMS_DLLTOOL};
use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::Command,
};

/// What to start, for the arguments that rustc has given.
pub fn command(arguments: Vec<OsString>) -> Command {
    let folder = value_of(&arguments, "-l")
        .and_then(|library| Path::new(library).parent())
        .filter(|folder| folder.is_absolute())
        .map(Path::to_owned);
    let mut command = program::inheriting(WINDOWS_PROGRAMS_DLLTOOL);
    match folder {
        None => command.args(arguments),
        Some(folder) => command
            .args(arguments.iter().map(|argument| without(&folder, argument)))
            .current_dir(folder),
    };
    command
}

/// The argument, less the folder if it is a path in it.
fn without<'a>(folder: &Path, argument: &'a OsStr) -> &'a OsStr {
    Path::new(argument)
        .strip_prefix(folder)
        .map_or(argument, Path::as_os_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_dlltool_sees_no_folder() {
        let folder = "/tmp/my work & Übung/rustcAbCd";
        let path = |name: &str| OsString::from(format!("{folder}/{name}"));
        let command = command(vec![
            "-d".into(),
            path("kernel32.dll_imports.def"),
            "-D".into(),
            "kernel32.dll".into(),
            "-l".into(),
            path("kernel32.dll_imports.lib"),
            "--temp-prefix".into(),
            path("kernel32.dll"),
        ]);
        assert_eq!(command.get_current_dir(), Some(Path::new(folder)));
        let words: Vec<&OsStr> = command.get_args().collect();
        assert_eq!(
            words,
            [
                "-d",
                "kernel32.dll_imports.def",
                "-D",
                "kernel32.dll",
                "-l",
                "kernel32.dll_imports.lib",
                "--temp-prefix",
                "kernel32.dll",
            ]
        );
    }
}
