//! The Windows Driver Kit, and the tools of it that check a package.

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use std::{
    env,
    path::{Path, PathBuf},
};

/// A kit: the folder with `bin` and `Tools`.
pub struct Kit(PathBuf);

/// Its tools that the steps use.
const TOOLS: [&str; 4] = [
    "infverif.exe",
    "Inf2Cat.exe",
    "signtool.exe",
    "stampinf.exe",
];

/// The folders in which kits have tools. `Inf2Cat` exists for x86 alone.
const FOLDERS: [&str; 2] = ["bin", "Tools"];
const ARCHITECTURES: [&str; 2] = ["x64", "x86"];

impl Kit {
    /// Returns the kit that an eWDK's prompt names in `WDKContentRoot`, or the installed one.
    pub fn find() -> Result<Self> {
        let root = env::var_os("WDKContentRoot")
            .map(PathBuf::from)
            .or_else(|| {
                Some(PathBuf::from(env::var_os("ProgramFiles(x86)")?).join(r"Windows Kits\10"))
            })
            .context("this machine has no folder for Windows Kits; run this step on Windows")?;
        if root.is_dir() {
            return Ok(Self(root));
        }
        bail!(
            "{} does not exist; install the Windows Driver Kit, or start the eWDK's prompt",
            root.display()
        )
    }

    /// Returns a sentence if the driver kit's tools are of another version than those of the SDK.
    ///
    /// Source: "Kit versioning" in "Download the Windows Driver Kit", which has the numbers match.
    fn other_version(&self) -> Result<Option<String>> {
        let newest = |tool: &str| -> Result<Option<String>> {
            let tool = self.tool(tool)?;
            let mut folders = tool
                .ancestors()
                .filter_map(|folder| folder.file_name()?.to_str());
            Ok(folders
                .find(|name| version(name).is_some())
                .map(str::to_owned))
        };
        let (driver_kit, sdk) = (newest("stampinf.exe")?, newest("signtool.exe")?);
        Ok(driver_kit.zip(sdk).and_then(|(driver_kit, sdk)| {
            (driver_kit != sdk).then(|| {
                format!(
                    "the Windows Driver Kit has version {driver_kit}, and the Windows SDK {sdk}; if the \
                     driver does not build, install both of one version"
                )
            })
        }))
    }

    /// Returns the path of a library for x64 drivers, of the newest version that has it.
    pub fn kernel_library(&self, name: &str) -> Option<PathBuf> {
        versions(&self.0.join("Lib"))
            .into_iter()
            .map(|version| version.join("km").join("x64").join(name))
            .find(|path| path.is_file())
    }

    /// Returns the path of a tool, of the newest version that has it.
    pub fn tool(&self, name: &str) -> Result<PathBuf> {
        FOLDERS
            .iter()
            .flat_map(|folder| versions(&self.0.join(folder)))
            .flat_map(|version| ARCHITECTURES.map(|architecture| version.join(architecture)))
            .map(|folder| folder.join(name))
            .find(|path| path.is_file())
            .with_context(|| {
                format!(
                    "{} has no {name}: the Windows Driver Kit is not installed, only the Windows SDK; \
                     see https://learn.microsoft.com/windows-hardware/drivers/download-the-wdk",
                    self.0.display()
                )
            })
    }
}

/// Returns a folder's versions, the newest first, and at last the folder itself, where old kits have
/// their tools.
fn versions(folder: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(Vec<u32>, PathBuf)> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((version(entry.file_name().to_str()?)?, entry.path())))
        .collect();
    versions.sort();
    let newest_first = versions.into_iter().rev().map(|(_, path)| path);
    newest_first.chain([folder.to_owned()]).collect()
}

/// Parses the name of a version's folder, as in `10.0.26100.0`.
fn version(name: &str) -> Option<Vec<u32>> {
    let numbers = name.split('.').map(|number| number.parse().ok());
    numbers
        .collect::<Option<Vec<u32>>>()
        .filter(|numbers| numbers.len() == 4)
}

/// Prints the tools' paths, which name the kit's version. Ends with a sentence if one is missing.
pub fn report() -> Result<()> {
    let kit = Kit::find()?;
    for tool in TOOLS {
        println!("{}", kit.tool(tool)?.display());
    }
    if let Some(note) = kit.other_version()? {
        println!("note: {note}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Kit;
    use fs_err as fs;

    #[test]
    fn a_tool_is_of_the_newest_version_that_has_it() {
        let root = tempfile::tempdir().unwrap();
        for file in [
            "bin/10.0.9000.0/x64/signtool.exe",
            "bin/10.0.26100.0/x64/signtool.exe",
            "bin/10.0.26100.0/x86/Inf2Cat.exe",
            "bin/10.0.27000.0/x64/other.exe",
            "Tools/10.0.26100.0/x64/infverif.exe",
            "bin/x64/old.exe",
        ] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let kit = Kit(root.path().to_owned());
        for (tool, path) in [
            ("signtool.exe", "bin/10.0.26100.0/x64/signtool.exe"),
            ("Inf2Cat.exe", "bin/10.0.26100.0/x86/Inf2Cat.exe"),
            ("infverif.exe", "Tools/10.0.26100.0/x64/infverif.exe"),
            ("old.exe", "bin/x64/old.exe"),
        ] {
            assert_eq!(kit.tool(tool).unwrap(), root.path().join(path));
        }
    }

    #[test]
    fn a_library_is_of_the_newest_version_that_has_it() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("Lib/10.0.26100.0/km/x64");
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(root.path().join("Lib/10.0.27000.0/km/x64")).unwrap();
        fs::write(folder.join("umaccess.lib"), "").unwrap();
        let kit = Kit(root.path().to_owned());
        let found = kit.kernel_library("umaccess.lib");
        assert_eq!(found, Some(folder.join("umaccess.lib")));
        assert_eq!(kit.kernel_library("other.lib"), None);
    }

    #[test]
    fn a_kit_of_another_version_than_the_sdk_is_one_sentence() {
        for (sdk, told) in [("10.0.22621.0", true), ("10.0.26100.0", false)] {
            let root = tempfile::tempdir().unwrap();
            for file in [
                format!("bin/{sdk}/x64/signtool.exe"),
                "bin/10.0.26100.0/x64/stampinf.exe".to_owned(),
            ] {
                let path = root.path().join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "").unwrap();
            }
            let note = Kit(root.path().to_owned()).other_version().unwrap();
            assert_eq!(note.is_some(), told, "{note:?}");
            assert!(note.is_none_or(|note| note.contains("SDK 10.0.22621.0; if")));
        }
    }

    #[test]
    fn a_missing_tool_is_one_sentence_that_names_it() {
        let root = tempfile::tempdir().unwrap();
        let error = Kit(root.path().to_owned()).tool("Inf2Cat.exe").unwrap_err();
        let error = error.to_string();
        assert!(error.contains("has no Inf2Cat.exe"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}
