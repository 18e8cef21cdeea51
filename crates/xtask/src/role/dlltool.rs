//! mingw-w64's `dlltool`, which makes import libraries for rustc. It passes the paths of its temporary
//! files to an assembler in a command line that it splits at spaces
//! (<https://github.com/rust-lang/rust/issues/155591>). So it runs in the folder of these files, and
//! their paths are bare names.

use crate::{program, toolchain::WINDOWS_PROGRAMS_DLLTOOL};
use std::{ffi::OsString, path::Path, process::Command};

/// The option before the prefix of the temporary files.
const PREFIX: &str = "--temp-prefix";

/// Returns the command to run for the arguments that rustc has given.
pub fn command(mut arguments: Vec<OsString>) -> Command {
    let mut command = program::inheriting(WINDOWS_PROGRAMS_DLLTOOL);
    let prefix = arguments
        .iter()
        .position(|argument| argument == PREFIX)
        .and_then(|at| arguments.get_mut(at + 1));
    // The library keeps its folder: symbols are named by its whole path, and a program is linked with
    // several libraries of one name, one for each crate that imports from the same DLL.
    if let Some(prefix) = prefix
        && let path = Path::new(prefix).to_owned()
        && let (Some(folder), Some(name)) = (path.parent(), path.file_name())
        && folder.is_absolute()
    {
        name.clone_into(prefix);
        command.current_dir(folder);
    }
    command.args(arguments);
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn temporary_files_are_passed_to_dlltool_without_their_folder() {
        let folder = "/tmp/my work & Übung/rustcAbCd";
        let path = |name: &str| OsString::from(format!("{folder}/{name}"));
        let (definition, library) = (path("a.dll_imports.def"), path("a.dll_imports.lib"));
        let command = command(vec![
            "-d".into(),
            definition.clone(),
            "-l".into(),
            library.clone(),
            PREFIX.into(),
            path("a.dll"),
        ]);
        assert_eq!(command.get_current_dir(), Some(Path::new(folder)));
        let words: Vec<&OsStr> = command.get_args().collect();
        let expected: [&OsStr; 6] = [
            "-d".as_ref(),
            &definition,
            "-l".as_ref(),
            &library,
            PREFIX.as_ref(),
            "a.dll".as_ref(),
        ];
        assert_eq!(words, expected);
    }
}
