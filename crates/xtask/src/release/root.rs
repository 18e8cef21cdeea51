//! The root file system of a release, with this machine's Rust and a clone of this tree. It is kept,
//! with what tasks install and build in it. An incomplete one is replaced.

use super::options::Options;
use crate::{paths, program, setup, step::Step, superuser::Superuser, toolchain::Toolchain};
use anyhow::{Context as _, Result, bail};
use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// What a machine with Rust has besides a minimal release. sudo is for tasks of an ordinary user.
const PACKAGES: &str = "ca-certificates,gcc,git,libc6-dev,sudo";

/// Mounts what the root file system needs, and runs a command in it.
const ENTER: &str = include_str!("enter.sh");

/// Brings the clone to the commit, and runs a task there.
const TASK: &str = include_str!("task.sh");

/// Paths in the root file system.
const TOOLCHAINS: &str = "opt/rust";
const COMMIT: &str = "opt/ringcopy.bundle";

const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Variables of this process that a task gets: the proxies.
const PASSED_ON: [&str; 6] = [
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// A complete root file system.
pub(super) struct Root {
    folder: PathBuf,
    /// The folder of the toolchain, in the root file system.
    toolchain: PathBuf,
    user: &'static str,
    superuser: Superuser,
}

impl Root {
    /// Makes the root file system, or updates an existing one.
    pub(super) fn prepare(options: &Options) -> Result<Self> {
        let superuser = Superuser::of_this_process().context(
            "another release's root file system takes root's rights to make and to enter; run: sudo \
             true, so that sudo asks nothing for a while; or the same command as root",
        )?;
        let toolchain = Toolchain::of_rustc()?;
        let root = Self {
            folder: paths::target()
                .join("releases")
                .join(options.release.codename()),
            toolchain: Path::new(TOOLCHAINS).join(&toolchain.release),
            user: if options.user { "tester" } else { "root" },
            superuser,
        };
        root.debootstrap(options)?;
        root.copy_toolchain(&toolchain)?;
        root.copy_commit()?;
        Ok(root)
    }

    fn debootstrap(&self, options: &Options) -> Result<()> {
        if self.folder.is_dir() {
            return Ok(());
        }
        let archive = setup::archive_of_this_machine(options.release.distribution().id);
        let order = Order::of(options, archive)?;
        let step = Step::start(format!(
            "making a root file system of {}",
            options.release.codename()
        ));
        self.replace(&step, &self.folder, |unfinished| {
            // debootstrap mounts file systems as well.
            let mut debootstrap = self.superuser.named("unshare");
            debootstrap
                .args(["--mount", "--propagation", "private"])
                .arg("debootstrap")
                .args(&order.options)
                .arg(order.suite)
                .arg(unfinished)
                .args([&order.mirror, &order.script]);
            debootstrap
        })?;
        step.done();
        Ok(())
    }

    /// Copies the toolchain that this program runs with.
    fn copy_toolchain(&self, toolchain: &Toolchain) -> Result<()> {
        let step = Step::start("copying Rust into it");
        let folder = self.folder.join(&self.toolchain);
        if !folder.is_dir() {
            self.replace(&step, &folder, |unfinished| {
                let mut copy = self.superuser.named("cp");
                // The library's sources may be a link to a folder that a set-up has fetched.
                copy.args(["--recursive", "--dereference", "--preserve=mode,timestamps"])
                    .arg(toolchain.sysroot())
                    .arg(unfinished);
                copy
            })?;
        }
        step.done();
        Ok(())
    }

    /// Copies what is committed in this tree.
    fn copy_commit(&self) -> Result<()> {
        let step = Step::start("copying what is committed into it");
        let bundle = paths::target().join("releases/commit.bundle");
        let mut git = program::git(&paths::root());
        git.args(["bundle", "create", "--quiet"])
            .arg(&bundle)
            .arg("HEAD");
        program::run(&step, &mut git)?;
        let mut copy = self.superuser.named("cp");
        copy.arg(&bundle).arg(self.folder.join(COMMIT));
        program::run(&step, &mut copy)?;
        step.done();
        Ok(())
    }

    /// Runs a task on this process's own output.
    pub(super) fn run(&self, task: &[String]) -> Result<ExitCode> {
        // Processes in the namespaces end with `unshare`, which ends with this process.
        let mut enter = self.superuser.named("setpriv");
        enter
            .args(["--pdeathsig", "KILL"])
            .args(["unshare", "--mount", "--propagation", "private"])
            .args(["--pid", "--fork", "--kill-child"])
            .args(["sh", "-c", ENTER, "sh"])
            .arg(&self.folder)
            .args(["env", "--ignore-environment"]);
        for name in PASSED_ON {
            if let Ok(value) = env::var(name) {
                enter.arg(format!("{name}={value}"));
            }
        }
        enter
            .arg(format!(
                "PATH=/{}/bin:{SYSTEM_PATH}",
                self.toolchain.display()
            ))
            .args(["sh", "-c", TASK, "sh", self.user])
            .arg(Path::new("/").join(COMMIT))
            .args(task);
        program::exit_code_of(&mut enter)
    }

    /// Makes a folder with a command, under another name until it is complete.
    fn replace(
        &self,
        step: &Step,
        folder: &Path,
        make: impl FnOnce(&Path) -> Command,
    ) -> Result<()> {
        let unfinished = folder.with_extension("unfinished");
        let mut remove = self.superuser.named("rm");
        remove.args(["--recursive", "--force", "--one-file-system"]);
        program::run(step, remove.arg(&unfinished))?;
        let mut make_parent = self.superuser.named("mkdir");
        make_parent.arg("--parents").args(folder.parent());
        program::run(step, &mut make_parent)?;
        program::run(step, &mut make(&unfinished))?;
        let mut rename = self.superuser.named("mv");
        program::run(step, rename.args([&*unfinished, folder]))
    }
}

/// The arguments of debootstrap, except the folder.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    options: Vec<String>,
    suite: &'static str,
    mirror: String,
    script: String,
}

