//! The virtual machine: a QEMU process, its memory as a file, its log.

use std::{
    env,
    fs::{self, File},
    io::{self, Write},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{LabError, Options, archive, folder::Folder, log::Log};

/// Names the QEMU to start, if it is not the one on the path.
const QEMU: &str = "RINGCOPY_QEMU";

/// How long a machine that was asked to stop, or to say where it hangs, may take to do so.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// A running virtual machine; killed when dropped.
#[derive(Debug)]
pub(crate) struct Machine {
    child: Child,
    log: Log,
    /// Needed until QEMU has opened what is in it.
    folder: Option<Folder>,
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
        // Both are there: they were asked to be pipes.
        let log = match child.stdout.take() {
            Some(port) => Log::gather(port, echo),
            None => Log::gather(io::empty(), echo),
        };
        let machine = Self {
            child,
            log,
            folder: Some(folder),
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

    /// An error if the machine has come to its end.
    pub(crate) fn check(&mut self) -> Result<(), LabError> {
        let ended = self.child.try_wait()?;
        ended.map_or(Ok(()), |status| Err(self.stopped(status)))
    }

    /// Gives the machine up: has it say where it hangs, and stops it.
    pub(crate) fn give_up(&mut self, waited: Duration) -> LabError {
        // The monitor shares the serial port: this key sequence switches to it.
        let asked = self.child.stdin.as_mut().is_some_and(|port| {
            port.write_all(b"\x01cnmi\n")
                .and_then(|()| port.flush())
                .is_ok()
        });
        if asked && let Ok(Some(status)) = self.wait(LAST_WORDS) {
            return self.stopped(status);
        }
        LabError::Silent {
            waited,
            log: self.log.tail(),
        }
    }

    /// Waits for the machine to end by itself.
    pub(crate) fn join(&mut self, patience: Duration) -> Result<ExitStatus, LabError> {
        match self.wait(patience)? {
            Some(status) => {
                self.log.close();
                Ok(status)
            }
            None => Err(self.give_up(patience)),
        }
    }

    fn wait(&mut self, patience: Duration) -> io::Result<Option<ExitStatus>> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if start.elapsed() > patience {
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn stopped(&mut self, status: ExitStatus) -> LabError {
        self.log.close();
        LabError::Stopped {
            reason: self
                .log
                .bugcheck()
                .unwrap_or_else(|| meaning(status).to_owned()),
            log: self.log.tail(),
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // A child that has ended cannot be killed, which is as well.
        drop(self.child.kill());
        drop(self.child.wait());
        self.log.close();
    }
}

/// What QEMU exits with: all is well.
pub(crate) const EXIT_DONE: i32 = 33;
/// An image could not be loaded.
const EXIT_IMAGE: i32 = 35;
/// The driver left something behind.
const EXIT_LEAK: i32 = 37;
/// The driver's entry point failed.
const EXIT_ENTRY: i32 = 39;
/// The driver broke a rule.
const EXIT_BUGCHECK: i32 = 65;
/// The machine reset, which it does for a fault that nobody handles.
const EXIT_RESET: i32 = 0;
/// The lab itself is broken.
const EXIT_DEFECT: i32 = 97;

/// What an exit of QEMU says about the driver.
pub(crate) fn meaning(status: ExitStatus) -> &'static str {
    match status.code() {
        Some(EXIT_DONE) => "it was done",
        Some(EXIT_IMAGE) => "an image could not be loaded",
        Some(EXIT_LEAK) => "the driver left something behind",
        Some(EXIT_ENTRY) => "the driver's entry point failed",
        Some(EXIT_BUGCHECK) => "bugcheck",
        Some(EXIT_RESET) => "a triple fault",
        Some(EXIT_DEFECT) => "a defect of the lab's own",
        Some(_) => "QEMU failed",
        None => "QEMU was killed",
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
        .args(["-display", "none", "-nodefaults", "-no-reboot"])
        .arg("-object")
        .arg(format!(
            "memory-backend-file,id=ram,size={}M,share=on,mem-path={}",
            options.memory,
            option_value(memory)
        ))
        .args(["-machine", "memory-backend=ram"])
        .args(["-chardev", "stdio,id=port,mux=on,signal=off"])
        .args(["-serial", "chardev:port", "-mon", "chardev=port"])
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
        .stderr(Stdio::inherit());
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
