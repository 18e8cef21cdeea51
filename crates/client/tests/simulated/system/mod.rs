//! A simulated Windows system: a service manager, a registry, an image, and a `verifier.exe`.

#![allow(dead_code, reason = "every test program uses another part of it")]
#![allow(
    unreachable_pub,
    reason = "a test program has no other visibility to offer"
)]

#[path = "../verifier/mod.rs"]
mod verifier;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

use ringcopy_client::{
    machine::{
        Facts, KernelMemory, ProgramOutput, Service, State, System, SystemError, TraceFile,
        TraceRecord,
    },
    protocol::{MemoryRange, NtStatus},
};
use sha1::{Digest, Sha1};
pub use verifier::Verifier;

pub const PLACE: &str = r"C:\Windows\System32\drivers\ringcopy.sys";

/// The state that an installation can change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    pub service: Option<String>,
    pub running: bool,
    pub parameters: BTreeMap<String, u32>,
    pub notes: BTreeMap<String, String>,
    pub image: Option<Vec<u8>>,
    /// The hashes of the certificates in each store.
    pub certificates: BTreeMap<String, Vec<String>>,
}

/// What another program does at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherProgram {
    None,
    /// It loads the driver just before the client does.
    LoadsIt,
    /// It has the device open, so the driver is not unloaded. The service manager then refuses
    /// further requests with this code.
    HasItOpen(u32),
    /// As above, after the driver was asked to unload.
    KeepsLoaded(u32),
}

pub struct SimulatedSystem {
    pub disk: Disk,
    /// The facts, without the uptime.
    pub facts: Facts,
    /// The time since the last start.
    pub uptime: Cell<Duration>,
    pub marked: bool,
    /// The folder of the package.
    pub package: Option<PathBuf>,
    /// Fails the change with this number from now on, with this code.
    pub fail: Option<(u32, u32)>,
    /// Raises Ctrl-C at the query with this number.
    pub interrupt_at: Cell<Option<u32>>,
    /// Ends a program with this argument by Ctrl-C.
    pub interrupted_program: Option<&'static str>,
    pub start_error: Option<u32>,
    pub other_program: OtherProgram,
    /// The number of loads that fail while Verifier lets allocations fail, and their code.
    pub short_starts: (u32, u32),
    /// The number of loads that succeed before those.
    pub good_starts: u32,
    /// Whether deleting the service fails.
    pub keeps_service: bool,
    pub ran: Vec<String>,
    /// Whether the machine is to restart, once it is to end.
    pub ends: Option<bool>,
    pub verifier: Verifier,
    /// Where memory of the kernel lies; nowhere if Windows does not say it.
    pub kernel_memory: Vec<MemoryRange>,
    /// The reach that the driver read from its settings at each load.
    pub reaches: Rc<RefCell<Vec<u32>>>,
    /// The number of loads.
    pub starts: u32,
    /// The uptimes at which the driver was loaded or failed to start.
    pub loaded_at: Vec<Duration>,
    /// Whether the driver is loaded, for its simulated client.
    pub loaded: Rc<Cell<bool>>,
    /// The file and the level of the session that collects events.
    pub session: Option<(PathBuf, u8)>,
    /// The events in every file.
    pub events: Vec<TraceRecord>,
}

impl Default for SimulatedSystem {
    fn default() -> Self {
        Self {
            disk: Disk::default(),
            facts: Facts {
                version: [10, 0, 22631],
                wine: None,
                elevated: Some(true),
                debug_privilege: Some(true),
                code_integrity: Ok(0x3),
                vbs_enabled: Some(false),
                secure_boot: Some(false),
                uptime: Duration::ZERO,
            },
            uptime: Cell::new(Duration::from_hours(1)),
            marked: false,
            package: None,
            fail: None,
            interrupt_at: Cell::new(None),
            interrupted_program: None,
            start_error: None,
            other_program: OtherProgram::None,
            short_starts: (0, 0),
            good_starts: 0,
            keeps_service: false,
            ran: Vec::new(),
            ends: None,
            verifier: Verifier {
                build: 22631,
                statistics: "MODULE: ringcopy.sys (load: 1 / unload: 1)\n  \
                             Current Pool Allocations:  (      0 /      0 )\n"
                    .into(),
                ..Verifier::default()
            },
            kernel_memory: vec![MemoryRange {
                base: 0xFFFF_8000_0000_0000,
                length: 0x1_0000,
            }],
            reaches: Rc::default(),
            starts: 0,
            loaded_at: Vec::new(),
            loaded: Rc::default(),
            session: None,
            events: Vec::new(),
        }
    }
}

fn error(action: &str, code: u32) -> SystemError {
    SystemError {
        action: action.into(),
        code,
        text: "as the test wants it".into(),
    }
}

/// certutil's exit code if no certificate has this hash.
const NTE_NOT_FOUND: i32 = 0x8009_0011_u32.cast_signed();

