//! The virtual machine: a QEMU process, the file of its memory, and its log.

use std::{
    env,
    fs::{self, File},
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    Counted, LabError, Options, archive, control::Control, end::End, folder::Folder, log::Log,
};

/// The QEMU to start instead of the one on the path.
const QEMU: &str = "RINGCOPY_QEMU";

/// The time that a machine gets to print where it hangs.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// A running virtual machine; killed when dropped.
#[derive(Debug)]
pub(crate) struct VirtualMachine {
    child: Child,
    /// Kills QEMU if this process is killed.
    guard: Child,
    control: Control,
    log: Log,
    /// Kept until QEMU has opened the files in it.
    folder: Option<Folder>,
    interrupted: Arc<AtomicBool>,
    gone: bool,
}

impl VirtualMachine {
    /// Starts QEMU. Returns the machine and the file of its memory.
    pub(crate) fn start(
        options: &Options,
        echo: impl FnMut(&str) + Send + 'static,
    ) -> Result<(Self, File), LabError> {
        let folder = Folder::create()?;
        let memory = folder.path().join("memory");
        let bytes = options.memory << 20;
        let file = create_memory(&memory, bytes).map_err(LabError::file(&memory))?;
        let images = folder.path().join("images");
        fs::write(&images, archive::build(&options.images)?).map_err(LabError::file(&images))?;
        File::open(&options.kernel).map_err(LabError::file(&options.kernel))?;
        let program = env::var(QEMU).unwrap_or_else(|_| "qemu-system-x86_64".into());
        let mut child = command(&program, options, &memory, &images)
            .spawn()
            .map_err(|error| LabError::NoQemu { program, error })?;
        let guard = guard(child.id()).inspect_err(|_| drop(child.kill()))?;
        let log = match child.stderr.take() {
            Some(port) => Log::gather(port, echo),
            None => Log::gather(io::empty(), echo),
        };
        let control = Control::begin(child.stdin.take(), child.stdout.take());
        let machine = Self {
            child,
            guard,
            control,
            log,
            folder: Some(folder),
            interrupted: Arc::clone(&options.interrupted),
            gone: false,
        };
        Ok((machine, file))
    }

    /// Deletes the files' names. To be called once the guest runs: QEMU has the files open.
    pub(crate) fn forget_files(&mut self) {
        self.folder = None;
    }

    pub(crate) const fn log(&self) -> &Log {
        &self.log
    }

    /// Returns the number of the QEMU process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Whether an error has said that the machine ended or no longer replies.
    pub(crate) const fn is_gone(&self) -> bool {
        self.gone
    }

    /// Returns an error if the user has interrupted the lab.
    pub(crate) fn go_on(&mut self) -> Result<(), LabError> {
        if self.interrupted.load(Ordering::Relaxed) {
            self.gone = true;
            return Err(LabError::Interrupted);
        }
        Ok(())
    }

    /// Returns an error if the machine has ended, or the user has interrupted the lab.
    pub(crate) fn check(&mut self) -> Result<(), LabError> {
        self.go_on()?;
        let ended = self.child.try_wait()?;
        ended.map_or(Ok(()), |status| Err(self.stopped(status)))
    }

    /// Gives up on the machine: lets it print where it hangs, and stops it.
    pub(crate) fn give_up(&mut self, waited: Duration) -> LabError {
        self.gone = true;
        let asked = self.control.interrupt_processors().is_ok();
        match self.wait(LAST_WORDS) {
            Ok(Some(status)) if asked => self.stopped(status),
            Err(LabError::Interrupted) => LabError::Interrupted,
            _ => LabError::Silent {
                waited,
                log: self.log.tail(),
            },
        }
    }

    /// Waits until the machine has done everything and ends.
    pub(crate) fn join(&mut self, patience: Duration) -> Result<(), LabError> {
        let Some(status) = self.wait(patience)? else {
            return Err(self.give_up(patience));
        };
        let reason = self.control.reason();
        self.log.close();
        match End::of(status, reason.as_deref()) {
            End::Done => Ok(()),
            _ => Err(self.stopped(status)),
        }
    }

