//! The packaged driver and client, through Wine's service manager and I/O manager: installed, loaded,
//! driven, tested under a simulated Driver Verifier, uninstalled.

#[cfg(unix)]
mod guest;

use super::session::Session;
use crate::{paths, program, setup, step::Step, windows_programs};
use anyhow::{Result, anyhow, bail};
use fs_err as fs;
use serde_json::Value;
use std::{
    fmt::Display,
    path::{Path, PathBuf},
};

/// How often `vm-test` loads and unloads the driver: less often than on Windows, where a load takes
/// less time.
const LOADS: &str = "10";

/// The time limit of a program, in seconds.
const TIME_LIMIT: &str = "600";

/// A manifest with which Wine starts a program as Windows does by "Run as administrator". Since
/// version 10, Wine gives administrator's rights only to programs whose manifest asks for them. The
/// package has no manifests, since most of the client's commands need no such rights.
const AS_ADMINISTRATOR: &str = include_str!("as_administrator.manifest");

/// How `verifier.exe` is spoken to on a version of Windows.
struct Dialect {
    name: &'static str,
    build: &'static str,
    /// The arguments that Verifier refuses, in JSON.
    refused: &'static str,
    /// What the report then has.
    spoken: &'static str,
}

/// Windows 10 version 2004, the first Windows 11, and a Server 2025 that refuses rule classes.
const DIALECTS: [Dialect; 3] = [
    Dialect {
        name: "win10",
        build: "19041",
        refused: "[]",
        spoken: "/flags 0x9BB",
    },
    Dialect {
        name: "win11",
        build: "22000",
        refused: "[]",
        spoken: "/dif 1 4 5",
    },
    Dialect {
        name: "server2025",
        build: "26100",
        refused: r#"["/dif"]"#,
        spoken: "/flags 0xA0",
    },
];

/// Returns the file with the self-test's results in Wine, for the comparison with the lab.
pub fn selftest_record() -> PathBuf {
    paths::target().join("wine/selftest.json")
}

/// Returns the file with the log of the driver's run in Wine, which has its events.
pub fn driver_log() -> PathBuf {
    paths::target().join("wine/driver.log")
}

/// Tests a package with a framework that its driver imports, and prints the transport matrix.
pub fn run(package: &Path, framework: &Path) -> Result<()> {
    setup::for_wine()?;
    let package = stage(package)?;
    let machine = Installation {
        session: Session::start()?,
        package,
    };
    let step = Step::start("driving the driver in Wine");
    let done = machine
        .add_system_files(framework)
        .and_then(|()| machine.test_all(&step));
    let log = fs::read_to_string(machine.session.log("boot.log")).unwrap_or_default();
    fs::write(driver_log(), &log)?;
    drop(machine);
    let matrix = done.map_err(|error| with_output(&error, &log))?;
    step.done();
    print_matrix(&matrix);
    Ok(())
}

/// Copies the package, the transport matrix and the simulated `verifier.exe` into one folder.
fn stage(package: &Path) -> Result<PathBuf> {
    let step = Step::start("building the transport matrix for Windows");
    program::run(
        &step,
        windows_programs::cargo("build", windows_programs::PROFILE)?
            .args(["--package", "ringcopy-wine"]),
    )?;
    step.done();

    let folder = paths::target().join("wine/package");
    fs::create_dir_all(&folder)?;
    for entry in fs::read_dir(package)? {
        let entry = entry?;
        copy(&entry.path(), &folder.join(entry.file_name()))?;
    }
    for name in ["ringcopy-matrix.exe", "verifier.exe"] {
        copy(&windows_programs::built(name), &folder.join(name))?;
    }
    for name in ["ringcopy.exe.manifest", "ringcopy-matrix.exe.manifest"] {
        let manifest = folder.join(name);
        fs::write(&manifest, AS_ADMINISTRATOR)?;
    }
    Ok(folder)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)?;
    Ok(())
}

/// The package in a running Wine.
struct Installation {
    session: Session,
    package: PathBuf,
}

/// A finished command.
struct Finished {
    succeeded: bool,
    document: Value,
    text: String,
}

impl Installation {
    fn system32(&self) -> PathBuf {
        self.session.prefix.path().join("drive_c/windows/system32")
    }

    /// Adds what Windows has and Wine lacks: the framework, and a `verifier.exe`.
    fn add_system_files(&self, framework: &Path) -> Result<()> {
        copy(framework, &self.system32().join("drivers/WDFLDR.SYS"))?;
        let verifier = self.system32().join("verifier.exe");
        copy(&self.package.join("verifier.exe"), &verifier)
    }