/// The exit code of a program that Ctrl-C ended.
const CONTROL_C_EXIT: i32 = 0xC000_013A_u32.cast_signed();

/// Returns the hash of a certificate, as certutil prints it.
pub fn hash_of(certificate: &[u8]) -> String {
    let bytes = Sha1::digest(certificate);
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    digits.collect::<Vec<_>>().concat()
}

impl SimulatedSystem {
    pub fn installed() -> Self {
        let mut model = Self::default();
        model.disk.service = Some(PLACE.into());
        model.disk.image = Some(b"MZ driver".to_vec());
        model
    }

    /// Restarts the machine.
    pub fn restart(&mut self) {
        self.marked = false;
        self.verifier.restart();
        self.disk.running = false;
        self.loaded.set(false);
        self.loaded_at.clear();
        self.interrupt_at.set(None);
        self.ends = None;
        self.session = None;
        self.uptime.set(Duration::ZERO);
    }

    /// Makes it a system of another build of Windows.
    pub const fn of_build(mut self, build: u32) -> Self {
        self.facts.version[2] = build;
        self.verifier.build = build;
        self
    }

    /// Adds a certificate to a store.
    pub fn add_certificate(&mut self, store: &str, hash: &str) {
        if !self.has_certificate(store, hash) {
            let certificates = self.disk.certificates.entry(store.into()).or_default();
            certificates.push(hash.into());
        }
    }

    pub fn has_certificate(&self, store: &str, hash: &str) -> bool {
        let certificates = self.disk.certificates.get(store);
        certificates.is_some_and(|all| all.iter().any(|certificate| certificate == hash))
    }

    fn change(&mut self, action: &str) -> Result<(), SystemError> {
        if let Some((left, code)) = &mut self.fail {
            if *left == 0 {
                let code = *code;
                self.fail = None;
                return Err(error(action, code));
            }
            *left -= 1;
        }
        Ok(())
    }
}

impl System for SimulatedSystem {
    fn facts(&mut self) -> Facts {
        Facts {
            uptime: self.uptime.get(),
            ..self.facts.clone()
        }
    }

    fn service(&mut self) -> Result<Option<Service>, SystemError> {
        Ok(self.disk.service.clone().map(|image| Service {
            image,
            state: match self.other_program {
                OtherProgram::KeepsLoaded(_) => State::Changing,
                _ if self.disk.running => State::Running,
                _ => State::Stopped,
            },
        }))
    }

    fn create_service(&mut self) -> Result<(), SystemError> {
        self.change("create the service")?;
        assert_eq!(self.disk.service, None, "created twice");
        self.disk.service = Some(PLACE.into());
        Ok(())
    }

    fn delete_service(&mut self) -> Result<(), SystemError> {
        self.change("delete the service")?;
        if self.keeps_service {
            return Err(error("delete the service", 1072));
        }
        assert!(!self.disk.running, "deleted while it runs");
        self.disk.service.take().expect("a service");
        self.disk.parameters.clear();
        self.disk.notes.clear();
        Ok(())
    }

    fn start_service(&mut self) -> Result<(), SystemError> {
        if let Some(code) = self.start_error {
            return Err(error("start the driver", code));
        }
        let quiet = self.verifier.quiet();
        let faults = quiet.is_some_and(|quiet| self.uptime.get() >= quiet);
        if faults && self.good_starts > 0 {
            self.good_starts -= 1;
        } else if faults && self.short_starts.0 > 0 {
            self.short_starts.0 -= 1;
            self.loaded_at.push(self.uptime.get());
            return Err(error("start the driver", self.short_starts.1));
        }
        self.change("start the driver")?;
        if self.disk.running || self.other_program == OtherProgram::LoadsIt {
            self.disk.running = true;
            return Err(error("start the driver", 1056));
        }
        self.starts += 1;
        self.verifier.load("ringcopy.sys");
        let reach = self.disk.parameters.get("Policy").copied();
        self.reaches.borrow_mut().push(reach.unwrap_or_default());
        self.disk.running = true;
        self.loaded.set(true);
        self.loaded_at.push(self.uptime.get());
        Ok(())
    }

    fn stop_service(&mut self) -> Result<(), SystemError> {
        self.change("stop the driver")?;
        match self.other_program {
            OtherProgram::KeepsLoaded(code) => return Err(error("stop the driver", code)),
            OtherProgram::HasItOpen(code) => self.other_program = OtherProgram::KeepsLoaded(code),
            _ => self.disk.running = false,
        }
        self.loaded.set(self.disk.running);
        if !self.disk.running {
            self.verifier.unload();
        }
        Ok(())
    }

    fn parameter(&mut self, name: &str) -> Result<Option<u32>, SystemError> {
        Ok(self.disk.parameters.get(name).copied())
    }

