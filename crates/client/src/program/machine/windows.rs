//! This machine.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    os::windows::process::CommandExt,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use ringcopy_protocol::NtStatus;
use ringcopy_win32::{Token, system};
use windows_registry::{Key, LOCAL_MACHINE};
use windows_service::{
    service::{
        ServiceAccess, ServiceErrorControl, ServiceInfo, ServiceStartType, ServiceState,
        ServiceType,
    },
    service_manager::{ServiceManager, ServiceManagerAccess},
};

use super::{Facts, IMAGE, Machine, SERVICE, Said, Service, State, Trouble};
use crate::windows::Interrupt;

/// `CREATE_NO_WINDOW`, of "Process Creation Flags": with a console of its own, which nobody sees.
const NO_WINDOW: u32 = 0x0800_0000;

const NOT_FOUND: u32 = 2;
const NO_SUCH_SERVICE: u32 = 1060;

/// Where the services' keys are.
const SERVICES: &str = r"SYSTEM\CurrentControlSet\Services";

/// This machine.
#[derive(Debug)]
pub struct WindowsSystem {
    interrupt: Interrupt,
}

impl WindowsSystem {
    /// This machine; `interrupt` ends what takes long.
    #[must_use]
    pub const fn new(interrupt: Interrupt) -> Self {
        Self { interrupt }
    }

    fn place() -> PathBuf {
        windows_folder().join(r"System32\drivers").join(IMAGE)
    }

    fn open(
        action: &'static str,
        access: ServiceAccess,
    ) -> Result<windows_service::service::Service, Trouble> {
        ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT)
            .and_then(|manager| manager.open_service(SERVICE, access))
            .map_err(of_service(action))
    }

    fn parameters() -> Result<Option<Key>, Trouble> {
        match LOCAL_MACHINE.open(parameters_path()) {
            Ok(key) => Ok(Some(key)),
            Err(error) => none_or(&error, "read the driver's settings"),
        }
    }
}

impl Machine for WindowsSystem {
    fn facts(&mut self) -> Facts {
        let token = Token::of_this_process().ok();
        Facts {
            version: system::version(),
            wine: system::wine(),
            elevated: token.as_ref().and_then(|token| token.is_elevated().ok()),
            debug_privilege: token
                .as_ref()
                .and_then(|token| token.enable("SeDebugPrivilege").ok()),
            code_integrity: system::code_integrity().map_err(NtStatus),
            secure_boot: LOCAL_MACHINE
                .open(r"SYSTEM\CurrentControlSet\Control\SecureBoot\State")
                .and_then(|key| key.get_u32("UEFISecureBootEnabled"))
                .ok()
                .map(|value| value != 0),
            uptime: system::uptime(),
        }
    }

    fn service(&mut self) -> Result<Option<Service>, Trouble> {
        let access = ServiceAccess::QUERY_CONFIG | ServiceAccess::QUERY_STATUS;
        let service = match Self::open("look the service up", access) {
            Ok(service) => service,
            Err(trouble) if trouble.code == NO_SUCH_SERVICE => return Ok(None),
            Err(trouble) => return Err(trouble),
        };
        let config = service
            .query_config()
            .map_err(of_service("read the service's configuration"))?;
        let status = service
            .query_status()
            .map_err(of_service("read the service's state"))?;
        Ok(Some(Service {
            image: config.executable_path.display().to_string(),
            state: match status.current_state {
                ServiceState::Running => State::Running,
                ServiceState::Stopped => State::Stopped,
                _ => State::Changing,
            },
        }))
    }

    fn create_service(&mut self) -> Result<(), Trouble> {
        let access = ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE;
        ServiceManager::local_computer(None::<&str>, access)
            .and_then(|manager| {
                manager.create_service(
                    &ServiceInfo {
                        name: SERVICE.into(),
                        display_name: "ringcopy".into(),
                        service_type: ServiceType::KERNEL_DRIVER,
                        start_type: ServiceStartType::OnDemand,
                        error_control: ServiceErrorControl::Normal,
                        executable_path: Self::place(),
                        launch_arguments: Vec::<OsString>::new(),
                        dependencies: Vec::new(),
                        account_name: None,
                        account_password: None,
                    },
                    ServiceAccess::QUERY_CONFIG,
                )
            })
            .map(drop)
            .map_err(of_service("create the service"))
    }

    fn delete_service(&mut self) -> Result<(), Trouble> {
        const ACTION: &str = "delete the service";
        let service = Self::open(ACTION, ServiceAccess::DELETE)?;
        // The key goes with the service; what is below it goes first, in case it should not.
        if let Ok(key) = LOCAL_MACHINE
            .options()
            .read()
            .write()
            .open(format!(r"{SERVICES}\{SERVICE}"))
        {
            match key.remove_tree("Parameters") {
                Ok(()) => {}
                Err(error) => {
                    none_or::<()>(&error, "delete the driver's settings")?;
                }
            }
        }
        service.delete().map_err(of_service(ACTION))
    }

    fn start_service(&mut self) -> Result<(), Trouble> {
        const ACTION: &str = "start the driver";
        Self::open(ACTION, ServiceAccess::START)?
            .start::<&OsStr>(&[])
            .map_err(of_service(ACTION))
    }

    fn stop_service(&mut self) -> Result<(), Trouble> {
        const ACTION: &str = "stop the driver";
        Self::open(ACTION, ServiceAccess::STOP)?
            .stop()
            .map(drop)
            .map_err(of_service(ACTION))
    }

