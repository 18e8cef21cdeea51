//! Installing, loading, unloading and uninstalling.
//!
//! Each command can be repeated, and skips what is done already. An installation that fails or is
//! interrupted is undone, step by step, in reverse order. An installation that ends with its
//! console window or with the machine is not undone: installing again completes it, and
//! uninstalling removes it.
//!
//! The image goes to `System32\drivers`. Only administrators can write there, the image stays when
//! the package's folder is deleted, Driver Verifier and debuggers expect it there, and it is one
//! file to remove. The driver store, where `pnputil /add-driver` puts the package by its INF, would
//! first need the certificate to be trusted on the whole machine, which is too much for a test.

use std::{fs, path::PathBuf, time::Duration};

use ringcopy_protocol::POLICY_VALUE;

use super::{
    CERTIFICATE, Failure, IMAGE, SERVICE, Service, State, System, failure,
    trust::{self, STORES, Trusted},
};

/// The longest time that loading or unloading may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The time between two queries of the service's state.
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
    /// The folder with the image and the certificate.
    pub folder: PathBuf,
    /// Whether to make the machine trust the certificate.
    pub trust_certificate: bool,
}

/// What an installation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installed {
    /// The driver was not installed before.
    Now,
    /// The driver was installed; its image was replaced.
    Updated,
    /// The same driver was installed; nothing was changed.
    Already,
}

/// A step that was done, for undoing it.
enum Done {
    Service,
    /// The previous image, if there was one.
    Image(Option<Vec<u8>>),
    /// A certificate that was not trusted before.
    Certificate(Trusted),
}

/// Installs the driver: copies its image, creates its service, sets the policy that allows least.
///
/// # Errors
/// If a step fails. The steps before it are undone, or the sentence says which could not be.
pub fn install(system: &mut dyn System, package: &Package) -> Result<Installed, Failure> {
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
    let service = own_service(system)?;
    let before = system.image()?;
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
        system,
        (service.is_none(), !same),
        &image,
        before,
        certificate.map(|bytes| (package.folder.join(CERTIFICATE), bytes)),
        &mut done,
    );
    match steps {
        Ok(()) if service.is_some() => Ok(Installed::Updated),
        Ok(()) => Ok(Installed::Now),
        Err(failure) => Err(undo(system, done, &failure)),
    }
}

fn carry_out(
    system: &mut dyn System,
    (new_service, new_image): (bool, bool),
    image: &[u8],
    before: Option<Vec<u8>>,
    certificate: Option<(PathBuf, Vec<u8>)>,
    done: &mut Vec<Done>,
) -> Result<(), Failure> {
    if new_image {
        check_interrupt(system)?;
        system.put_image(image)?;
        done.push(Done::Image(before));
    }
    if new_service {
        check_interrupt(system)?;
        system.create_service()?;
        done.push(Done::Service);
    }
    check_interrupt(system)?;
    if system.parameter(POLICY_VALUE)?.is_none() {
        system.set_parameter(POLICY_VALUE, 0)?;
    }
    if let Some((path, bytes)) = certificate {
        for store in STORES {
            check_interrupt(system)?;
            let trusted = Trusted::new(store, &bytes);
            if trusted.note(system)? {
                done.push(Done::Certificate(trusted.clone()));
                trusted.add(system, &path)?;
            }
        }
    }
    check_interrupt(system)
}

