//! The virtual machine: a QEMU process, its memory as a file, its log.

use std::{
    env,
    fs::{self, File},
    io,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{LabError, Options, archive, control::Control, end::End, folder::Folder, log::Log};

/// Names the QEMU to start, if it is not the one on the path.
const QEMU: &str = "RINGCOPY_QEMU";

/// How long a machine that was asked to stop, or to say where it hangs, may take to do so.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// A running virtual machine; killed when dropped.
#[derive(Debug)]
pub(crate) struct Machine {
    child: Child,
    control: Control,
    log: Log,
    /// Needed until QEMU has opened what is in it.
    folder: Option<Folder>,
    interrupted: Arc<AtomicBool>,
    gone: bool,
}

impl Machine {
    /// Starts QEMU; gives the machine and the file that is its memory.
    pub(crate) fn start(
        options: &Options,
        mode: &str,
        echo: impl FnMut(&str) + Send + 'static,
    ) -> Result<(Self, File), LabError> {
        let folder = Folder::create()?;
        let memory = folder.path().join("memory");
        let bytes = options.memory << 20;
        let file = create_memory(&memory, bytes).map_err(|error| LabError::File {
            path: memory.clone(),
            error,
        })?;
        let images = folder.path().join("images");
        fs::write(&images, archive::build(&options.images)?).map_err(|error| LabError::File {
            path: images.clone(),
            error,
        })?;
        if let Err(error) = File::open(&options.kernel) {
            return Err(LabError::File {
                path: options.kernel.clone(),
                error,
            });
        }
        let program = env::var(QEMU).unwrap_or_else(|_| "qemu-system-x86_64".into());
        let mut child = command(&program, options, mode, &memory, &images)
            .spawn()
            .map_err(|error| LabError::NoQemu { program, error })?;
        // All are there: they were asked to be pipes.
        let log = match child.stderr.take() {
            Some(port) => Log::gather(port, echo),
            None => Log::gather(io::empty(), echo),
        };
        let control = Control::begin(child.stdin.take(), child.stdout.take());
        let machine = Self {
            child,
            control,
            log,
            folder: Some(folder),
            interrupted: Arc::clone(&options.interrupted),
            gone: false,
        };
        Ok((machine, file))
    }

    /// To be called once the guest runs: QEMU has its files open, so they need no names.
    pub(crate) fn forget_files(&mut self) {
        self.folder = None;
    }

    pub(crate) const fn log(&self) -> &Log {
        &self.log
    }

    /// QEMU's.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Whether an error has told already that the machine is gone, or will never answer.
    pub(crate) const fn is_gone(&self) -> bool {
        self.gone
    }

    /// An error if the user does not want to wait.
    pub(crate) fn go_on(&mut self) -> Result<(), LabError> {
        if self.interrupted.load(Ordering::Relaxed) {
            self.gone = true;
            return Err(LabError::Interrupted);
        }
        Ok(())
    }

    /// An error if the machine has come to its end, or the user does not want to wait.
    pub(crate) fn check(&mut self) -> Result<(), LabError> {
        self.go_on()?;
        let ended = self.child.try_wait()?;
        ended.map_or(Ok(()), |status| Err(self.stopped(status)))
    }

    /// Gives the machine up: has it say where it hangs, and stops it.
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

    /// Waits for the machine to end by itself, with all done that it was asked for.
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

    /// Why a machine that has ended should not have.
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

impl Drop for Machine {
    fn drop(&mut self) {
        // A child that has ended cannot be killed, which is as well.
        drop(self.child.kill());
        drop(self.child.wait());
        drop(self.control.reason());
        self.log.close();
    }
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

/// A path as the value of one of several options in an argument, where a comma ends a value unless
/// there are two ("QEMU User Documentation", "Invocation", `-device`).
fn option_value(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

fn command(program: &str, options: &Options, mode: &str, memory: &Path, images: &Path) -> Command {
    let (accelerator, processor) = match options.accelerator.as_str() {
        // Counted instructions are those of one thread.
        _ if options.icount => ("tcg,thread=single", "max"),
        // With one thread for all of them, the processor that copies would starve the one that is
        // to interfere with it.
        "tcg" => ("tcg,thread=multi", "max"),
        other => (other, "host"),
    };
    let mut command = Command::new(program);
    if options.icount {
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
        // What QEMU itself has to say belongs to the log as well.
        .args(["-chardev", "file,id=port,path=/proc/self/fd/2"])
        .args(["-serial", "chardev:port"])
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"])
        // A device whose memory must not be read: all that is asked of it is to be there.
        .args(["-device", "edu"])
        .arg("-kernel")
        .arg(&options.kernel)
        .arg("-initrd")
        .arg(images)
        .args(["-append", &options.command_line(mode)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_a_comma_in_the_memorys_path_is_no_end_of_it() {
        let memory = Path::new("/tmp/one, two & Übung/memory");
        let options = Options::new("/kernel", []);
        let command = command("qemu", &options, "serve", memory, Path::new("/images"));
        let words: Vec<_> = command.get_args().collect();
        assert!(
            words.iter().any(|word| word
                .to_string_lossy()
                .ends_with(",mem-path=/tmp/one,, two & Übung/memory")),
            "{words:?}"
        );
    }
}
