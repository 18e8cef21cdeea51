//! `ringcopy info`: what the driver is, and what this process may reach through it.

use ringcopy_protocol::{NtStatus, Reach, RequestKind};
use serde_json::json;

use super::{
    Stop,
    record::{Record, hexadecimal},
    view::View,
};
use crate::{Device, OpenAccess, Transport};

pub(super) fn run(transport: &mut dyn Transport, view: &mut View<'_, '_>) -> Result<(), Stop> {
    let information = Device::open(transport, OpenAccess::Read)?.information()?;
    view.document
        .record(Record::plain(RequestKind::Information, NtStatus::SUCCESS));
    let [major, minor, patch] = information.driver_version;
    let version = format!("{major}.{minor}.{patch}");
    let insisted = if information.native_under_hypervisor {
        "; allowed where a hypervisor may withhold memory"
    } else {
        ""
    };
    let known = information.session_address != 0;
    let pages = information.session_physical_addresses.map(hexadecimal);
    view.document.detail(
        "information",
        json!({
            "driver_version": version,
            "policy": names(information.policy),
            "reach": names(information.reach),
            "native_engine": information.native_status.to_string(),
            "paging_levels": information.paging_levels,
            "smap": information.smap,
            "session_address": known.then(|| hexadecimal(information.session_address)),
            "session_physical_addresses": known.then(|| pages.clone()),
            "session_length": information.session_length,
            "user_limit": hexadecimal(information.user_limit),
            "maximum_length": information.maximum_length,
            "device_page_length": information.device_page_length,
            "kernel_mode": information.kernel_mode,
            "maximum_entries": information.maximum_entries,
            "physical_address_bits": information.physical_address_bits,
            "maximum_handles": information.maximum_handles,
            "native_under_hypervisor": information.native_under_hypervisor,
        }),
    );
    for (name, value) in [
        ("driver", version),
        ("policy allows", reach(information.policy)),
        ("reach of this handle", reach(information.reach)),
        (
            "native engine",
            native(information.native_status) + insisted,
        ),
        (
            "page tables",
            format!("{} levels", information.paging_levels),
        ),
        ("SMAP", if information.smap { "on" } else { "off" }.into()),
        (
            "session buffer",
            if known {
                format!(
                    "{} bytes at {:#x}, physical {}",
                    information.session_length,
                    information.session_address,
                    pages.join(", ")
                )
            } else {
                format!(
                    "{} bytes; its addresses are told to holders of SeDebugPrivilege",
                    information.session_length
                )
            },
        ),
        (
            "device page",
            format!("{} bytes", information.device_page_length),
        ),
        ("user memory ends at", hexadecimal(information.user_limit)),
        (
            "one request copies",
            format!(
                "at most {} bytes, or {} pieces",
                information.maximum_length, information.maximum_entries
            ),
        ),
        (
            "physical addresses",
            format!("{} bits", information.physical_address_bits),
        ),
        (
            "handles",
            format!("at most {} open at a time", information.maximum_handles),
        ),
    ] {
        view.line(&format!("{name:<22} {value}"))?;
    }
    Ok(())
}

fn names(reach: Reach) -> Vec<&'static str> {
    [
        (Reach::SYSTEM_VIRTUAL, "system virtual"),
        (Reach::PHYSICAL, "physical"),
        (Reach::KERNEL_CALLERS, "what kernel callers name"),
    ]
    .into_iter()
    .filter_map(|(bit, name)| reach.contains(bit).then_some(name))
    .collect()
}

/// Returns the text for a reach.
pub(super) fn reach(reach: Reach) -> String {
    let mut words = vec!["own memory"];
    words.extend(names(reach));
    words.join(", ")
}

/// Returns the text for the native engine's status.
pub(super) fn native(status: NtStatus) -> String {
    if status == NtStatus::SUCCESS {
        "ready".into()
    } else {
        format!("not in use ({status})")
    }
}
