//! Installing, loading, unloading and uninstalling.
//!
//! Each can be repeated: what is done already is left alone. An installation that fails or is
//! interrupted is undone, step by step, in the order opposite to that in which it was done. One that
//! is ended with its console's window, or with the machine, is not: to install again completes it,
//! and to uninstall takes it away.
//!
//! The image goes to `System32\drivers`: a service may start it from anywhere, but there only
//! administrators write, it stays when the package's folder goes, Driver Verifier and debuggers
//! expect it there, and taking it away again is one file. The driver store, where `pnputil
//! /add-driver` puts the same package by its INF, would need the certificate to be trusted
//! machine-wide first; that is nothing to ask of every machine for a test.

use std::{fs, path::PathBuf, time::Duration};

use ringcopy_protocol::POLICY_VALUE;

use super::{
    CERTIFICATE, Failure, IMAGE, Machine, SERVICE, Service, State, failure,
    trust::{self, STORES, Trusted},
};

/// How long a driver may take to load or unload.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the service manager is asked meanwhile.
const TICK: Duration = Duration::from_millis(10);

// "System Error Codes (1000-1299)": `ERROR_INVALID_SERVICE_CONTROL`,
// `ERROR_SERVICE_ALREADY_RUNNING`, `ERROR_SERVICE_CANNOT_ACCEPT_CTRL`, `ERROR_SERVICE_NOT_ACTIVE`.
const INVALID_CONTROL: u32 = 1052;
const ALREADY_RUNNING: u32 = 1056;
const CANNOT_ACCEPT_CONTROL: u32 = 1061;
const NOT_ACTIVE: u32 = 1062;

/// What to install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The folder that holds the image, and the certificate.
    pub folder: PathBuf,
    /// Make the machine trust the certificate.
    pub trust_certificate: bool,
}

/// What an installation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installed {
    /// It was not there before.
    Now,
    /// It was there; its image was replaced.
    Updated,
    /// It was there, the very same.
    Already,
}

/// What has been done, for undoing it.
enum Done {
    Service,
    /// The image that was there before, if any.
    Image(Option<Vec<u8>>),
    /// It was not trusted before.
    Certificate(Trusted),
}

/// Installs the driver: copies its image, creates its service, sets the policy that allows least.
///
/// # Errors
/// A sentence; then everything is as it was before, or the sentence says what is not.
pub fn install(machine: &mut dyn Machine, package: &Package) -> Result<Installed, Failure> {
    let image = read(package, IMAGE)?;
    if !image.starts_with(b"MZ") {
        return Err(Failure(format!(
            "{} is not a driver's image; copy the package again.",
            package.folder.join(IMAGE).display()
        )));
    }
    let certificate = if package.trust_certificate {
        Some(read(package, CERTIFICATE)?)
    } else {
        None
    };
    let service = own_service(machine)?;
    let before = machine.image()?;
    let same = before.as_ref() == Some(&image);
    if service.is_some() && same && certificate.is_none() {
        return Ok(Installed::Already);
    }
    if !same
        && service
            .as_ref()
            .is_some_and(|service| service.state != State::Stopped)
    {
        return Err(Failure(
            "another build of the driver is installed and running; run `ringcopy stop`, then \
             `ringcopy install` again."
                .into(),
        ));
    }

    let mut done = Vec::new();
    let steps = carry_out(
        machine,
        (service.is_none(), !same),
        &image,
        before,
        certificate.map(|bytes| (package.folder.join(CERTIFICATE), bytes)),
        &mut done,
    );
    match steps {
        Ok(()) if service.is_some() => Ok(Installed::Updated),
        Ok(()) => Ok(Installed::Now),
        Err(failure) => Err(undo(machine, done, &failure)),
    }
}

fn carry_out(
    machine: &mut dyn Machine,
    (new_service, new_image): (bool, bool),
    image: &[u8],
    before: Option<Vec<u8>>,
    certificate: Option<(PathBuf, Vec<u8>)>,
    done: &mut Vec<Done>,
) -> Result<(), Failure> {
    if new_image {
        go_on(machine)?;
        machine.put_image(image)?;
        done.push(Done::Image(before));
    }
    if new_service {
        go_on(machine)?;
        machine.create_service()?;
        done.push(Done::Service);
    }
    go_on(machine)?;
    if machine.parameter(POLICY_VALUE)?.is_none() {
        machine.set_parameter(POLICY_VALUE, 0)?;
    }
    if let Some((path, bytes)) = certificate {
        for store in STORES {
            go_on(machine)?;
            let trusted = Trusted::new(store, &bytes);
            if trusted.note(machine)? {
                done.push(Done::Certificate(trusted.clone()));
                trusted.add(machine, &path)?;
            }
        }
    }
    go_on(machine)
}

fn undo(machine: &mut dyn Machine, done: Vec<Done>, failure: &Failure) -> Failure {
    let mut left = Vec::new();
    for step in done.into_iter().rev() {
        let undone = match step {
            Done::Service => machine.delete_service().map_err(Failure::from),
            Done::Image(None) => machine.remove_image().map_err(Failure::from),
            Done::Image(Some(bytes)) => machine.put_image(&bytes).map_err(Failure::from),
            Done::Certificate(trusted) => trusted.remove(machine),
        };
        left.extend(undone.err());
    }
    if left.is_empty() {
        return Failure(format!("{failure} Nothing was changed."));
    }
    let left: Vec<_> = left.iter().map(ToString::to_string).collect();
    Failure(format!(
        "{failure} Not all of it could be undone: {} Run `ringcopy uninstall`.",
        left.join(" ")
    ))
}

