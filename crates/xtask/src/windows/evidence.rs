//! What the system recorded about a run. Whatever can't be had is named, and is no failure.

use crate::program;
use anyhow::Result;
use fs_err as fs;
use std::{
    env,
    path::{Path, PathBuf},
};

/// Folders and files below the folder of Windows.
const FILES: [&str; 3] = ["Minidump", r"INF\setupapi.dev.log", r"LiveKernelReports"];

/// Commands, each with the name of the file for its output.
const COMMANDS: [(&str, &[&str]); 6] = [
    ("boot-options.txt", &["bcdedit", "/enum", "{current}"]),
    ("verifier.txt", &["verifier", "/query"]),
    ("verifier-settings.txt", &["verifier", "/querysettings"]),
    ("system.txt", &["systeminfo"]),
    (
        "events.txt",
        &[
            "wevtutil",
            "query-events",
            "System",
            "/count:500",
            "/rd:true",
            "/format:text",
        ],
    ),
    (
        "code-integrity.txt",
        &[
            "wevtutil",
            "query-events",
            "Microsoft-Windows-CodeIntegrity/Operational",
            "/count:100",
            "/rd:true",
            "/format:text",
        ],
    ),
];

/// Collects it all.
pub fn collect(reports: &Path) -> Result<()> {
    let windows =
        env::var_os("SystemRoot").map_or_else(|| PathBuf::from(r"C:\Windows"), PathBuf::from);
    collect_from(&windows, &COMMANDS, reports)
}

fn collect_from(windows: &Path, commands: &[(&str, &[&str])], reports: &Path) -> Result<()> {
    fs::create_dir_all(reports)?;
    for (name, command) in commands {
        let [program, arguments @ ..] = command else {
            continue;
        };
        let file = reports.join(name);
        let done = program::status_into(program::named(program).args(arguments), &file, &file);
        match done {
            Ok(status) if status.success() => println!("{}", file.display()),
            Ok(status) => println!("{}: {program} ended with {status}", file.display()),
            Err(error) => println!("{name}: {error:#}"),
        }
    }
    for name in FILES {
        if let Err(error) = copy(&windows.join(name), reports) {
            println!("{name}: {error:#}");
        }
    }
    Ok(())
}

/// Copies a file, or the files of a folder.
fn copy(from: &Path, folder: &Path) -> Result<()> {
    let name = from.file_name().unwrap_or_default();
    if from.is_dir() {
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(from)? {
            let path = entry?.path();
            if path.is_file() {
                copy(&path, &folder)?;
            }
        }
    } else if from.is_file() {
        fs::copy(from, folder.join(name))?;
        println!("{}", folder.join(name).display());
    } else {
        println!("{}: there is none", from.display());
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::collect_from;
    use fs_err as fs;

    #[test]
    fn what_can_be_had_is_collected_and_nothing_else_matters() {
        let (windows, reports) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let dumps = windows.path().join("Minidump");
        fs::create_dir(&dumps).unwrap();
        fs::write(dumps.join("113026-01.dmp"), "dump").unwrap();
        let reports = reports.path().join("made");
        let commands: [(&str, &[&str]); 3] = [
            ("missing.txt", &["ringcopy-has-no-such-program"]),
            ("failed.txt", &["sh", "-c", "echo refused >&2; exit 5"]),
            ("good.txt", &["echo", "good"]),
        ];
        collect_from(windows.path(), &commands, &reports).unwrap();
        for (file, text) in [
            ("Minidump/113026-01.dmp", "dump"),
            ("failed.txt", "refused\n"),
            ("good.txt", "good\n"),
        ] {
            assert_eq!(fs::read_to_string(reports.join(file)).unwrap(), text);
        }
    }
}
