//! The commands that install, load and configure the driver.

use ringcopy_protocol::{Reach, Settings};
use serde_json::{Value, json};

use super::{
    Stop,
    arguments::{InstallArguments, KernelCallers, Permission, PolicyAction, ReachName},
    info::reach,
    record::engine_name,
    view::View,
};
use crate::machine::{self, Failure, Installed, Package, SERVICE, State, System};

pub(super) fn install(
    arguments: &InstallArguments,
    system: &mut dyn System,
    view: &mut View<'_, '_>,
) -> Result<(), Stop> {
    let folder = match &arguments.from {
        Some(folder) => folder.clone(),
        None => system.package().ok_or_else(|| {
            Stop::Sentence(
                "cannot tell in which folder this program is; name the package's folder with --from."
                    .into(),
            )
        })?,
    };
    let package = Package {
        folder,
        trust_certificate: arguments.trust_certificate,
    };
    let (word, text) = match machine::install(system, &package)? {
        Installed::Now => ("installed", "installed"),
        Installed::Updated => ("updated", "installed again, with this image"),
        Installed::Already => ("unchanged", "installed already; nothing was changed"),
    };
    view.document.detail("result", word);
    view.document.detail("image", system.image_path());
    view.line(&format!("{SERVICE} is {text}: {}", system.image_path()))?;
    Ok(())
}

pub(super) fn uninstall(system: &mut dyn System, view: &mut View<'_, '_>) -> Result<(), Stop> {
    report(
        machine::uninstall(system),
        "uninstalled",
        "uninstalled: the service, its settings and the image are gone",
        "there was nothing to uninstall",
        view,
    )?;
    // Last, so that it has the events of unloading.
    if let Some(trace) = machine::end_trace(system)? {
        let file = trace.file.display().to_string();
        view.document.detail("trace", file.as_str());
        view.line(&format!(
            "the driver's events were being collected, which is stopped; `ringcopy trace show {file}` shows them"
        ))?;
    }
    Ok(())
}

pub(super) fn start(system: &mut dyn System, view: &mut View<'_, '_>) -> Result<(), Stop> {
    report(
        machine::start(system),
        "started",
        "the driver is loaded",
        "the driver was loaded already",
        view,
    )
}

pub(super) fn stop(system: &mut dyn System, view: &mut View<'_, '_>) -> Result<(), Stop> {
    report(
        machine::stop(system),
        "stopped",
        "the driver is unloaded",
        "the driver was not loaded",
        view,
    )
}

/// Reports whether a command changed anything.
fn report(
    changed: Result<bool, Failure>,
    result: &str,
    if_changed: &str,
    if_unchanged: &str,
    view: &mut View<'_, '_>,
) -> Result<(), Stop> {
    let (result, line) = if changed? {
        (result, if_changed)
    } else {
        ("unchanged", if_unchanged)
    };
    view.document.detail("result", result);
    Ok(view.line(line)?)
}

pub(super) fn status(system: &mut dyn System, view: &mut View<'_, '_>) -> Result<(), Stop> {
    let Some(service) = system.service().map_err(Failure::from)? else {
        view.document.detail("state", "not installed");
        view.document.detail("image", Value::Null);
        return Ok(view.line("not installed")?);
    };
    let state = match service.state {
        State::Stopped => "stopped",
        State::Running => "running",
        State::Changing => "changing",
    };
    view.document.detail("state", state);
    view.document.detail("image", service.image.clone());
    Ok(view.line(&format!("{state}: {}", service.image))?)
}

pub(super) fn policy(
    action: Option<&PolicyAction>,
    system: &mut dyn System,
    view: &mut View<'_, '_>,
) -> Result<(), Stop> {
    let mut settings = machine::policy(system)?;
    if let Some(PolicyAction::Set(set)) = action {
        if !set.reach.is_empty() {
            let others = settings.policy - Reach::MEMORY;
            settings.policy = set.reach.iter().fold(others, |reach, name| {
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
            settings.policy.set(Reach::KERNEL_CALLERS, allowed);
        }
        if let Some(engine) = set.engine {
            settings.engine = engine.into();
        }
        if let Some(permission) = set.native_under_hypervisor {
            settings.native_under_hypervisor = permission == Permission::Allow;
        }
        if let Some(count) = set.maximum_handles {
            settings.maximum_handles = count;
        }
        machine::set_policy(system, settings)?;
    }
    show(settings, view)?;
    let running = system
        .service()
        .map_err(Failure::from)?
        .is_some_and(|service| service.state != State::Stopped);
    let takes_effect = if running { "restart" } else { "start" };
    view.document.detail("takes_effect", takes_effect);
    if running && action.is_some_and(|action| matches!(action, PolicyAction::Set(_))) {
        view.line(
            "it takes effect when the driver is loaded again: `ringcopy stop`, `ringcopy start`",
        )?;
    }
    Ok(())
}

fn show(settings: Settings, view: &mut View<'_, '_>) -> Result<(), Stop> {
    let Settings {
        policy,
        engine,
        native_under_hypervisor,
        maximum_handles,
    } = settings;
    let engine = engine_name(engine).unwrap_or("auto");
    let kernel_callers = policy.contains(Reach::KERNEL_CALLERS);
    view.document.detail(
        "policy",
        json!({
            "system_virtual": policy.contains(Reach::SYSTEM_VIRTUAL),
            "physical": policy.contains(Reach::PHYSICAL),
            "kernel_callers": kernel_callers,
            "engine": engine,
            "native_under_hypervisor": native_under_hypervisor,
            "maximum_handles": maximum_handles,
        }),
    );
    let callers = if kernel_callers {
        "trusted"
    } else {
        "checked like a user's"
    };
    let under_hypervisor = if native_under_hypervisor {
        "native engine allowed"
    } else {
        "native engine forbidden where memory may be withheld"
    };
    for (name, value) in [
        ("reach", reach(policy & Reach::MEMORY)),
        ("kernel callers", callers.into()),
        ("engine", engine.into()),
        ("under a hypervisor", under_hypervisor.into()),
        (
            "handles",
            format!("at most {maximum_handles} open at a time"),
        ),
    ] {
        view.line(&format!("{name:<22} {value}"))?;
    }
    Ok(())
}