impl Order {
    fn of(options: &Options, archive: Option<String>) -> Result<Self> {
        let codename = options.release.codename();
        let distribution = options.release.distribution();
        let mirror = options.mirror.clone().or(archive).with_context(|| {
            format!(
                "this machine installs from no archive that has {codename}; run: \
                 cargo xtask release {codename} --mirror URI"
            )
        })?;
        let keyring = options
            .keyring
            .clone()
            .unwrap_or_else(|| distribution.keyring.into());
        if !keyring.is_file() {
            bail!(
                "{codename}'s archive is signed with keys that are not in {}; run: \
                 cargo xtask release {codename} --keyring FILE",
                keyring.display()
            );
        }
        let scripts = Path::new("/usr/share/debootstrap/scripts");
        Ok(Self {
            options: vec![
                "--variant=minbase".to_owned(),
                "--force-check-gpg".to_owned(),
                format!("--keyring={}", keyring.display()),
                format!("--components={}", distribution.components),
                format!("--include={PACKAGES}"),
            ],
            suite: codename,
            mirror,
            script: scripts.join(distribution.script).display().to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::options::Release, *};

    fn options(release: Release) -> Options {
        Options {
            release,
            mirror: None,
            // Any file.
            keyring: Some(env::current_exe().unwrap_or_default()),
            user: false,
            task: Vec::new(),
        }
    }

    const ARCHIVE: &str = "http://archive.example/debian";

    #[test]
    fn the_mirror_option_comes_before_the_machines_archive() {
        let mut options = options(Release::Trixie);
        let mirror = |options: &Options, archive| Order::of(options, archive).unwrap().mirror;
        assert_eq!(mirror(&options, Some(ARCHIVE.to_owned())), ARCHIVE);
        options.mirror = Some("http://mirror.example/debian".to_owned());
        for archive in [None, Some(ARCHIVE.to_owned())] {
            assert_eq!(mirror(&options, archive), "http://mirror.example/debian");
        }
    }

    #[test]
    fn the_error_names_the_option_that_is_needed() {
        let error = |options: &Options, archive| {
            let order = Order::of(options, archive);
            order.err().unwrap().to_string()
        };
        let mut options = options(Release::Resolute);
        assert!(error(&options, None).ends_with("cargo xtask release resolute --mirror URI"));
        options.keyring = Some("/nowhere/keys.gpg".into());
        let error = error(&options, Some(ARCHIVE.to_owned()));
        assert!(error.contains("/nowhere/keys.gpg"), "{error}");
        assert!(
            error.ends_with("cargo xtask release resolute --keyring FILE"),
            "{error}"
        );
    }
}
