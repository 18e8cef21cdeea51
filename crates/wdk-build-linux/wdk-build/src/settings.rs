//! The settings that a build on Linux needs in `.cargo/config.toml` and in the manifest. What is missing is
//! told before a compiler or a linker fails for want of it.

use crate::{ConfigError, headers};
use cargo_metadata::camino::Utf8Path;
use serde_json::Value;
use std::{env, fs, path::Path};

/// The variables of a build script, and those of its user, by their names.
pub(crate) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The variables of this process.
pub(crate) fn of_process(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Fails unless cargo builds for the target of the layouts.
///
/// # Errors
///
/// [`ConfigError::UnsupportedTarget`].
pub(crate) fn require_target(variables: Variables<'_>) -> Result<(), ConfigError> {
    let target = variables("TARGET").unwrap_or_default();
    if target == "x86_64-pc-windows-msvc" {
        Ok(())
    } else {
        Err(ConfigError::UnsupportedTarget { target })
    }
}

/// Fails unless the target's C runtime is linked statically and a linker is named: rustc's own choice for
/// this target is `link.exe`.
///
/// # Errors
///
/// [`ConfigError::StaticCrtNotEnabled`], [`ConfigError::NoLinker`].
pub(crate) fn require_link(variables: Variables<'_>) -> Result<(), ConfigError> {
    let features = variables("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    if !features.split(',').any(|feature| feature == "crt-static") {
        return Err(ConfigError::StaticCrtNotEnabled);
    }
    let flags = variables("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    // Separate words, or one.
    let named_by_flag = flags
        .split('\x1f')
        .any(|flag| flag.trim_start_matches("-C").starts_with("linker="));
    if variables("RUSTC_LINKER").is_none() && !named_by_flag {
        return Err(ConfigError::NoLinker);
    }
    Ok(())
}

/// Fails unless the `cc` crate, with which `wdk-sys` compiles a C file, is told of clang and of the dialect
/// of the headers here. It looks for a compiler of Microsoft's otherwise.
///
/// # Errors
///
/// [`ConfigError::NoCompiler`], [`ConfigError::NoDialect`].
pub(crate) fn require_compiler(variables: Variables<'_>) -> Result<(), ConfigError> {
    // The names of the `cc` crate: "External configuration via environment variables".
    let first_of = |kind: &str| {
        let names = ["_x86_64-pc-windows-msvc", "_x86_64_pc_windows_msvc", ""]
            .map(|target| format!("{kind}{target}"));
        let mut names = names.into_iter().chain([format!("TARGET_{kind}")]);
        names.find_map(|name| variables(&name))
    };
    if first_of("CC").is_none() || first_of("AR").is_none() {
        return Err(ConfigError::NoCompiler);
    }
    let flags = first_of("CFLAGS").unwrap_or_default();
    let has = |option: &&str| flags.split_whitespace().any(|flag| flag == *option);
    let missing: Vec<_> = headers::DIALECT
        .into_iter()
        .filter(|option| !has(option))
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(ConfigError::NoDialect {
            missing: missing.join(" "),
        })
    }
}

/// Returns the name of the profile that is built, if it unwinds on a panic, which needs Rust's `std`. Rustc
/// then asks for a nightly compiler and for `eh_personality`.
///
/// A profile of `.cargo/config.toml` is not seen, so this is for a warning.
pub(crate) fn unwinding_profile(root: &Utf8Path, variables: Variables<'_>) -> Option<String> {
    let manifest = fs::read_to_string(root.join("Cargo.toml")).ok()?;
    let manifest: Value = toml::from_str(&manifest).ok()?;
    let profiles = &manifest["profile"];

    // TARGET/TRIPLE/PROFILE/build/PACKAGE/out
    let out = variables("OUT_DIR")?;
    let folder = Path::new(&out).ancestors().nth(3)?.file_name()?.to_str()?;
    let built = match variables("PROFILE")?.as_str() {
        _ if profiles.get(folder).is_some() => folder.to_owned(),
        "debug" => "dev".to_owned(),
        other => other.to_owned(),
    };
    let flags = variables("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let variable = format!("CARGO_PROFILE_{}_PANIC", built.to_uppercase());
    if flags.contains("panic=abort") || variables(&variable).is_some_and(|panic| panic == "abort") {
        return None;
    }
    // A profile inherits from `dev` or `release` in the end. No chain is longer than the table.
    let mut name = built.as_str();
    for _ in 0..=profiles.as_object().map_or(0, serde_json::Map::len) {
        let profile = &profiles[name];
        if let Some(panic) = profile["panic"].as_str() {
            return (panic != "abort").then_some(built);
        }
        match profile["inherits"].as_str() {
            Some(parent) => name = parent,
            None => break,
        }
    }
    Some(built)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a project with the settings of the README has.
    const COMPLETE: [(&str, &str); 7] = [
        ("TARGET", "x86_64-pc-windows-msvc"),
        ("CARGO_CFG_TARGET_FEATURE", "crt-static,fxsr,sse,sse2"),
        (
            "CARGO_ENCODED_RUSTFLAGS",
            "-C\x1ftarget-feature=+crt-static",
        ),
        ("RUSTC_LINKER", "rust-lld"),
        ("CC_x86_64_pc_windows_msvc", "clang"),
        ("AR_x86_64_pc_windows_msvc", "llvm-lib"),
        (
            "CFLAGS_x86_64_pc_windows_msvc",
            "-O2 -fno-ms-compatibility -fms-extensions -fgnuc-version=4.2.1 -U_MSC_VER -U_MSC_EXTENSIONS",
        ),
    ];

    fn check(variables: Variables<'_>) -> Result<(), ConfigError> {
        require_target(variables)?;
        require_link(variables)?;
        require_compiler(variables)
    }

    fn with<'a>(
        name: &'a str,
        value: Option<&'a str>,
    ) -> impl Fn(&str) -> Option<String> + use<'a> {
        move |asked| {
            if asked == name {
                return value.map(str::to_owned);
            }
            let found = COMPLETE.iter().find(|(name, _)| *name == asked);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn each_missing_setting_is_told_in_a_sentence_that_names_it() {
        check(&with("", None)).expect("complete");
        for (name, value, expected) in [
            (
                "TARGET",
                Some("x86_64-unknown-linux-gnu"),
                "x86_64-pc-windows-msvc, not",
            ),
            ("CARGO_CFG_TARGET_FEATURE", None, "+crt-static"),
            ("RUSTC_LINKER", None, "linker = \"rust-lld\""),
            ("CC_x86_64_pc_windows_msvc", None, "CC_x86_64"),
            ("AR_x86_64_pc_windows_msvc", None, "AR_x86_64"),
            (
                "CFLAGS_x86_64_pc_windows_msvc",
                None,
                "-fno-ms-compatibility",
            ),
            (
                "CFLAGS_x86_64_pc_windows_msvc",
                Some(
                    "-fno-ms-compatibility -fms-extensions -fgnuc-version=4.2.1 -U_MSC_EXTENSIONS",
                ),
                "lacks -U_MSC_VER,",
            ),
        ] {
            let error = check(&with(name, value)).expect_err(name);
            // What `main` of a build script prints.
            let text = format!("{error:?}");
            assert!(text.contains(expected) && !text.contains('\n'), "{text}");
        }
    }

    #[test]
    fn a_linker_may_be_named_by_a_flag() {
        for flags in ["-Clinker=lld-link", "-C\x1flinker=lld-link"] {
            let given = with("RUSTC_LINKER", None);
            let variables = |name: &str| match name {
                "CARGO_ENCODED_RUSTFLAGS" => Some(flags.to_owned()),
                name => given(name),
            };
            check(&variables).expect(flags);
        }
    }

    #[test]
    fn a_profile_that_unwinds_is_named() {
        let folder = Path::new(env!("OUT_DIR")).join("profiles");
        fs::create_dir_all(&folder).expect("a folder");
        let root = Utf8Path::from_path(&folder).expect("UTF-8");
        for (profiles, folder, profile, expected) in [
            ("", "release", "release", Some("release")),
            (
                "[profile.release]\npanic = 'abort'",
                "release",
                "release",
                None,
            ),
            (
                "[profile.release]\npanic = 'abort'",
                "debug",
                "debug",
                Some("dev"),
            ),
            ("[profile.dev]\npanic = 'abort'", "debug", "debug", None),
            (
                "[profile.release]\npanic = 'abort'\n[profile.small]\ninherits = 'release'",
                "small",
                "release",
                None,
            ),
            (
                "[profile.release]\npanic = 'abort'\n[profile.small]\ninherits = 'release'\npanic = 'unwind'",
                "small",
                "release",
                Some("small"),
            ),
            ("[profile.a]\ninherits = 'a'", "a", "release", Some("a")),
        ] {
            fs::write(root.join("Cargo.toml"), profiles).expect("written");
            let variables = |name: &str| match name {
                "OUT_DIR" => Some(format!("/t/triple/{folder}/build/p-0/out")),
                "PROFILE" => Some(profile.to_owned()),
                _ => None,
            };
            let found = unwinding_profile(root, &variables);
            assert_eq!(found.as_deref(), expected, "{profiles}");
        }
    }
}
