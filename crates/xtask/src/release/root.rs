//! The root file system of a release, with this machine's Rust and a clone of this tree. It is kept,
//! with what tasks install and build in it; one that was left half-made is made anew.

use super::Options;
use crate::{
    error::Error, places, program, setup::Archive, step::Step, superuser::Superuser,
    toolchain::Toolchain,
};
use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// What a machine with Rust has besides the least that a release consists of. sudo is for who is
/// not root.
const PACKAGES: &str = "ca-certificates,gcc,git,libc6-dev,sudo";

/// Mounts what the root file system needs, and runs a command in it.
const ENTER: &str = include_str!("enter.sh");

/// Brings the clone to the commit, and runs a task there.
const TASK: &str = include_str!("task.sh");

/// Where things are, seen from within.
const TOOLCHAINS: &str = "opt/rust";
const COMMIT: &str = "opt/ringcopy.bundle";

const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Variables of this process that a task gets: the way to the network.
const HANDED_ON: [&str; 6] = [
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// A root file system that is complete.
pub(super) struct Root {
    folder: PathBuf,
    /// The folder of the toolchain, seen from within.
    toolchain: PathBuf,
    user: &'static str,
    superuser: Superuser,
}

impl Root {
    /// Makes it, or brings what is there up to date.
    ///
    /// # Errors
    ///
    /// Without root's rights, without an archive that has the release, or if a program fails.
    pub(super) fn made(options: &Options) -> Result<Self, Error> {
        let superuser = Superuser::of_this_process().ok_or_else(|| Error::Missing {
            what: "another release's root file system takes root's rights to make and to enter"
                .to_owned(),
            command:
                "sudo true, so that sudo asks nothing for a while; or the same command as root"
                    .to_owned(),
        })?;
        let toolchain = Toolchain::of_rustc()?;
        let root = Self {
            folder: places::target()
                .join("releases")
                .join(options.release.codename()),
            toolchain: Path::new(TOOLCHAINS).join(&toolchain.release),
            user: if options.user { "tester" } else { "root" },
            superuser,
        };
        root.debootstrap(options)?;
        root.put_toolchain(&toolchain)?;
        root.put_commit()?;
        Ok(root)
    }

    fn debootstrap(&self, options: &Options) -> Result<(), Error> {
        if self.folder.is_dir() {
            return Ok(());
        }
        let archive = Archive::of_this_machine(options.release.distribution().id);
        let order = Order::of(options, archive)?;
        let step = Step::start(format!(
            "making a root file system of {}",
            options.release.codename()
        ));
        self.replace(&step, &self.folder, |unfinished| {
            // debootstrap mounts as well.
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

    /// Copies the toolchain that cargo runs here with.
    fn put_toolchain(&self, toolchain: &Toolchain) -> Result<(), Error> {
        let step = Step::start("copying Rust into it");
        let place = self.folder.join(&self.toolchain);
        if !place.is_dir() {
            self.replace(&step, &place, |unfinished| {
                let mut copy = self.superuser.named("cp");
                // The library's sources may be a link to what a set-up has fetched.
                copy.args(["--recursive", "--dereference", "--preserve=mode,timestamps"])
                    .arg(toolchain.sysroot())
                    .arg(unfinished);
                copy
            })?;
        }
        step.done();
        Ok(())
    }

    /// What is committed in this tree.
    fn put_commit(&self) -> Result<(), Error> {
        let step = Step::start("copying what is committed into it");
        let bundle = places::target().join("releases/commit.bundle");
        let mut git = program::git(&places::root());
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
    pub(super) fn run(&self, task: &[String]) -> Result<ExitCode, Error> {
        // What lives in the namespaces ends with `unshare`, and that with this process.
        let mut enter = self.superuser.named("setpriv");
        enter
            .args(["--pdeathsig", "KILL"])
            .args(["unshare", "--mount", "--propagation", "private"])
            .args(["--pid", "--fork", "--kill-child"])
            .args(["sh", "-c", ENTER, "sh"])
            .arg(&self.folder)
            .args(["env", "--ignore-environment"]);
        for name in HANDED_ON {
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

    /// Has a command make a folder under another name, and gives it its own once it is complete.
    fn replace(
        &self,
        step: &Step,
        folder: &Path,
        make: impl FnOnce(&Path) -> Command,
    ) -> Result<(), Error> {
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

/// What debootstrap is to do, but for where.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    options: Vec<String>,
    suite: &'static str,
    mirror: String,
    script: String,
}

impl Order {
    fn of(options: &Options, archive: Option<Archive>) -> Result<Self, Error> {
        let codename = options.release.codename();
        let distribution = options.release.distribution();
        let mirror = options
            .mirror
            .clone()
            .or_else(|| archive.map(|archive| archive.uri))
            .ok_or_else(|| Error::Missing {
                what: format!("this machine installs from no archive that has {codename}"),
                command: format!("cargo xtask release {codename} --mirror URI"),
            })?;
        let keyring = options
            .keyring
            .clone()
            .unwrap_or_else(|| distribution.keyring.into());
        if !keyring.is_file() {
            return Err(Error::Missing {
                what: format!(
                    "{codename}'s archive is signed with keys that are not in {}",
                    keyring.display()
                ),
                command: format!("cargo xtask release {codename} --keyring FILE"),
            });
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
    use super::{super::Release, *};

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

    fn archive() -> Archive {
        Archive {
            uri: "http://archive.example/debian".to_owned(),
            signed_by: None,
        }
    }

    #[test]
    fn the_mirror_named_comes_before_the_machines_own() -> Result<(), Error> {
        let mut options = options(Release::Trixie);
        assert_eq!(
            Order::of(&options, Some(archive()))?.mirror,
            "http://archive.example/debian"
        );
        options.mirror = Some("http://mirror.example/debian".to_owned());
        for archive in [None, Some(archive())] {
            assert_eq!(
                Order::of(&options, archive)?.mirror,
                "http://mirror.example/debian"
            );
        }
        Ok(())
    }

    #[test]
    fn what_is_lacking_is_told_with_the_option_that_gives_it() {
        let told = |options: &Options, archive| {
            Order::of(options, archive)
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        let mut options = options(Release::Resolute);
        assert!(told(&options, None).ends_with("cargo xtask release resolute --mirror URI"));
        options.keyring = Some("/nowhere/keys.gpg".into());
        let told = told(&options, Some(archive()));
        assert!(told.contains("/nowhere/keys.gpg"), "{told}");
        assert!(
            told.ends_with("cargo xtask release resolute --keyring FILE"),
            "{told}"
        );
    }
}
