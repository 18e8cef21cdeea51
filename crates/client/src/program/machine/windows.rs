//! The Windows system that this process runs on.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    os::windows::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use ringcopy_protocol::{MemoryRange, NtStatus};
use ringcopy_win32::{Token, Win32Error, system, trace};
use windows_registry::{Key, LOCAL_MACHINE};
use windows_service::{
    service::{
        ServiceAccess, ServiceErrorControl, ServiceInfo, ServiceStartType, ServiceState,
        ServiceType,
    },
    service_manager::{ServiceManager, ServiceManagerAccess},
};

use super::{
    Facts, IMAGE, KernelMemory, ProgramOutput, SERVICE, SESSION, Service, State, System,
    SystemError, TraceFile, TraceRecord, kernel_memory,
};
use crate::{
    trace::{PROVIDER, Raw},
    windows::Interrupt,
};

/// `CREATE_NO_WINDOW`, of "Process Creation Flags": with an invisible console of its own.
const NO_WINDOW: u32 = 0x0800_0000;

const NOT_FOUND: u32 = 2;
const NO_SUCH_SERVICE: u32 = 1060;

/// The key of all services.
const SERVICES: &str = r"SYSTEM\CurrentControlSet\Services";

/// The Windows system that this process runs on.
#[derive(Debug)]
pub struct WindowsSystem {
    interrupt: Interrupt,
}

impl WindowsSystem {
    /// Returns the system. `interrupt` ends waiting.
    #[must_use]
    pub const fn new(interrupt: Interrupt) -> Self {
        Self { interrupt }
    }

    fn path_of_image() -> PathBuf {
        windows_folder().join(r"System32\drivers").join(IMAGE)
    }

    fn open(
        action: &'static str,
        access: ServiceAccess,
    ) -> Result<windows_service::service::Service, SystemError> {
        ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT)
            .and_then(|manager| manager.open_service(SERVICE, access))
            .map_err(of_service(action))
    }

    fn parameters() -> Result<Option<Key>, SystemError> {
        match LOCAL_MACHINE.open(parameters_path()) {
            Ok(key) => Ok(Some(key)),
            Err(error) => none_or(&error, "read the driver's settings"),
        }
    }
}