    fn parameter(&mut self, name: &str) -> Result<Option<u32>, Trouble> {
        let Some(key) = Self::parameters()? else {
            return Ok(None);
        };
        match key.get_u32(name) {
            Ok(value) => Ok(Some(value)),
            Err(error) => none_or(&error, "read the driver's settings"),
        }
    }

    fn set_parameter(&mut self, name: &str, value: u32) -> Result<(), Trouble> {
        LOCAL_MACHINE
            .create(parameters_path())
            .and_then(|key| key.set_u32(name, value))
            .map_err(of_registry("change the driver's settings"))
    }

    fn note(&mut self, name: &str) -> Result<Option<String>, Trouble> {
        let Some(key) = Self::parameters()? else {
            return Ok(None);
        };
        match key.get_string(name) {
            Ok(text) => Ok(Some(text)),
            Err(error) => none_or(&error, "read the driver's settings"),
        }
    }

    fn set_note(&mut self, name: &str, text: &str) -> Result<(), Trouble> {
        LOCAL_MACHINE
            .create(parameters_path())
            .and_then(|key| key.set_string(name, text))
            .map_err(of_registry("change the driver's settings"))
    }

    fn remove_note(&mut self, name: &str) -> Result<(), Trouble> {
        let removed = LOCAL_MACHINE
            .options()
            .read()
            .write()
            .open(parameters_path())
            .and_then(|key| key.remove_value(name));
        match removed {
            Ok(()) => Ok(()),
            Err(error) => none_or::<()>(&error, "change the driver's settings").map(drop),
        }
    }

    fn mark(&mut self) -> Result<(), Trouble> {
        LOCAL_MACHINE
            .options()
            .read()
            .write()
            .create()
            .volatile()
            .open(mark_path())
            .map(drop)
            .map_err(of_registry("leave a mark in the registry"))
    }

    fn is_marked(&mut self) -> Result<bool, Trouble> {
        match LOCAL_MACHINE.open(mark_path()) {
            Ok(_) => Ok(true),
            Err(error) => none_or::<()>(&error, "look for a mark in the registry")
                .map(|found| found.is_some()),
        }
    }

    fn image_path(&self) -> String {
        Self::place().display().to_string()
    }

    fn image(&mut self) -> Result<Option<Vec<u8>>, Trouble> {
        match fs::read(Self::place()) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(of_file("read the driver's image", &error)),
        }
    }

    fn put_image(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        const ACTION: &str = "copy the driver's image";
        let place = Self::place();
        let beside = place.with_extension("sys.part");
        let put = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, &place));
        put.map_err(|error| {
            // What it was to become is not there, so nobody misses it.
            drop(fs::remove_file(&beside));
            of_file(ACTION, &error)
        })
    }

    fn remove_image(&mut self) -> Result<(), Trouble> {
        fs::remove_file(Self::place()).map_err(|error| of_file("delete the driver's image", &error))
    }

    fn run(&mut self, program: &str, arguments: &[&str]) -> Result<Said, Trouble> {
        // By its path: the folder of this program is searched first otherwise, and who knows what
        // lies in a folder that was copied here.
        let path = windows_folder().join("System32").join(program);
        let output = Command::new(path)
            .args(arguments)
            .stdin(Stdio::null())
            // Ctrl-C and Ctrl-Break end all programs of a console, and this one is not the user's
            // to end: it may be what undoes the rest. `CREATE_NEW_PROCESS_GROUP` would leave it
            // Ctrl-Break.
            .creation_flags(NO_WINDOW)
            .output()
            .map_err(|error| of_file(&format!("run {program}"), &error))?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        Ok(Said {
            code: output.status.code(),
            text,
        })
    }

    fn is_interrupted(&self) -> bool {
        self.interrupt.is_raised()
    }

    fn pause(&self, time: Duration) {
        self.interrupt.pause(time);
    }
}

fn windows_folder() -> PathBuf {
    system::windows_folder().unwrap_or_else(|| PathBuf::from(r"C:\Windows"))
}

fn parameters_path() -> String {
    format!(r"{SERVICES}\{SERVICE}\Parameters")
}

fn mark_path() -> String {
    format!(r"{SERVICES}\{SERVICE}\Parameters\SinceStart")
}

fn of_service(action: &'static str) -> impl Fn(windows_service::Error) -> Trouble {
    move |error| match error {
        windows_service::Error::Winapi(error) => of_file(action, &error),
        error => Trouble {
            action: action.into(),
            code: 0,
            text: error.to_string(),
        },
    }
}

fn of_file(action: &str, error: &io::Error) -> Trouble {
    Trouble {
        action: action.into(),
        code: error.raw_os_error().unwrap_or_default().cast_unsigned(),
        text: error.to_string(),
    }
}

fn of_registry(action: &'static str) -> impl Fn(windows_result::Error) -> Trouble {
    move |error| Trouble {
        action: action.into(),
        code: code_of(&error),
        text: error.message(),
    }
}

/// The Win32 code within an `HRESULT` of facility 7.
const fn code_of(error: &windows_result::Error) -> u32 {
    error.code().0.cast_unsigned() & 0xFFFF
}

/// `None` for what is not there.
fn none_or<T>(error: &windows_result::Error, action: &'static str) -> Result<Option<T>, Trouble> {
    if code_of(error) == NOT_FOUND {
        Ok(None)
    } else {
        Err(of_registry(action)(error.clone()))
    }
}
