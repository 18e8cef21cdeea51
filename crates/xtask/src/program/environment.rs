//! The environment of the programs that xtask runs. Variables that a user has set for other uses of
//! the same programs are removed: another Wine prefix, another language, flags for other builds.

use std::{
    env,
    ffi::OsStr,
    path::{self, PathBuf},
    process::Command,
};

/// Variables that change what a program does, or where. `*` stands for any ending.
const REMOVED: &[&str] = &[
    // cargo and rustc: what is built, from which sources, and into which folder.
    "CARGO_ALIAS_*",
    "CARGO_BUILD_*",
    "CARGO_ENCODED_*",
    "CARGO_PROFILE_*",
    "CARGO_TARGET_*",
    "CARGO_TERM_QUIET",
    "CARGO_TERM_VERBOSE",
    "CARGO_UNSTABLE_*",
    "RUSTC",
    "RUSTC_*",
    "RUSTDOC",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
    // C compilers, and what bindgen passes to one.
    "AR",
    "AR_*",
    "BINDGEN_*",
    "CC",
    "CC_*",
    "CCC_OVERRIDE_OPTIONS",
    "CFLAGS",
    "CFLAGS_*",
    "CPATH",
    "CPPFLAGS",
    "C_INCLUDE_PATH",
    "GCC_*",
    "HOST_*",
    "LIBRARY_PATH",
    "TARGET_*",
    // git, for which a hook sets variables that name its own repository.
    "GIT_*",
    "OPENSSL_CONF",
    "QEMU_*",
    // Wine, which shows windows where it can: a question in a window waits for a click.
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "WINE*",
    // Languages: xtask reads English output, and file names are UTF-8.
    "LANG",
    "LANGUAGE",
    "LC_*",
];

/// Exceptions from [`REMOVED`]: the user's target folder, number of jobs and compilation cache.
const KEPT: &[&str] = &["CARGO_BUILD_JOBS", "CARGO_TARGET_DIR", "RUSTC_WRAPPER"];

/// The C library has this locale built in.
const LOCALE: &str = "C.UTF-8";

/// Removes and sets variables of `command`.
pub fn set(command: &mut Command) {
    for (name, _) in env::vars_os().filter(|(name, _)| is_removed(name)) {
        command.env_remove(name);
    }
    command.env("LC_ALL", LOCALE);
    if let Some(folder) = env::var_os("TMPDIR").map(PathBuf::from) {
        // Programs run in several folders, so a relative one would be several.
        match path::absolute(&folder) {
            Ok(folder) if folder.is_dir() => command.env("TMPDIR", folder),
            _ => command.env_remove("TMPDIR"),
        };
    }
}

fn is_removed(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let names = |list: &[&str]| {
        list.iter().any(|pattern| {
            pattern
                .strip_suffix('*')
                .map_or(*pattern == name, |start| name.starts_with(start))
        })
    };
    let is_linker = name.starts_with("CARGO_TARGET_") && name.ends_with("_LINKER");
    names(REMOVED) && !names(KEPT) && !is_linker
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_change_programs_are_removed() {
        for name in [
            "WINEARCH",
            "WINEPREFIX",
            "WINEDLLOVERRIDES",
            "WINELOADER",
            "WINESERVER",
            "DISPLAY",
            "LANG",
            "LC_ALL",
            "LC_CTYPE",
            "GIT_DIR",
            "GIT_INDEX_FILE",
            "GIT_CONFIG_COUNT",
            "CARGO_BUILD_TARGET",
            "CARGO_BUILD_BUILD_DIR",
            "CARGO_TARGET_X86_64_WIN7_WINDOWS_GNU_RUNNER",
            "CARGO_ENCODED_RUSTFLAGS",
            "RUSTFLAGS",
            "RUSTC",
            "RUSTC_BOOTSTRAP",
            "CFLAGS",
            "CC_x86_64_pc_windows_msvc",
            "QEMU_CPU",
        ] {
            assert!(is_removed(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn variables_that_locate_programs_and_files_are_kept() {
        for name in [
            "PATH",
            "HOME",
            "USER",
            "CARGO",
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_JOBS",
            "CARGO_HTTP_CAINFO",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER",
            "RUSTUP_HOME",
            "RUSTUP_TOOLCHAIN",
            "RUSTC_WRAPPER",
            "LIBCLANG_PATH",
            "SOURCE_DATE_EPOCH",
            "RINGCOPY_QEMU",
            "http_proxy",
        ] {
            assert!(!is_removed(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn every_program_runs_in_one_locale() {
        let command = crate::program::named("wine");
        let locale = command.get_envs().find(|(name, _)| *name == "LC_ALL");
        assert_eq!(locale, Some(("LC_ALL".as_ref(), Some("C.UTF-8".as_ref()))));
    }
}