impl System for WindowsSystem {
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
            vbs_enabled: LOCAL_MACHINE
                .open(r"SYSTEM\CurrentControlSet\Control\DeviceGuard")
                .and_then(|key| key.get_u32("EnableVirtualizationBasedSecurity"))
                .map_or_else(
                    |error| (code_of(&error) == NOT_FOUND).then_some(false),
                    |value| Some(value != 0),
                ),
            secure_boot: LOCAL_MACHINE
                .open(r"SYSTEM\CurrentControlSet\Control\SecureBoot\State")
                .and_then(|key| key.get_u32("UEFISecureBootEnabled"))
                .ok()
                .map(|value| value != 0),
            uptime: system::uptime(),
        }
    }

    fn service(&mut self) -> Result<Option<Service>, SystemError> {
        let access = ServiceAccess::QUERY_CONFIG | ServiceAccess::QUERY_STATUS;
        let service = match Self::open("look the service up", access) {
            Ok(service) => service,
            Err(error) if error.code == NO_SUCH_SERVICE => return Ok(None),
            Err(error) => return Err(error),
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

    fn create_service(&mut self) -> Result<(), SystemError> {
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
                        executable_path: Self::path_of_image(),
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

    fn delete_service(&mut self) -> Result<(), SystemError> {
        const ACTION: &str = "delete the service";
        let service = Self::open(ACTION, ServiceAccess::DELETE)?;
        // The key is deleted with the service. Its settings are deleted first, in case it is not.
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

    fn start_service(&mut self) -> Result<(), SystemError> {
        const ACTION: &str = "start the driver";
        Self::open(ACTION, ServiceAccess::START)?
            .start::<&OsStr>(&[])
            .map_err(of_service(ACTION))
    }

    fn stop_service(&mut self) -> Result<(), SystemError> {
        const ACTION: &str = "stop the driver";
        Self::open(ACTION, ServiceAccess::STOP)?
            .stop()
            .map(drop)
            .map_err(of_service(ACTION))
    }

    fn parameter(&mut self, name: &str) -> Result<Option<u32>, SystemError> {
        let Some(key) = Self::parameters()? else {
            return Ok(None);
        };
        match key.get_u32(name) {
            Ok(value) => Ok(Some(value)),
            Err(error) => none_or(&error, "read the driver's settings"),
        }
    }

    fn set_parameter(&mut self, name: &str, value: u32) -> Result<(), SystemError> {
        LOCAL_MACHINE
            .create(parameters_path())
            .and_then(|key| key.set_u32(name, value))
            .map_err(of_registry("change the driver's settings"))
    }

    fn note(&mut self, name: &str) -> Result<Option<String>, SystemError> {
        let Some(key) = Self::parameters()? else {
            return Ok(None);
        };
        match key.get_string(name) {
            Ok(text) => Ok(Some(text)),
            Err(error) => none_or(&error, "read the driver's settings"),
        }
    }

    fn set_note(&mut self, name: &str, text: &str) -> Result<(), SystemError> {
        LOCAL_MACHINE
            .create(parameters_path())
            .and_then(|key| key.set_string(name, text))
            .map_err(of_registry("change the driver's settings"))
    }

    fn remove_note(&mut self, name: &str) -> Result<(), SystemError> {
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

    fn mark(&mut self) -> Result<(), SystemError> {
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

    fn is_marked(&mut self) -> Result<bool, SystemError> {
        match LOCAL_MACHINE.open(mark_path()) {
            Ok(_) => Ok(true),
            Err(error) => none_or::<()>(&error, "look for a mark in the registry")
                .map(|found| found.is_some()),
        }
    }

    fn package(&self) -> Option<PathBuf> {
        let program = std::env::current_exe().ok()?;
        Some(program.parent()?.into())
    }

    fn image_path(&self) -> String {
        Self::path_of_image().display().to_string()
    }

    fn image(&mut self) -> Result<Option<Vec<u8>>, SystemError> {
        match fs::read(Self::path_of_image()) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(of_file("read the driver's image", &error)),
        }
    }

    fn put_image(&mut self, bytes: &[u8]) -> Result<(), SystemError> {
        const ACTION: &str = "copy the driver's image";
        let path = Self::path_of_image();
        let beside = path.with_extension("sys.part");
        let put = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, &path));
        put.map_err(|error| {
            // The image itself was not replaced.
            drop(fs::remove_file(&beside));
            of_file(ACTION, &error)
        })
    }

    fn remove_image(&mut self) -> Result<(), SystemError> {
        fs::remove_file(Self::path_of_image())
            .map_err(|error| of_file("delete the driver's image", &error))
    }

    fn run(&mut self, program: &str, arguments: &[&str]) -> Result<ProgramOutput, SystemError> {
        // With its full path: otherwise a program of this name in this program's folder would run.
        let path = windows_folder().join("System32").join(program);
        let output = Command::new(path)
            .args(arguments)
            .stdin(Stdio::null())
            // Ctrl-C and Ctrl-Break end all programs of a console. They must not end this one, which
            // may be undoing an installation. With `CREATE_NEW_PROCESS_GROUP`, Ctrl-Break would.
            .creation_flags(NO_WINDOW)
            .output()
            .map_err(|error| of_file(&format!("run {program}"), &error))?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        Ok(ProgramOutput {
            code: output.status.code(),
            text,
        })
    }

    fn kernel_memory(&mut self, kind: KernelMemory) -> Result<Vec<MemoryRange>, SystemError> {
        // Windows names addresses of the kernel only to holders of this privilege.
        if let Ok(token) = Token::of_this_process() {
            let _: Result<bool, _> = token.enable("SeDebugPrivilege");
        }
        if kind != KernelMemory::PagedPool {
            let images = system::kernel_images().map_err(|error| SystemError {
                action: "list the kernel's images".into(),
                code: error.0,
                text: error.to_string(),
            })?;
            return Ok(kernel_memory::images(kind, &images));
        }
        let words = system::information(kernel_memory::BIG_POOL).map_err(|status| SystemError {
            action: "list the allocations of pool".into(),
            code: status,
            text: NtStatus(status).to_string(),
        })?;
        Ok(kernel_memory::paged_pool(&words))
    }

    fn start_trace(&mut self, file: &Path, level: u8) -> Result<(), SystemError> {
        trace::start(SESSION, file, PROVIDER, level)
            .map_err(of_win32("collect the driver's events"))
    }

    fn stop_trace(&mut self) -> Result<TraceFile, SystemError> {
        let stopped = trace::stop(SESSION).map_err(of_win32("end the collection of events"))?;
        Ok(TraceFile {
            file: stopped.file.into(),
            lost: stopped.lost,
        })
    }

    fn read_trace(
        &mut self,
        file: &Path,
        each: &mut dyn FnMut(TraceRecord),
    ) -> Result<(), SystemError> {
        let read = trace::read(file, |record| {
            each(TraceRecord {
                time: record.time,
                process: record.process,
                thread: record.thread,
                event: Raw {
                    provider: record.provider,
                    level: record.level,
                    provider_metadata: record.provider_metadata.into(),
                    event_metadata: record.event_metadata.into(),
                    data: record.data.into(),
                },
            });
        });
        read.map_err(of_win32("show the driver's events"))
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

fn of_service(action: &'static str) -> impl Fn(windows_service::Error) -> SystemError {
    move |error| match error {
        windows_service::Error::Winapi(error) => of_file(action, &error),
        error => SystemError {
            action: action.into(),
            code: 0,
            text: error.to_string(),
        },
    }
}

fn of_win32(action: &'static str) -> impl Fn(Win32Error) -> SystemError {
    move |error| SystemError {
        action: action.into(),
        code: error.0,
        text: error.to_string(),
    }
}

fn of_file(action: &str, error: &io::Error) -> SystemError {
    SystemError {
        action: action.into(),
        code: error.raw_os_error().unwrap_or_default().cast_unsigned(),
        text: error.to_string(),
    }
}

fn of_registry(action: &'static str) -> impl Fn(windows_result::Error) -> SystemError {
    move |error| SystemError {
        action: action.into(),
        code: code_of(&error),
        text: error.message(),
    }
}

/// Returns the Win32 code in an `HRESULT` of facility 7.
const fn code_of(error: &windows_result::Error) -> u32 {
    error.code().0.cast_unsigned() & 0xFFFF
}

/// Returns `None` if the error says that something does not exist.
fn none_or<T>(
    error: &windows_result::Error,
    action: &'static str,
) -> Result<Option<T>, SystemError> {
    if code_of(error) == NOT_FOUND {
        Ok(None)
    } else {
        Err(of_registry(action)(error.clone()))
    }
}