    fn test_all(&self, step: &Step) -> Result<Value> {
        // An earlier run may have been interrupted.
        self.client(&["stop"])?;
        self.client(&["uninstall"])?;
        step.detail("installing");
        self.refuse(&["start"], "ringcopy install")?;
        self.refuse_other_service()?;
        self.install()?;
        step.detail("self-test");
        self.succeed_with("start", "started")?;
        self.succeed_with("start", "unchanged")?;
        self.selftest()?;
        step.detail("transport matrix");
        let matrix = self.matrix()?;
        step.detail("under a simulated Driver Verifier, driven over a serial port");
        self.vm_test()?;
        for dialect in &DIALECTS {
            step.detail(&format!("the same at once, as {}", dialect.name));
            self.vm_test_at_once(dialect)?;
        }
        step.detail("uninstalling");
        self.uninstall()?;
        Ok(matrix)
    }

    fn install(&self) -> Result<()> {
        self.succeed_with("install", "installed")?;
        self.succeed_with("install", "unchanged")?;
        let image = self.system32().join("drivers/ringcopy.sys");
        let installed = fs::read(&image)?;
        let package = self.package.join("ringcopy.sys");
        let packed = fs::read(&package)?;
        check(
            installed == packed,
            "install",
            "the image is not the package's",
        )?;
        let set = self.succeed(&["policy", "set", "--reach", "all"])?;
        check(set["policy"]["physical"] == true, "policy set", &set)
    }

    /// A service of the same name with another image must be left alone.
    fn refuse_other_service(&self) -> Result<()> {
        let image = r"C:\windows\temp\other.sys";
        let created = self.wine(&[
            "sc", "create", "ringcopy", "type=", "kernel", "binPath=", image,
        ])?;
        check(created.succeeded, "sc create", &created.text)?;
        self.refuse(&["install"], r"temp\other.sys")?;
        self.refuse(&["uninstall"], r"temp\other.sys")?;
        let deleted = self.wine(&["sc", "delete", "ringcopy"])?;
        check(deleted.succeeded, "sc delete", &deleted.text)
    }

    fn selftest(&self) -> Result<()> {
        let information = self.succeed(&["info"])?;
        let reach = &information["information"]["reach"];
        check(
            reach.as_array().is_some_and(|reach| reach.len() == 2),
            "info",
            reach,
        )?;
        let document = self.succeed(&["selftest"])?;
        let passed = document["counts"]["passed"].as_u64().unwrap_or_default();
        check(passed > 0, "selftest", &document)?;
        let record = selftest_record();
        fs::write(&record, document.to_string())?;
        // It fails, since test signing is off in Wine.
        let doctor = self.client(&["doctor"])?;
        let checks = doctor.document["checks"].as_array().map_or(0, Vec::len);
        check(checks > 8, "doctor", &doctor.text)
    }

    fn matrix(&self) -> Result<Value> {
        let program = self
            .package
            .join("ringcopy-matrix.exe")
            .display()
            .to_string();
        let finished = self.wine(&[&program])?;
        check(finished.succeeded, "the transport matrix", &finished.text)?;
        Ok(finished.document)
    }

