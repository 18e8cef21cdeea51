//! Guests that are not Windows: processes that behave on the serial port as `ringcopy guest` does, or as
//! a broken machine does.

use crate::{paths, program, role};
use clap::ValueEnum;
use ringcopy_guest_protocol::{
    Bytes, Command, File, FileName, Hello, Last, Outcome, Received, Receiver, State, ToGuest,
    ToHost, VERSION, encode,
};
use std::{
    env,
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    process::{self, ExitCode},
};

/// What a guest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Behaviour {
    /// All that it is asked to, with two restarts in `vm-test`
    Good,
    /// Nothing, though it runs
    Silent,
    /// Another version of the protocol
    OtherVersion,
    /// Reports that `vm-test` found a defect
    Finds,
    /// Stops in `vm-test`, and does not start again
    Dies,
    /// Stops in `vm-test`, and starts again without a result
    Loses,
    /// Restarts in `vm-test` for ever
    Restarts,
    /// Prints for ever in `vm-test`
    Prints,
    /// Sends garbage beside its messages
    Garbles,
    /// Sends garbage alone, for ever
    Babbles,
    /// Has files that would fill the disk
    Fills,
    /// Ends before its serial port is open
    NoStart,
}

/// Returns the command that starts a guest, which opens the socket as its serial port.
pub fn command(behaviour: Behaviour, socket: &Path) -> process::Command {
    let name = behaviour
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned());
    let mut command = program::named(paths::this_program());
    command.arg(name).arg(socket);
    role::stand_in(&mut command);
    command
}

/// Is the guest. The arguments are those of [`command`].
pub fn play() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let behaviour = arguments
        .next()
        .and_then(|name| Behaviour::from_str(name.to_str()?, false).ok());
    let (Some(behaviour), Some(socket)) = (behaviour, arguments.next()) else {
        return ExitCode::FAILURE;
    };
    if behaviour == Behaviour::NoStart {
        eprintln!("no such disk");
        return ExitCode::FAILURE;
    }
    let ran = UnixStream::connect(socket).and_then(|serial| {
        Guest {
            serial,
            behaviour,
            last: None,
        }
        .run()
    });
    // The host ends the conversation when it has seen enough.
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// The files of a good guest.
const FILES: [(&str, &[u8]); 2] = [
    (
        "ringcopy-vm-test.txt",
        b"a stand-in has no driver to test\n",
    ),
    ("ringcopy-vm-test.json", b"{}\n"),
];

struct Guest {
    serial: UnixStream,
    behaviour: Behaviour,
    last: Option<Last>,
}

impl Guest {
    fn run(&mut self) -> io::Result<()> {
        match self.behaviour {
            Behaviour::Silent => return self.listen(|_, _| Ok(true)),
            Behaviour::Babbles => loop {
                self.serial.write_all(b"\x01garbage \x01 1 2 3\r\n\xFF\n")?;
            },
            Behaviour::Garbles => self
                .serial
                .write_all(b"SeaBIOS\r\n\x01\x0112 0 {}\n\x1B[2J")?,
            _ => {}
        }
        self.hello()?;
        self.listen(Self::reply)
    }

    /// Reads messages until one ends the guest, or the host is gone.
    fn listen(
        &mut self,
        mut reply: impl FnMut(&mut Self, ToGuest) -> io::Result<bool>,
    ) -> io::Result<()> {
        let (mut receiver, mut bytes) = (Receiver::new(), [0; 4096]);
        loop {
            let length = self.serial.read(&mut bytes)?;
            if length == 0 {
                return Ok(());
            }
            for received in receiver.receive(bytes.get(..length).unwrap_or_default()) {
                if let Received::Message(message) = received
                    && !reply(self, message)?
                {
                    return Ok(());
                }
            }
        }
    }