    fn set_parameter(&mut self, name: &str, value: u32) -> Result<(), SystemError> {
        self.change("change the driver's settings")?;
        self.disk.parameters.insert(name.into(), value);
        Ok(())
    }

    fn note(&mut self, name: &str) -> Result<Option<String>, SystemError> {
        Ok(self.disk.notes.get(name).cloned())
    }

    fn set_note(&mut self, name: &str, text: &str) -> Result<(), SystemError> {
        self.change("change the driver's settings")?;
        self.disk.notes.insert(name.into(), text.into());
        Ok(())
    }

    fn remove_note(&mut self, name: &str) -> Result<(), SystemError> {
        self.change("change the driver's settings")?;
        self.disk.notes.remove(name);
        Ok(())
    }

    fn mark(&mut self) -> Result<(), SystemError> {
        self.change("leave a mark")?;
        self.marked = true;
        Ok(())
    }

    fn is_marked(&mut self) -> Result<bool, SystemError> {
        Ok(self.marked)
    }

    fn package(&self) -> Option<PathBuf> {
        self.package.clone()
    }

    fn image_path(&self) -> String {
        PLACE.into()
    }

    fn image(&mut self) -> Result<Option<Vec<u8>>, SystemError> {
        Ok(self.disk.image.clone())
    }

    fn put_image(&mut self, bytes: &[u8]) -> Result<(), SystemError> {
        self.change("copy the driver's image")?;
        self.disk.image = Some(bytes.into());
        Ok(())
    }

    fn remove_image(&mut self) -> Result<(), SystemError> {
        self.change("delete the driver's image")?;
        self.disk.image.take().expect("an image");
        Ok(())
    }

    fn run(&mut self, program: &str, arguments: &[&str]) -> Result<ProgramOutput, SystemError> {
        self.change(&format!("run {program}"))?;
        self.ran.push(format!("{program} {}", arguments.join(" ")));
        if let Some(argument) = self.interrupted_program
            && arguments.contains(&argument)
        {
            self.interrupted_program = None;
            self.interrupt_at.set(Some(0));
            return Ok(ProgramOutput {
                code: Some(CONTROL_C_EXIT),
                text: String::new(),
            });
        }
        let mut text = String::new();
        let mut code = 0;
        match (program, arguments) {
            ("certutil.exe", ["-f", "-addstore", store, path]) => {
                self.add_certificate(store, &hash_of(&fs::read(path).unwrap()));
            }
            ("certutil.exe", ["-store", store, hash]) => {
                if !self.has_certificate(store, hash) {
                    code = NTE_NOT_FOUND;
                }
            }
            ("certutil.exe", ["-delstore", store, hash]) => {
                assert!(self.has_certificate(store, hash), "{store} has no {hash}");
                let certificates = self.disk.certificates.get_mut(*store).unwrap();
                certificates.retain(|certificate| certificate != hash);
                if certificates.is_empty() {
                    self.disk.certificates.remove(*store);
                }
            }
            ("shutdown.exe", [way @ ("/r" | "/s"), "/t", "0", "/f"]) => {
                self.ends = Some(*way == "/r");
            }
            ("verifier.exe", arguments) => (code, text) = self.verifier.run(arguments),
            _ => panic!("{program} {arguments:?}"),
        }
        Ok(ProgramOutput {
            code: Some(code),
            text,
        })
    }

    fn kernel_memory(&mut self, _: KernelMemory) -> Result<Vec<MemoryRange>, SystemError> {
        Ok(self.kernel_memory.clone())
    }

    fn start_trace(&mut self, file: &Path, level: u8) -> Result<(), SystemError> {
        self.change("collect the driver's events")?;
        if self.session.is_some() {
            return Err(error("collect the driver's events", 183));
        }
        self.session = Some((file.into(), level));
        Ok(())
    }

    fn stop_trace(&mut self) -> Result<TraceFile, SystemError> {
        let (file, _) = self
            .session
            .take()
            .ok_or_else(|| error("end the collection of events", 4201))?;
        Ok(TraceFile { file, lost: 2 })
    }

    fn read_trace(
        &mut self,
        _file: &Path,
        each: &mut dyn FnMut(TraceRecord),
    ) -> Result<(), SystemError> {
        self.change("show the driver's events")?;
        self.events.iter().cloned().for_each(each);
        Ok(())
    }

    fn is_interrupted(&self) -> bool {
        match self.interrupt_at.get() {
            Some(0) => true,
            Some(left) => {
                self.interrupt_at.set(Some(left - 1));
                false
            }
            None => false,
        }
    }

    fn pause(&self, time: Duration) {
        self.uptime.set(self.uptime.get() + time);
    }
}

/// The code integrity options of a system that does not report them.
pub const UNKNOWN: Result<u32, NtStatus> = Err(NtStatus::NOT_SUPPORTED);