    fn vm_test(&self) -> Result<()> {
        let folder = paths::target().join("wine/report");
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder)?;
        let path = folder.display().to_string();
        let command = ["vm-test", "--loads", LOADS, "--folder", &path];
        self.client(&["stop"])?;
        for time in ["the first time", "without a restart"] {
            let waiting = self.succeed(&command)?;
            check(waiting["state"] == "restart", time, &waiting)?;
        }
        self.succeed(&["start"])?;
        #[cfg(unix)]
        guest::goes_on_with_the_test(self, &folder)?;
        let report = fs::read_to_string(folder.join("ringcopy-vm-test.json")).unwrap_or_default();
        let passed = serde_json::from_str::<Value>(&report)?["passed"].clone();
        check(passed == true, "vm-test", &report)
    }

    /// Runs the test without a restart, and with the round of foreign memory, as on one version of
    /// Windows.
    fn vm_test_at_once(&self, dialect: &Dialect) -> Result<()> {
        let (windows, build) = (dialect.name, dialect.build);
        let state = format!(r#"{{"refuses": {}}}"#, dialect.refused);
        fs::write(self.system32().join("verifier.state"), state)?;
        let key = r"HKLM\Software\Microsoft\Windows NT\CurrentVersion";
        let name = "CurrentBuildNumber";
        let chosen = self.wine(&["reg", "add", key, "/v", name, "/d", build, "/f"])?;
        check(chosen.succeeded, "reg add", &chosen.text)?;
        let before = self.succeed(&["policy", "show"])?;
        let folder = paths::target().join("wine").join(windows);
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder)?;
        let path = folder.display().to_string();
        let kind = ["vm-test", "--no-restart", "--risky"];
        let command = [&kind[..], &["--loads", LOADS, "--folder", &path]].concat();
        let done = self.client(&command)?;
        let report = fs::read_to_string(folder.join("ringcopy-vm-test.json")).unwrap_or_default();
        check(
            done.succeeded && done.document["passed"] == true,
            windows,
            &format!("{}\n{report}", done.text),
        )?;
        check(report.contains(dialect.spoken), windows, &report)?;
        let rounds = serde_json::from_str::<Value>(&report)?["rounds"].clone();
        check(rounds.as_array().map_or(0, Vec::len) == 3, windows, &report)?;
        let after = self.succeed(&["policy", "show"])?;
        check(before["policy"] == after["policy"], "the policy", &after)
    }

    fn uninstall(&self) -> Result<()> {
        self.succeed_with("uninstall", "uninstalled")?;
        self.succeed_with("uninstall", "unchanged")?;
        let image = self.system32().join("drivers/ringcopy.sys");
        check(!image.exists(), "uninstall", "the image is still there")?;
        let key = r"HKLM\SYSTEM\CurrentControlSet\Services\ringcopy";
        let found = self.wine(&["reg", "query", key, "/s"])?;
        check(!found.succeeded, "uninstall", &found.text)
    }

    /// Runs a program in Wine.
    fn wine(&self, arguments: &[&str]) -> Result<Finished> {
        let (out, err) = (self.session.log("out.log"), self.session.log("err.log"));
        let mut command = program::named("timeout");
        self.session.set_environment(&mut command);
        command
            .args(["--kill-after=5", TIME_LIMIT, "wine"])
            .args(arguments);
        let status = program::status_into(&mut command, &out, &err)?;
        let text = read(&out)?;
        Ok(Finished {
            succeeded: status.success(),
            document: serde_json::from_str(&text).unwrap_or_default(),
            text: text + &read(&err)?,
        })
    }

    /// Runs a command of the client, from the package.
    fn client(&self, command: &[&str]) -> Result<Finished> {
        let program = self.package.join("ringcopy.exe").display().to_string();
        self.wine(&[&[program.as_str(), "--json"], command].concat())
    }

    /// Runs a command that has to succeed. Returns its document.
    fn succeed(&self, command: &[&str]) -> Result<Value> {
        let finished = self.client(command)?;
        check(finished.succeeded, &command.join(" "), &finished.text)?;
        Ok(finished.document)
    }

    /// Runs a command that has to succeed with this result.
    fn succeed_with(&self, command: &str, result: &str) -> Result<()> {
        let document = self.succeed(&[command])?;
        check(document["result"] == result, command, &document)
    }

    /// Runs a command that has to be refused with a sentence that contains `words`.
    fn refuse(&self, command: &[&str], words: &str) -> Result<()> {
        let finished = self.client(command)?;
        let error = finished.document["error"].as_str().unwrap_or_default();
        check(
            !finished.succeeded && error.contains(words),
            &command.join(" "),
            &finished.text,
        )
    }
}

fn read(path: &Path) -> Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned())
}

fn check<T: Display + ?Sized>(good: bool, what: &str, found: &T) -> Result<()> {
    if !good {
        bail!("{what}, under Wine, failed:\n{found}");
    }
    Ok(())
}

/// Adds the output of driver and framework to an error.
fn with_output(error: &anyhow::Error, log: &str) -> anyhow::Error {
    let lines = log.lines().filter(|line| line.contains("debugstr"));
    let lines: String = lines.flat_map(|line| ["\n", line]).collect();
    anyhow!("{error:#}{lines}")
}

fn print_matrix(matrix: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    println!("The driver through Wine's I/O manager:");
    for case in matrix["cases"].as_array().into_iter().flatten() {
        let line = format!(
            "  {:<52} {:<8} {}",
            text(&case["name"]),
            text(&case["outcome"]),
            text(&case["detail"])
        );
        println!("{}", line.trim_end());
    }
}
