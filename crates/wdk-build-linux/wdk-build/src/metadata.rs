//! The driver model that a project asks for in its manifest.
//!
//! Microsoft's `wdk-build` reads `package.metadata.wdk` and `workspace.metadata.wdk` of the project
//! that is built, and wants exactly one model in all of them
//! (<https://docs.rs/wdk-build/0.6.0/wdk_build/metadata/>).

use crate::{ConfigError, DriverConfig, KmdfConfig};
use cargo_metadata::{Metadata, MetadataCommand, camino::Utf8PathBuf};
use serde_json::Value;
use std::{
    env,
    path::{Path, PathBuf},
};

/// The minor versions of KMDF 1 whose declarations are here ("KMDF Version History").
const KMDF_MINORS: std::ops::RangeInclusive<u8> = 31..=33;

/// Returns the model of the project that is built, and its root. Tells cargo which manifests it came from.
///
/// # Errors
///
/// If the project has no model, more than one, or one that this crate does not know.
pub(crate) fn driver_config() -> Result<(DriverConfig, Utf8PathBuf), ConfigError> {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let folder = project(&out).ok_or_else(|| ConfigError::ProjectNotFound { out: out.clone() })?;
    let metadata = MetadataCommand::new()
        .current_dir(folder)
        .no_deps()
        .exec()
        .map_err(|error| ConfigError::Metadata(error.to_string()))?;
    for package in &metadata.packages {
        println!("cargo::rerun-if-changed={}", package.manifest_path);
    }
    println!("cargo::rerun-if-changed={}/Cargo.toml", folder.display());
    Ok((of_project(&metadata)?, metadata.workspace_root))
}

/// The folder above a build script's output that has a lock file, as Microsoft's `wdk-build` looks for
/// it. A build script of a dependency is not told which project is built.
fn project(out: &Path) -> Option<&Path> {
    out.ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file())
}

fn of_project(metadata: &Metadata) -> Result<DriverConfig, ConfigError> {
    let mut models: Vec<DriverConfig> = Vec::new();
    let of_packages = metadata.packages.iter().map(|package| &package.metadata);
    for section in of_packages.chain([&metadata.workspace_metadata]) {
        // An empty section marks a package as a driver, and asks for nothing.
        let Some(model) = section["wdk"].get("driver-model") else {
            continue;
        };
        let model = parse(model)?;
        if !models.contains(&model) {
            models.push(model);
        }
    }
    match models.as_slice() {
        [] => Err(ConfigError::NoDriverModel {
            root: metadata.workspace_root.clone().into(),
        }),
        [model] => Ok(*model),
        _ => Err(ConfigError::SeveralDriverModels { models }),
    }
}

fn parse(model: &Value) -> Result<DriverConfig, ConfigError> {
    let driver_type = model["driver-type"].as_str().unwrap_or_default();
    if driver_type != "KMDF" {
        return Err(ConfigError::UnsupportedDriverType {
            driver_type: driver_type.to_owned(),
        });
    }
    let number = |key: &'static str| {
        let value = model.get(key);
        let number = value.map(|value| value.as_u64().and_then(|value| u8::try_from(value).ok()));
        match number {
            Some(None) => {
                let value = value.unwrap_or(&Value::Null);
                Err(ConfigError::Metadata(format!(
                    "{key} = {value} is no version"
                )))
            }
            number => Ok(number.flatten()),
        }
    };
    let required = |key| {
        number(key)?.ok_or_else(|| ConfigError::Metadata(format!("driver-model has no {key}")))
    };
    let config = KmdfConfig {
        kmdf_version_major: required("kmdf-version-major")?,
        target_kmdf_version_minor: required("target-kmdf-version-minor")?,
        minimum_kmdf_version_minor: number("minimum-kmdf-version-minor")?,
    };
    let (major, target) = (config.kmdf_version_major, config.target_kmdf_version_minor);
    let minimum = config.minimum_kmdf_version_minor.unwrap_or(target);
    if major != 1 || !KMDF_MINORS.contains(&target) || minimum > target {
        return Err(ConfigError::UnsupportedKmdf {
            major,
            target,
            minimum,
        });
    }
    Ok(DriverConfig::Kmdf(config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What `cargo metadata` prints for a workspace, with these sections.
    fn project_with(packages: &[Value], workspace: &Value) -> Metadata {
        let packages: Vec<Value> = packages
            .iter()
            .enumerate()
            .map(|(number, section)| {
                json!({
                    "name": format!("package-{number}"), "version": "0.1.0", "id": format!("{number}"),
                    "dependencies": [], "targets": [], "features": {}, "source": null,
                    "manifest_path": format!("/project/{number}/Cargo.toml"), "metadata": section,
                })
            })
            .collect();
        let document = json!({
            "packages": packages, "workspace_members": [], "resolve": null,
            "workspace_root": "/project", "target_directory": "/project/target",
            "metadata": workspace, "version": 1,
        });
        serde_json::from_value(document).expect("metadata")
    }

    fn model(driver_type: &str, major: u64, target: u64, minimum: Option<u64>) -> Value {
        let mut model = json!({
            "driver-type": driver_type, "kmdf-version-major": major,
            "target-kmdf-version-minor": target,
        });
        if let Some(minimum) = minimum {
            model["minimum-kmdf-version-minor"] = minimum.into();
        }
        json!({ "wdk": { "driver-model": model } })
    }

    const fn kmdf(target: u8, minimum: Option<u8>) -> DriverConfig {
        DriverConfig::Kmdf(KmdfConfig {
            kmdf_version_major: 1,
            target_kmdf_version_minor: target,
            minimum_kmdf_version_minor: minimum,
        })
    }

    #[test]
    fn one_model_is_taken_from_a_package_or_the_workspace() {
        let marker = json!({ "wdk": {} });
        let cases = [
            (
                vec![model("KMDF", 1, 33, None)],
                Value::Null,
                kmdf(33, None),
            ),
            (
                vec![
                    marker,
                    model("KMDF", 1, 33, Some(31)),
                    model("KMDF", 1, 33, Some(31)),
                ],
                Value::Null,
                kmdf(33, Some(31)),
            ),
            (
                vec![Value::Null],
                model("KMDF", 1, 31, None),
                kmdf(31, None),
            ),
        ];
        for (packages, workspace, expected) in cases {
            let config = of_project(&project_with(&packages, &workspace)).expect("a model");
            assert_eq!(config, expected);
        }
    }

    #[test]
    fn what_is_not_served_is_told_in_a_sentence() {
        let cases = [
            (
                vec![Value::Null],
                "has no [package.metadata.wdk.driver-model]",
            ),
            (vec![model("WDM", 1, 31, None)], "driver-type is \"WDM\""),
            (vec![model("UMDF", 2, 33, None)], "driver-type is \"UMDF\""),
            (
                vec![model("KMDF", 1, 15, None)],
                "KMDF 1.31 to 1.33, not for 1.15",
            ),
            (vec![model("KMDF", 2, 31, None)], "not for 2.31"),
            (vec![model("KMDF", 1, 31, Some(33))], "minimum 1.33"),
            (
                vec![model("KMDF", 1, 300, None)],
                "target-kmdf-version-minor = 300",
            ),
            (
                vec![model("KMDF", 1, 31, None), model("KMDF", 1, 33, None)],
                "more than one driver model",
            ),
        ];
        for (packages, expected) in cases {
            let error = of_project(&project_with(&packages, &Value::Null)).expect_err(expected);
            let text = error.to_string();
            assert!(text.contains(expected), "{text}");
            assert!(!text.contains('\n'), "{text}");
        }
    }
}
