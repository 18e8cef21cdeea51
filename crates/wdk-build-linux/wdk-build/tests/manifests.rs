//! The driver's manifest for Linux and this workspace agree with the manifest at the root.

use std::{
    fs,
    path::{Path, PathBuf},
};
use toml::{Table, Value};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn manifest(path: &str) -> Table {
    let path = root().join(path).join("Cargo.toml");
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Dependencies by name. Each is the folder of its path, or its text in the manifest.
fn dependencies(manifest: &Table, kind: &str, folder: &Path, inherited: &Table) -> Table {
    let resolve = |(name, value): (&String, &Value)| {
        let from_workspace = value.get("workspace").is_some();
        let (value, folder) = if from_workspace {
            (&inherited[name], root())
        } else {
            (value, folder.to_owned())
        };
        let value = value.get("path").and_then(Value::as_str).map_or_else(
            || value.clone(),
            |path| {
                let path = folder.join(path).canonicalize().expect("a folder");
                Value::String(path.display().to_string())
            },
        );
        (name.clone(), value)
    };
    manifest[kind]
        .as_table()
        .expect("a table")
        .iter()
        .map(resolve)
        .collect()
}

/// An editor on Linux has to compile the dependencies of the root for every host.
#[test]
fn root_has_dependencies_on_windows_alone() {
    let at_root = manifest("");
    for kind in ["dependencies", "build-dependencies"] {
        assert!(!at_root.contains_key(kind), "{kind}");
    }
}

#[test]
fn driver_has_the_dependencies_of_the_root() {
    let at_root = manifest("");
    let on_windows = at_root["target"]["cfg(windows)"]
        .as_table()
        .expect("a table");
    let here = "crates/wdk-build-linux/driver";
    let inherited = at_root["workspace"]["dependencies"]
        .as_table()
        .expect("a table");
    for kind in ["dependencies", "build-dependencies"] {
        assert_eq!(
            dependencies(&manifest(here), kind, &root().join(here), &Table::new()),
            dependencies(on_windows, kind, &root(), inherited),
            "{kind}"
        );
    }
}

#[test]
fn driver_is_the_package_of_the_root() {
    let at_root = manifest("");
    let here = manifest("crates/wdk-build-linux/driver");
    let package = |name| &here["package"][name];
    for name in ["name", "description"] {
        assert_eq!(package(name), &at_root["package"][name], "{name}");
    }
    for name in ["version", "edition", "rust-version", "license"] {
        assert_eq!(
            package(name),
            &at_root["workspace"]["package"][name],
            "{name}"
        );
    }
}

#[test]
fn profiles_and_lints_are_those_of_the_root() {
    let mut at_root = manifest("");
    let here = manifest("crates/wdk-build-linux");
    // The root alone has profiles for programs and for packages that are not here.
    let profiles = at_root["profile"].as_table_mut().expect("a table");
    profiles.remove("windows-program");
    let dev = profiles["dev"]["package"].as_table_mut().expect("a table");
    dev.retain(|package, _| package == "*");
    assert_eq!(here["profile"], at_root["profile"]);
    assert_eq!(here["workspace"]["lints"], at_root["workspace"]["lints"]);
}

#[test]
fn root_names_the_framework_of_these_headers() {
    let model = &manifest("")["package"]["metadata"]["wdk"]["driver-model"];
    assert_eq!(model["driver-type"].as_str(), Some("KMDF"));
    assert_eq!(model["kmdf-version-major"].as_integer(), Some(1));
    assert_eq!(model["target-kmdf-version-minor"].as_integer(), Some(31));
}
