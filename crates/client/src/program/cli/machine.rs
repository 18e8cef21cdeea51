//! The commands that are about the machine: the service, its policy, and how it all is.

use ringcopy_protocol::{Engine, Reach};
use serde_json::{Value, json};

use super::{
    Stop, View,
    arguments::{EngineName, InstallArguments, KernelCallers, PolicyAction, ReachName},
    info::reach,
    record::Document,
};
use crate::machine::{self, Installed, Machine, Package, Policy, SERVICE, State};

pub(super) fn install(
    arguments: &InstallArguments,
    machine: &mut dyn Machine,
    view: &mut View<'_, '_>,
    document: &mut Document,
) -> Result<(), Stop> {
    let folder = match &arguments.from {
        Some(folder) => folder.clone(),
        None => own_folder()?,
    };
    let package = Package {
        folder,
        trust_certificate: arguments.trust_certificate,
    };
    let (word, text) = match machine::install(machine, &package)? {
        Installed::Now => ("installed", "installed"),
        Installed::Updated => ("updated", "installed anew, with this image"),
        Installed::Already => ("unchanged", "installed already; nothing was changed"),
    };
    document.detail("result", word);
    document.detail("image", machine.image_path());
    view.line(&format!("{SERVICE} is {text}: {}", machine.image_path()))?;
    Ok(())
}

/// Where this program is: a package has it beside the driver.
fn own_folder() -> Result<std::path::PathBuf, Stop> {
    std::env::current_exe()
        .ok()
        .and_then(|path| path.parent().map(Into::into))
        .ok_or_else(|| {
            Stop::Machine(
                "cannot tell in which folder this program is; name the package's folder with \
                 --from."
                    .into(),
            )
        })
}

pub(super) fn uninstall(
    machine: &mut dyn Machine,
    view: &mut View<'_, '_>,
    document: &mut Document,
) -> Result<(), Stop> {
    let changed = machine::uninstall(machine)?;
    document.detail("result", if changed { "uninstalled" } else { "unchanged" });
    view.line(if changed {
        "uninstalled: the service, its settings and the image are gone"
    } else {
        "there was nothing to uninstall"
    })?;
    Ok(())
}

pub(super) fn start(
    machine: &mut dyn Machine,
    view: &mut View<'_, '_>,
    document: &mut Document,
) -> Result<(), Stop> {
    let changed = machine::start(machine)?;
    document.detail("result", if changed { "started" } else { "unchanged" });
    view.line(if changed {
        "the driver is loaded"
    } else {
        "the driver was loaded already"
    })?;
    Ok(())
}

pub(super) fn stop(
    machine: &mut dyn Machine,
    view: &mut View<'_, '_>,
    document: &mut Document,
) -> Result<(), Stop> {
    let changed = machine::stop(machine)?;
    document.detail("result", if changed { "stopped" } else { "unchanged" });
    view.line(if changed {
        "the driver is unloaded"
    } else {
        "the driver was not loaded"
    })?;
    Ok(())
}

pub(super) fn status(
    machine: &mut dyn Machine,
    view: &mut View<'_, '_>,
    document: &mut Document,
) -> Result<(), Stop> {
    let service = machine.service().map_err(machine::Failure::from)?;
    let Some(service) = service else {
        document.detail("state", "not installed");
        document.detail("image", Value::Null);
        view.line("not installed")?;
        return Ok(());
    };
    let state = match service.state {
        State::Stopped => "stopped",
        State::Running => "running",
        State::Changing => "changing",
    };
    document.detail("state", state);
    document.detail("image", service.image.clone());
    view.line(&format!("{state}: {}", service.image))?;
    Ok(())
}

pub(super) fn policy(
    action: Option<&PolicyAction>,
    machine: &mut dyn Machine,
    view: &mut View<'_, '_>,
    document: &mut Document,
) -> Result<(), Stop> {
    let mut policy = machine::policy(machine)?;
    if let Some(PolicyAction::Set(set)) = action {
        if !set.reach.is_empty() {
            let others = policy.reach - Reach::MEMORY;
            policy.reach = set.reach.iter().fold(others, |reach, name| {
                reach
                    | match name {
                        ReachName::User => Reach::empty(),
                        ReachName::System => Reach::SYSTEM_VIRTUAL,
                        ReachName::Physical => Reach::PHYSICAL,
                        ReachName::All => Reach::MEMORY,
                    }
            });
        }
        if let Some(allowed) = set.kernel_callers {
            let allowed = allowed == KernelCallers::Trust;
            policy.reach.set(Reach::KERNEL_CALLERS, allowed);
        }
        if let Some(engine) = set.engine {
            policy.engine = engine.into();
        }
        machine::set_policy(machine, policy)?;
    }
    show(policy, view, document)?;
    let running = machine
        .service()
        .map_err(machine::Failure::from)?
        .is_some_and(|service| service.state != State::Stopped);
    document.detail("takes_effect", if running { "restart" } else { "start" });
    if running && action.is_some_and(|action| matches!(action, PolicyAction::Set(_))) {
        view.line("it holds once the driver is loaded anew: `ringcopy stop`, `ringcopy start`")?;
    }
    Ok(())
}

fn show(policy: Policy, view: &mut View<'_, '_>, document: &mut Document) -> Result<(), Stop> {
    let engine = match policy.engine {
        Engine::Auto => EngineName::Auto,
        Engine::Native => EngineName::Native,
        Engine::System => EngineName::System,
    };
    document.detail(
        "policy",
        json!({
            "system_virtual": policy.reach.contains(Reach::SYSTEM_VIRTUAL),
            "physical": policy.reach.contains(Reach::PHYSICAL),
            "kernel_callers": policy.reach.contains(Reach::KERNEL_CALLERS),
            "engine": engine.as_str(),
        }),
    );
    view.line(&format!(
        "{:<22} {}",
        "may be reached",
        reach(policy.reach & Reach::MEMORY)
    ))?;
    let callers = if policy.reach.contains(Reach::KERNEL_CALLERS) {
        "trusted"
    } else {
        "held to a user's rules"
    };
    view.line(&format!("{:<22} {callers}", "kernel callers"))?;
    view.line(&format!("{:<22} {}", "engine", engine.as_str()))?;
    Ok(())
}