/// Uninstalls the driver and leaves nothing behind. Gives whether there was anything.
///
/// # Errors
/// A sentence. What is left is uninstalled by doing it again.
pub fn uninstall(machine: &mut dyn Machine) -> Result<bool, Failure> {
    let service = own_service(machine)?;
    if let Some(service) = &service {
        if service.state != State::Stopped {
            unload(machine)?;
        }
        for trusted in trust::noted(machine)? {
            trusted.remove(machine)?;
        }
        machine.delete_service()?;
    }
    let image = machine.image()?.is_some();
    if image {
        machine.remove_image()?;
    }
    Ok(service.is_some() || image)
}

/// Loads the driver. Gives whether it was not loaded already.
///
/// # Errors
/// A sentence that says why Windows does not load it.
pub fn start(machine: &mut dyn Machine) -> Result<bool, Failure> {
    if installed(machine)?.state == State::Running {
        return Ok(false);
    }
    match machine.start_service() {
        Ok(()) => match settle(machine, State::Running)? {
            State::Running => Ok(true),
            _ => Err(failure::not_settled(machine)),
        },
        // Somebody else was faster, or it is still there because it is not unloaded yet.
        Err(trouble) if trouble.code == ALREADY_RUNNING => match installed(machine)?.state {
            State::Running => Ok(false),
            _ => Err(failure::still_there()),
        },
        Err(trouble) => Err(failure::not_started(&trouble, machine)),
    }
}

/// Unloads the driver. Gives whether it was loaded.
///
/// # Errors
/// A sentence.
pub fn stop(machine: &mut dyn Machine) -> Result<bool, Failure> {
    if installed(machine)?.state == State::Stopped {
        return Ok(false);
    }
    unload(machine)
}

/// Unloads a driver that was loaded a moment ago. Gives whether it still was.
fn unload(machine: &mut dyn Machine) -> Result<bool, Failure> {
    if let Err(trouble) = machine.stop_service() {
        match trouble.code {
            NOT_ACTIVE => return Ok(false),
            // It was asked to unload before.
            INVALID_CONTROL | CANNOT_ACCEPT_CONTROL
                if installed(machine)?.state != State::Running => {}
            _ => return Err(trouble.into()),
        }
    }
    match settle(machine, State::Stopped)? {
        State::Stopped => Ok(true),
        _ => Err(failure::not_stopped(machine)),
    }
}

/// Waits until the service is in a state, or has not come to it for long, or the user asks to stop.
fn settle(machine: &mut dyn Machine, goal: State) -> Result<State, Failure> {
    let mut waited = Duration::ZERO;
    loop {
        let state = installed(machine)?.state;
        if state == goal || waited >= PATIENCE || machine.is_interrupted() {
            return Ok(state);
        }
        machine.pause(TICK);
        waited += TICK;
    }
}

/// The service, which has to be there and ours.
pub(super) fn installed(machine: &mut dyn Machine) -> Result<Service, Failure> {
    own_service(machine)?.ok_or_else(|| {
        Failure("the driver is not installed; run `ringcopy install` as an administrator.".into())
    })
}

/// The service, if there is one. One of this name with another image is somebody else's.
fn own_service(machine: &mut dyn Machine) -> Result<Option<Service>, Failure> {
    let Some(service) = machine.service()? else {
        return Ok(None);
    };
    let place = machine.image_path();
    if plain(&service.image, &place) == plain(&place, &place) {
        return Ok(Some(service));
    }
    Err(Failure(format!(
        "there is a service named {SERVICE} with another image, {}; nothing was done to it. \
         Remove it with the tool that made it, or with `sc delete {SERVICE}`.",
        service.image
    )))
}

/// A path without the prefixes that the service manager may put before it. `place` is
/// `<Windows>\System32\drivers\ringcopy.sys`, which says where Windows is.
fn plain(path: &str, place: &str) -> String {
    let path = path.trim().trim_matches('"').to_lowercase();
    let place = place.to_lowercase();
    let windows = place.split(r"\system32\").next().unwrap_or_default();
    let path = path.strip_prefix(r"\??\").unwrap_or(&path);
    for prefix in [r"\systemroot\", r"%systemroot%\"] {
        if let Some(rest) = path.strip_prefix(prefix) {
            return format!(r"{windows}\{rest}");
        }
    }
    if path.starts_with(r"system32\") {
        return format!(r"{windows}\{path}");
    }
    path.into()
}

/// Ends what can be undone, if the user has asked for it.
pub(super) fn go_on(machine: &dyn Machine) -> Result<(), Failure> {
    if machine.is_interrupted() {
        return Err(Failure("interrupted.".into()));
    }
    Ok(())
}

fn read(package: &Package, name: &str) -> Result<Vec<u8>, Failure> {
    let path = package.folder.join(name);
    fs::read(&path).map_err(|error| {
        Failure(format!(
            "cannot read {}: {error}; name the package's folder with --from.",
            path.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_same_in_every_spelling() {
        let place = r"C:\Windows\System32\drivers\ringcopy.sys";
        for spelling in [
            place,
            r"c:\windows\system32\DRIVERS\ringcopy.sys",
            r"\??\C:\Windows\System32\drivers\ringcopy.sys",
            r"\SystemRoot\System32\drivers\ringcopy.sys",
            r"%SystemRoot%\System32\drivers\ringcopy.sys",
            r"System32\drivers\ringcopy.sys",
        ] {
            assert_eq!(plain(spelling, place), plain(place, place), "{spelling}");
        }
        for other in [
            r"C:\Temp\ringcopy.sys",
            r"\SystemRoot\System32\drivers\other.sys",
            r"D:\Windows\System32\drivers\ringcopy.sys",
        ] {
            assert_ne!(plain(other, place), plain(place, place), "{other}");
        }
    }
}
