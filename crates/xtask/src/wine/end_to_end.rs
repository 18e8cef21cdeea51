//! The driver and the Windows client, as a user has them, through Wine's service manager and I/O
//! manager: installed, loaded, driven, put under a pretended Driver Verifier, uninstalled.

use super::Session;
use crate::{error::Error, places, program, setup, step::Step, windows_programs};
use serde_json::Value;
use std::{
    fmt::Display,
    fs,
    path::{Path, PathBuf},
};

/// How often the pretended Verifier's test loads and unloads the driver: fewer than on Windows,
/// where a load takes less time.
const LOADS: &str = "10";

/// No program takes so long, in seconds, unless it hangs.
const PATIENCE: &str = "600";

/// Has Wine start the program beside it as Windows does by "Run as administrator". From version 10
/// on, Wine's programs have no administrator's rights unless a manifest asks for them, and the
/// package's have none: most of the client's commands need no such rights.
const AS_ADMINISTRATOR: &str = include_str!("as_administrator.manifest");

/// What the self-test said in Wine, for the comparison with the lab.
pub fn selftest_record() -> PathBuf {
    places::target().join("wine/selftest.json")
}

/// Runs it all with a package and a framework to load its driver, and prints the transport matrix.
///
/// # Errors
///
/// What is missing, or what did not come out as it should; with what the driver printed.
pub fn run(package: &Path, framework: &Path) -> Result<(), Error> {
    setup::for_wine()?;
    let package = stage(package)?;
    let bench = Bench {
        session: Session::start()?,
        package,
    };
    let step = Step::start("driving the driver in Wine");
    let done = bench
        .put_in_place(framework)
        .and_then(|()| bench.all(&step));
    let printed = fs::read_to_string(bench.session.log("boot.log")).unwrap_or_default();
    drop(bench);
    let matrix = done.map_err(|error| with_prints(error, &printed))?;
    step.done();
    print_matrix(&matrix);
    Ok(())
}

/// Puts the package, and the programs that stand for other people's, into one folder.
fn stage(package: &Path) -> Result<PathBuf, Error> {
    let step = Step::start("building the transport matrix for Windows");
    program::run(
        &step,
        windows_programs::cargo("build", windows_programs::PROFILE)?
            .args(["--package", "ringcopy-wine"]),
    )?;
    step.done();

    let folder = places::target().join("wine/package");
    fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    for entry in fs::read_dir(package).map_err(Error::file(package))? {
        let entry = entry.map_err(Error::file(package))?;
        copy(&entry.path(), &folder.join(entry.file_name()))?;
    }
    for name in ["ringcopy-matrix.exe", "verifier.exe"] {
        copy(&windows_programs::built(name), &folder.join(name))?;
    }
    for name in ["ringcopy.exe.manifest", "ringcopy-matrix.exe.manifest"] {
        let manifest = folder.join(name);
        fs::write(&manifest, AS_ADMINISTRATOR).map_err(Error::file(&manifest))?;
    }
    Ok(folder)
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::copy(from, to).map(drop).map_err(Error::file(from))
}

struct Bench {
    session: Session,
    package: PathBuf,
}

/// What a command came to.
struct Outcome {
    succeeded: bool,
    document: Value,
    text: String,
}

impl Bench {
    fn system32(&self) -> PathBuf {
        self.session.prefix.path().join("drive_c/windows/system32")
    }

    /// What Windows has, and Wine lacks: the framework, and a `verifier.exe`.
    fn put_in_place(&self, framework: &Path) -> Result<(), Error> {
        copy(framework, &self.system32().join("drivers/WDFLDR.SYS"))?;
        let verifier = self.system32().join("verifier.exe");
        copy(&self.package.join("verifier.exe"), &verifier)
    }

    fn all(&self, step: &Step) -> Result<Value, Error> {
        // An earlier run may have come to an early end.
        self.client(&["stop"])?;
        self.client(&["uninstall"])?;
        step.detail("installing");
        self.refuse(&["start"], "ringcopy install")?;
        self.refuse_foreign_service()?;
        self.install()?;
        step.detail("self-test");
        self.take("start", "started")?;
        self.take("start", "unchanged")?;
        self.selftest()?;
        step.detail("transport matrix");
        let matrix = self.matrix()?;
        step.detail("under a pretended Driver Verifier");
        self.vm_test()?;
        step.detail("uninstalling");
        self.uninstall()?;
        Ok(matrix)
    }

    fn install(&self) -> Result<(), Error> {
        self.take("install", "installed")?;
        self.take("install", "unchanged")?;
        let image = self.system32().join("drivers/ringcopy.sys");
        let installed = fs::read(&image).map_err(Error::file(&image))?;
        let package = self.package.join("ringcopy.sys");
        let packed = fs::read(&package).map_err(Error::file(&package))?;
        check(
            installed == packed,
            "install",
            "the image is not the package's",
        )?;
        let set = self.good(&["policy", "set", "--reach", "all"])?;
        check(set["policy"]["physical"] == true, "policy set", &set)
    }