fn undo(system: &mut dyn System, done: Vec<Done>, failure: &Failure) -> Failure {
    let mut left = Vec::new();
    for step in done.into_iter().rev() {
        let undone = match step {
            Done::Service => system.delete_service().map_err(Failure::from),
            Done::Image(None) => system.remove_image().map_err(Failure::from),
            Done::Image(Some(bytes)) => system.put_image(&bytes).map_err(Failure::from),
            Done::Certificate(trusted) => trusted.remove(system),
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

/// Uninstalls the driver completely. Returns whether there was anything to uninstall.
///
/// # Errors
/// If a step fails. Uninstalling again removes the rest.
pub fn uninstall(system: &mut dyn System) -> Result<bool, Failure> {
    let service = own_service(system)?;
    if let Some(service) = &service {
        if service.state != State::Stopped {
            unload(system)?;
        }
        for trusted in trust::noted(system)? {
            trusted.remove(system)?;
        }
        system.delete_service()?;
    }
    let image = system.image()?.is_some();
    if image {
        system.remove_image()?;
    }
    Ok(service.is_some() || image)
}

/// Loads the driver. Returns `false` if it was loaded already.
///
/// # Errors
/// If Windows does not load it.
pub fn start(system: &mut dyn System) -> Result<bool, Failure> {
    if installed(system)?.state == State::Running {
        return Ok(false);
    }
    match system.start_service() {
        Ok(()) => match settle(system, State::Running)? {
            State::Running => Ok(true),
            _ => Err(failure::not_settled(system)),
        },
        // Another program loaded it, or it is not unloaded yet.
        Err(error) if error.code == ALREADY_RUNNING => match installed(system)?.state {
            State::Running => Ok(false),
            _ => Err(failure::still_there()),
        },
        Err(error) => Err(failure::not_started(&error, system)),
    }
}

/// Unloads the driver. Returns whether it was loaded.
///
/// # Errors
/// If it cannot be unloaded, or is still loaded after some time.
pub fn stop(system: &mut dyn System) -> Result<bool, Failure> {
    if installed(system)?.state == State::Stopped {
        return Ok(false);
    }
    unload(system)
}

/// Unloads a driver that was loaded when its state was queried. Returns whether it still was.
fn unload(system: &mut dyn System) -> Result<bool, Failure> {
    if let Err(error) = system.stop_service() {
        match error.code {
            NOT_ACTIVE => return Ok(false),
            // It was asked to unload already.
            INVALID_CONTROL | CANNOT_ACCEPT_CONTROL
                if installed(system)?.state != State::Running => {}
            _ => return Err(error.into()),
        }
    }
    match settle(system, State::Stopped)? {
        State::Stopped => Ok(true),
        _ => Err(failure::not_stopped(system)),
    }
}

/// Waits until the service is in the state `goal`, time is up, or the user asks to stop. Returns
/// the state.
fn settle(system: &mut dyn System, goal: State) -> Result<State, Failure> {
    let mut waited = Duration::ZERO;
    loop {
        let state = installed(system)?.state;
        if state == goal || waited >= PATIENCE || system.is_interrupted() {
            return Ok(state);
        }
        system.pause(TICK);
        waited += TICK;
    }
}

/// Returns the service.
///
/// # Errors
/// If there is none, or it has another image.
pub(super) fn installed(system: &mut dyn System) -> Result<Service, Failure> {
    own_service(system)?.ok_or_else(|| {
        Failure("the driver is not installed; run `ringcopy install` as an administrator.".into())
    })
}

/// Returns the service, if there is one.
///
/// # Errors
/// If a service of this name has another image: it belongs to something else.
fn own_service(system: &mut dyn System) -> Result<Option<Service>, Failure> {
    let Some(service) = system.service()? else {
        return Ok(None);
    };
    let expected = system.image_path();
    if plain(&service.image, &expected) == plain(&expected, &expected) {
        return Ok(Some(service));
    }
    Err(Failure(format!(
        "there is a service named {SERVICE} with another image, {}; nothing was done to it. \
         Remove it with the tool that made it, or with `sc delete {SERVICE}`.",
        service.image
    )))
}

/// Returns a path without the prefixes that the service manager may put before it. `image_path` is
/// `<Windows>\System32\drivers\ringcopy.sys`, which contains the path of Windows.
fn plain(path: &str, image_path: &str) -> String {
    let path = path.trim().trim_matches('"').to_lowercase();
    let image_path = image_path.to_lowercase();
    let windows = image_path.split(r"\system32\").next().unwrap_or_default();
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

/// Fails if the user has asked to stop.
pub(super) fn check_interrupt(system: &dyn System) -> Result<(), Failure> {
    if system.is_interrupted() {
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