    fn wait(&mut self, patience: Duration) -> Result<Option<ExitStatus>, LabError> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            self.go_on()?;
            if start.elapsed() > patience {
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Returns the error for a machine that ended too early.
    fn stopped(&mut self, status: ExitStatus) -> LabError {
        self.gone = true;
        let reason = self.control.reason();
        self.log.close();
        let log = self.log.tail();
        let reason = match End::of(status, reason.as_deref()) {
            End::Interrupted => return LabError::Interrupted,
            End::Failed(reason) => return LabError::QemuFailed { reason, log },
            End::Done => "it was done".into(),
            End::Stopped(reason) => reason,
        };
        LabError::Stopped {
            reason: self.log.bugcheck().unwrap_or(reason),
            log,
        }
    }
}

impl Drop for VirtualMachine {
    fn drop(&mut self) {
        // Killing a child that has ended fails, which is no error here.
        for child in [&mut self.child, &mut self.guard] {
            drop(child.kill());
            drop(child.wait());
        }
        drop(self.control.reason());
        self.log.close();
    }
}

/// Starts a process that kills QEMU when this process ends without dropping the machine: then the
/// pipe that it reads is closed. It has a process group of its own, so that Ctrl-C does not end it
/// first.
fn guard(qemu: u32) -> io::Result<Child> {
    Command::new("sh")
        .args(["-c", "read -r _; kill -KILL \"$0\"", &qemu.to_string()])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

fn create_memory(path: &Path, bytes: u64) -> io::Result<File> {
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)?;
    file.set_len(bytes)?;
    Ok(file)
}

/// Converts a path to an option's value. A comma ends a value, and two commas stand for one ("QEMU
/// User Documentation", "Invocation", `-device`).
fn option_value(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

fn command(program: &str, options: &Options, memory: &Path, images: &Path) -> Command {
    let (accelerator, processor) = match options.accelerator.as_str() {
        // Instructions can be counted in one thread only.
        _ if options.counted == Counted::All => ("tcg,thread=single", "max"),
        // In one thread, the processor that copies would starve the one that interferes with it.
        "tcg" => ("tcg,thread=multi", "max"),
        other => (other, "host"),
    };
    let mut command = Command::new(program);
    if options.counted == Counted::All {
        // One instruction, one nanosecond, one tick.
        command.args(["-icount", "shift=0"]);
    }
    command
        .args(["-M", "q35", "-accel", accelerator, "-cpu", processor])
        .args(["-m", &options.memory.to_string()])
        .args(["-smp", &options.running_processors().to_string()])
        .args(["-display", "none", "-nodefaults", "-no-reboot", "-S"])
        .arg("-object")
        .arg(format!(
            "memory-backend-file,id=ram,size={}M,share=on,mem-path={}",
            options.memory,
            option_value(memory)
        ))
        .args(["-machine", "memory-backend=ram"])
        .args(["-chardev", "stdio,id=control,signal=off"])
        .args(["-mon", "chardev=control,mode=control"])
        // QEMU's own messages are in the log, too.
        .args(["-chardev", "file,id=port,path=/proc/self/fd/2"])
        .args(["-serial", "chardev:port"])
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"])
        // A device whose memory must not be read. Nothing uses it.
        .args(["-device", "edu"])
        .arg("-kernel")
        .arg(&options.kernel)
        .arg("-initrd")
        .arg(images)
        .args(["-append", &options.command_line()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_in_a_path_is_doubled() {
        let memory = Path::new("/tmp/one, two & Übung/memory");
        let options = Options::new("/kernel", []);
        let command = command("qemu", &options, memory, Path::new("/images"));
        let words: Vec<_> = command.get_args().collect();
        assert!(
            words.iter().any(|word| word
                .to_string_lossy()
                .ends_with(",mem-path=/tmp/one,, two & Übung/memory")),
            "{words:?}"
        );
    }
}