    /// A service of the same name with another image is nobody's to touch.
    fn refuse_foreign_service(&self) -> Result<(), Error> {
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

    fn selftest(&self) -> Result<(), Error> {
        let information = self.good(&["info"])?;
        let reach = &information["information"]["reach"];
        check(
            reach.as_array().is_some_and(|reach| reach.len() == 2),
            "info",
            reach,
        )?;
        let document = self.good(&["selftest"])?;
        let passed = document["counts"]["passed"].as_u64().unwrap_or_default();
        check(passed > 0, "selftest", &document)?;
        let record = selftest_record();
        fs::write(&record, document.to_string()).map_err(Error::file(&record))?;
        // Doctor finds Wine's test signing off, and rightly.
        let doctor = self.client(&["doctor"])?;
        let checks = doctor.document["checks"].as_array().map_or(0, Vec::len);
        check(checks > 8, "doctor", &doctor.text)
    }

    fn matrix(&self) -> Result<Value, Error> {
        let program = self
            .package
            .join("ringcopy-matrix.exe")
            .display()
            .to_string();
        let outcome = self.wine(&[&program])?;
        check(outcome.succeeded, "the transport matrix", &outcome.text)?;
        Ok(outcome.document)
    }

    fn vm_test(&self) -> Result<(), Error> {
        let folder = places::target().join("wine/report");
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        let place = folder.display().to_string();
        let command = ["vm-test", "--loads", LOADS, "--folder", &place];
        self.client(&["stop"])?;
        for restart in ["the first round", "the second round"] {
            let waiting = self.good(&command)?;
            check(waiting["state"] == "restart", restart, &waiting)?;
            let again = self.good(&command)?;
            check(again["state"] == "restart", "without a restart", &again)?;
            self.session.restart()?;
        }
        let done = self.client(&command)?;
        let report = folder.join("ringcopy-vm-test.json");
        let text = fs::read_to_string(&report).unwrap_or_default();
        check(
            done.succeeded && done.document["passed"] == true,
            "vm-test",
            &format!("{}\n{text}", done.text),
        )
    }

    fn uninstall(&self) -> Result<(), Error> {
        self.take("uninstall", "uninstalled")?;
        self.take("uninstall", "unchanged")?;
        let image = self.system32().join("drivers/ringcopy.sys");
        check(!image.exists(), "uninstall", "the image is still there")?;
        let key = r"HKLM\SYSTEM\CurrentControlSet\Services\ringcopy";
        let found = self.wine(&["reg", "query", key, "/s"])?;
        check(!found.succeeded, "uninstall", &found.text)
    }

    /// Runs a program in Wine.
    fn wine(&self, arguments: &[&str]) -> Result<Outcome, Error> {
        let (out, err) = (self.session.log("out.log"), self.session.log("err.log"));
        let mut command = program::named("timeout");
        self.session.set_environment(&mut command);
        command
            .args(["--kill-after=5", PATIENCE, "wine"])
            .args(arguments);
        let succeeded = match program::run_into(&mut command, &out, &err) {
            Ok(()) => true,
            Err(Error::Failed { .. }) => false,
            Err(error) => return Err(error),
        };
        let text = read(&out)?;
        Ok(Outcome {
            succeeded,
            document: serde_json::from_str(&text).unwrap_or_default(),
            text: text + &read(&err)?,
        })
    }

    /// Runs a command of the client, from the package.
    fn client(&self, command: &[&str]) -> Result<Outcome, Error> {
        let program = self.package.join("ringcopy.exe").display().to_string();
        self.wine(&[&[program.as_str(), "--json"], command].concat())
    }

    /// One that has to succeed. Gives its document.
    fn good(&self, command: &[&str]) -> Result<Value, Error> {
        let outcome = self.client(command)?;
        check(outcome.succeeded, &command.join(" "), &outcome.text)?;
        Ok(outcome.document)
    }

    /// One that has to succeed with this result.
    fn take(&self, command: &str, result: &str) -> Result<(), Error> {
        let document = self.good(&[command])?;
        check(document["result"] == result, command, &document)
    }

    /// One that has to be refused with a sentence that holds these words.
    fn refuse(&self, command: &[&str], words: &str) -> Result<(), Error> {
        let outcome = self.client(command)?;
        let error = outcome.document["error"].as_str().unwrap_or_default();
        check(
            !outcome.succeeded && error.contains(words),
            &command.join(" "),
            &outcome.text,
        )
    }
}

fn read(path: &Path) -> Result<String, Error> {
    let bytes = fs::read(path).map_err(Error::file(path))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn check<T: Display + ?Sized>(good: bool, what: &str, found: &T) -> Result<(), Error> {
    if good {
        return Ok(());
    }
    Err(Error::Failed {
        program: format!("{what}, under Wine"),
        output: found.to_string(),
    })
}

/// A failure, and what driver and framework printed before it.
fn with_prints(error: Error, printed: &str) -> Error {
    match error {
        Error::Failed {
            program,
            mut output,
        } => {
            for line in printed.lines().filter(|line| line.contains("debugstr")) {
                output.push('\n');
                output.push_str(line);
            }
            Error::Failed { program, output }
        }
        error => error,
    }
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