    /// Replies to a message. Returns whether the guest goes on.
    fn reply(&mut self, message: ToGuest) -> io::Result<bool> {
        match message {
            ToGuest::Greet => self.hello()?,
            ToGuest::Run { number, command } => return self.run_command(number, command),
            ToGuest::List => {
                let files = self.files();
                self.send(&ToHost::Files(files))?;
            }
            ToGuest::Read { name, offset } => self.read(name, offset)?,
            ToGuest::ShutDown => {
                self.send(&ToHost::ShuttingDown)?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn run_command(&mut self, number: u32, command: Command) -> io::Result<bool> {
        let mut last = Last {
            number,
            command,
            state: State::Running,
        };
        self.last = Some(last);
        self.send(&ToHost::Started { number })?;
        let mut outcome = Outcome::Exit(0);
        if matches!(command, Command::VmTest { .. }) {
            match self.behaviour {
                Behaviour::Dies => return Ok(false),
                Behaviour::Finds => {
                    self.output(number, 0, "FOUND: a leak of 16 bytes\n")?;
                    outcome = Outcome::Exit(1);
                }
                Behaviour::Loses => {
                    last.state = State::Ended(Outcome::Lost);
                    self.last = Some(last);
                    self.hello()?;
                    return Ok(true);
                }
                Behaviour::Restarts => loop {
                    self.restart(number)?;
                },
                Behaviour::Prints => {
                    for offset in (0..).step_by(1024) {
                        self.output(number, offset, &"x".repeat(1024))?;
                    }
                }
                _ => {
                    self.restart(number)?;
                    self.restart(number)?;
                }
            }
        }
        if self.behaviour == Behaviour::Garbles {
            self.serial
                .write_all(b"\x01\x0199999 00000000 {}\nnoise\r\n")?;
        }
        self.output(
            number,
            0,
            &format!("{command:?} was not carried out: this is a stand-in\n"),
        )?;
        last.state = State::Ended(outcome);
        self.last = Some(last);
        self.send(&ToHost::Ended { number, outcome })?;
        Ok(true)
    }

    fn restart(&mut self, number: u32) -> io::Result<()> {
        self.send(&ToHost::Restarting { number })?;
        self.serial
            .write_all(b"SeaBIOS\r\nBooting from Hard Disk...\r\n")?;
        self.hello()?;
        self.send(&ToHost::Started { number })
    }

    fn files(&self) -> Vec<File> {
        let lengths: Vec<(&str, u64)> = if self.behaviour == Behaviour::Fills {
            vec![("MEMORY.DMP", u64::MAX), ("ringcopy-vm-test.txt", 1 << 20)]
        } else {
            FILES
                .iter()
                .map(|(name, bytes)| (*name, bytes.len() as u64))
                .collect()
        };
        lengths
            .into_iter()
            .filter_map(|(name, length)| {
                let name = FileName::try_from(name.to_owned()).ok()?;
                Some(File { name, length })
            })
            .collect()
    }

    /// A file that fills the disk has always more bytes.
    fn read(&mut self, name: FileName, offset: u64) -> io::Result<()> {
        let rest = FILES
            .iter()
            .find(|(file, _)| *file == name.as_str())
            .and_then(|(_, bytes)| bytes.get(usize::try_from(offset).ok()?..));
        let bytes = if self.behaviour == Behaviour::Fills {
            vec![0; ringcopy_guest_protocol::DATA_LIMIT]
        } else {
            rest.unwrap_or_default().to_vec()
        };
        self.send(&ToHost::Data {
            name,
            offset,
            length: offset + bytes.len() as u64,
            bytes: Bytes(bytes),
        })
    }

    fn output(&mut self, number: u32, offset: u64, text: &str) -> io::Result<()> {
        let text = text.to_owned();
        self.send(&ToHost::Output {
            number,
            offset,
            text,
        })
    }

    fn hello(&mut self) -> io::Result<()> {
        let hello = Hello {
            version: match self.behaviour {
                Behaviour::OtherVersion => VERSION + 1,
                _ => VERSION,
            },
            client: "stand-in".to_owned(),
            windows: [0, 0, 0],
            starts: 1,
            last: self.last,
        };
        self.send(&ToHost::Hello(hello))
    }

    fn send(&mut self, message: &ToHost) -> io::Result<()> {
        let frame = encode(message).map_err(io::Error::other)?;
        self.serial.write_all(&frame)
    }
}
