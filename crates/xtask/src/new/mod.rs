//! `cargo xtask new`: a KMDF driver of the user's own, which uses the accessors. Its files are in the folder
//! `template`, where they are a project named `my-driver`.

mod name;
mod source;
pub mod trial;

use crate::setup;
use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use name::Name;
use source::Source;
use std::path::{Path, PathBuf, absolute};

/// The files of a project, with their paths.
macro_rules! files {
    ($($path:literal)*) => {
        &[$(($path, include_str!(concat!("template/", $path)))),*]
    };
}

const FILES: &[(&str, &str)] = files! {
    ".cargo/config.toml"
    ".github/workflows/driver.yml"
    ".gitignore"
    "Cargo.toml"
    "README.md"
    "build.rs"
    "lab-test/Cargo.toml"
    "lab-test/src/lib.rs"
    "lab-test/steps.txt"
    "linux.toml"
    "src/framework.rs"
    "src/handler.rs"
    "src/lib.rs"
};

/// What the user asks for.
#[derive(clap::Args)]
pub struct Options {
    /// The name of the driver's package, as in `my-driver`
    name: String,
    /// The folder for the project: a new or an empty one
    #[arg(long, value_name = "DIR")]
    path: PathBuf,
    /// The address of the git repository from which the project takes `wdk-build` and the accessors
    /// [default: `repository` in the root's Cargo.toml; without one, this clone, by its path]
    #[arg(long, value_name = "URL")]
    repository: Option<String>,
}

/// Installs what a driver's build needs, makes the project, and says how to go on.
pub fn run(options: &Options) -> Result<()> {
    let name = Name::new(&options.name)?;
    let source = Source::choose(options.repository.as_deref())?;
    let folder = absolute(&options.path)?;
    check_is_free(&folder)?;
    if cfg!(unix) {
        setup::run()?;
    }
    make(&name, &source, &folder)?;
    println!("{}", folder.display());
    eprintln!("in this folder: `cargo on-linux` builds the driver, `cargo lab` runs it in the lab");
    if let Source::Clone(tree) = &source {
        eprintln!(
            "the project takes wdk-build and the accessors from {}; for other machines, make it with \
             `--repository`",
            tree.display()
        );
    }
    Ok(())
}

/// Checks that `folder` does not exist, or is empty.
fn check_is_free(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let mut entries = fs::read_dir(folder)?;
    if entries.next().is_some() {
        bail!(
            "{} is not empty; name a folder that does not exist",
            folder.display()
        );
    }
    Ok(())
}

/// Makes the project. Either all of it is there in the end, or nothing.
fn make(name: &Name, source: &Source, folder: &Path) -> Result<()> {
    let parent = folder
        .parent()
        .with_context(|| format!("{} is no folder for a project", folder.display()))?;
    fs::create_dir_all(parent)?;
    // Beside the folder, so that it can be renamed.
    let staging = tempfile::Builder::new()
        .prefix(".new-driver-")
        .tempdir_in(parent)
        .with_context(|| format!("{} can't be written", parent.display()))?;
    for (path, text) in FILES {
        let file = staging.path().join(path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(file, source.fill_in(&name.fill_in(text)))?;
    }
    if folder.exists() {
        // Fails if something was put there meanwhile.
        fs::remove_dir(folder)?;
    }
    fs::rename(staging.path(), folder)?;
    // Nothing is left at this path to be deleted.
    let _ = staging.keep();
    // A temporary folder is its user's alone.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPOSITORY: &str = "https://example.com/my/ringcopy.git";

    fn options(name: &str, path: &Path) -> Options {
        Options {
            name: name.to_owned(),
            path: path.to_owned(),
            repository: Some(REPOSITORY.to_owned()),
        }
    }

    #[test]
    fn a_project_has_every_file_of_the_template_and_no_word_of_it() {
        let scratch = tempfile::tempdir().unwrap();
        let options = options("disk-tool", &scratch.path().join("a/b"));
        let source = Source::choose(options.repository.as_deref()).unwrap();
        make(&Name::new(&options.name).unwrap(), &source, &options.path).unwrap();
        let template = crate::paths::root().join("crates/xtask/src/new/template");
        let files: Vec<_> = FILES.iter().map(|(path, _)| *path).collect();
        assert_eq!(files, crate::paths::tracked(&template));
        for file in files {
            let text = fs::read_to_string(options.path.join(file)).unwrap();
            for word in ["my-driver", "my_driver", "MyDriver", source::ADDRESS] {
                assert!(!text.contains(word), "{file}: {word}");
            }
        }
        let manifest = fs::read_to_string(options.path.join("Cargo.toml")).unwrap();
        let dependency = format!("usermode-accessors = {{ git = \"{REPOSITORY}\" }}");
        assert!(manifest.contains(&dependency));
    }

    #[test]
    fn what_cannot_be_made_is_told_and_changes_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        let taken = scratch.path().join("taken");
        fs::create_dir(&taken).unwrap();
        fs::write(taken.join("file"), "text").unwrap();
        for (name, path, expected) in [
            ("a-driver", taken.as_path(), "is not empty"),
            (
                "1driver",
                &scratch.path().join("free"),
                "starts with a letter",
            ),
        ] {
            let error = run(&options(name, path)).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let left: Vec<_> = fs::read_dir(scratch.path()).unwrap().collect();
        assert_eq!(left.len(), 1);
        assert_eq!(fs::read_to_string(taken.join("file")).unwrap(), "text");
    }
}
