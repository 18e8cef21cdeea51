//! The rules that `infverif` checks for a primitive driver, on the package's INF. Each rule is also
//! broken on purpose: a check that nothing can break would be none. Rules and breaches are one table, so
//! they are one file.
//!
//! Numbers are those of "INF Validation Errors and Warnings". Other names are of the pages that set the
//! rule: "Creating a new primitive driver", "Driver Package Isolation", "INF Version Section",
//! "INF `DriverVer` Directive", "Specifying WDF Directives in INF Files", "System-Defined Device Setup
//! Classes Available to Vendors".

#![forbid(unsafe_code)]

use ringcopy_tests::{
    inf::{Entry, Inf},
    package::Package,
};

const INSTALL: &str = "DefaultInstall.NTamd64";
const SERVICES: &str = "DefaultInstall.NTamd64.Services";
const WDF: &str = "DefaultInstall.NTamd64.Wdf";

/// The driver store.
const DIRID_DRIVER_STORE: &str = "13";

const FLG_ADDREG_APPEND: u32 = 0x8;

/// Sections that Windows or `infverif` knows by their names.
const KNOWN: [&str; 7] = [
    "Version",
    "Strings",
    "DestinationDirs",
    "SourceDisksNames",
    "SourceDisksFiles",
    INSTALL,
    SERVICES,
];

/// Returns the directives that name sections, each with the section.
fn references(inf: &Inf) -> Vec<(&Entry, &str)> {
    let index = |entry: &Entry| match entry.key.as_deref()?.to_ascii_lowercase().as_str() {
        "copyfiles" | "addreg" | "delreg" | "delfiles" => Some(0),
        "addservice" => Some(2),
        "kmdfservice" => Some(1),
        _ => None,
    };
    inf.entries()
        .filter_map(|(_, entry)| Some((entry, entry.value(index(entry)?))))
        .filter(|(_, section)| !section.starts_with('@'))
        .collect()
}

/// Returns the lines that write the registry.
fn registry(inf: &Inf) -> Vec<&Entry> {
    references(inf)
        .into_iter()
        .filter(|(entry, _)| entry.is("AddReg"))
        .filter_map(|(_, section)| inf.section(section))
        .flatten()
        .collect()
}

/// Returns the files that are copied.
fn copied(inf: &Inf) -> Vec<&Entry> {
    references(inf)
        .into_iter()
        .filter(|(entry, _)| entry.is("CopyFiles"))
        .filter_map(|(_, section)| inf.section(section))
        .flatten()
        .collect()
}

fn has_directive(inf: &Inf, names: &[&str]) -> bool {
    inf.entries()
        .any(|(_, entry)| names.iter().any(|name| entry.is(name)))
}

fn has_section(inf: &Inf, kept: impl Fn(&str) -> bool) -> bool {
    inf.sections().any(|name| kept(&name.to_ascii_lowercase()))
}

/// A rule, by its name in `infverif`'s documentation or the subject of the page that sets it.
struct Rule {
    name: &'static str,
    kept: fn(&Inf) -> bool,
    /// Changes of the INF that break the rule.
    broken_by: &'static [(&'static str, &'static str)],
}

const RULES: &[Rule] = &[
    Rule {
        name: "inf_verif_1100_driver_store_copy_file_name_mismatch",
        kept: |inf| {
            let files = inf.section("SourceDisksFiles").unwrap_or_default();
            let in_place = |dirs: &[Entry]| dirs.iter().all(|entry| entry.value(1).is_empty());
            // Not renamed, nor put into another folder of the store than it comes from.
            copied(inf).iter().all(|file| file.value(1).is_empty())
                && in_place(files)
                && in_place(inf.section("DestinationDirs").unwrap_or_default())
        },
        broken_by: &[
            (
                "[RingCopy.Files]\r\nringcopy.sys",
                "[RingCopy.Files]\r\nr.sys, ringcopy.sys",
            ),
            ("ringcopy.sys = 1", "ringcopy.sys = 1, x64"),
            ("DefaultDestDir = 13", "DefaultDestDir = 13, x64"),
        ],
    },
    Rule {
        name: "inf_verif_1203_section_not_found",
        kept: |inf| {
            let found = |(_, section): (_, &str)| inf.section(section).is_some();
            references(inf).len() == 4 && references(inf).into_iter().all(found)
        },
        broken_by: &[
            ("CopyFiles = RingCopy.Files", "CopyFiles = ringcopy.sys"),
            ("[RingCopy.Service]", "[RingCopy.Services]"),
            ("[RingCopy.Parameters]", "[Parameters]"),
            ("[RingCopy.Wdf]", "[Wdf]"),
        ],
    },
    Rule {
        name: "inf_verif_1204_provider_cannot_be_microsoft",
        kept: |inf| {
            let provider = inf.text("Version", "Provider").unwrap_or_default();
            !provider.is_empty() && !provider.eq_ignore_ascii_case("Microsoft")
        },
        broken_by: &[
            ("= \"ringcopy\"", "= \"Microsoft\""),
            ("Provider    = %Provider%", ""),
        ],
    },
    Rule {
        name: "inf_verif_1205_section_referenced_from_two_directives",
        kept: |inf| {
            let mut named: Vec<String> = references(inf)
                .into_iter()
                .map(|(_, section)| section.to_ascii_lowercase())
                .collect();
            let all = named.len();
            named.sort();
            named.dedup();
            named.len() == all
        },
        broken_by: &[(
            "KmdfService = RingCopy, RingCopy.Wdf",
            "KmdfService = RingCopy, RingCopy.Service",
        )],
    },
    Rule {
        // "Creating a new primitive driver": "No [Manufacturer] section may be present".
        name: "inf_verif_1212_cannot_have_both_default_install_and_manufacturer",
        kept: |inf| inf.section("Manufacturer").is_none(),
        broken_by: &[("[Strings]", "[Manufacturer]\r\n[Strings]")],
    },
    Rule {
        name: "inf_verif_1221_cannot_modify_services_regkey",
        kept: |inf| {
            !inf.entries().any(|(_, entry)| {
                let line = entry.values.join(",").to_ascii_lowercase();
                line.contains(r"currentcontrolset\services")
            })
        },
        broken_by: &[(
            "HKR, Parameters, Policy",
            r"HKLM, SYSTEM\CurrentControlSet\Services\RingCopy\Parameters, Policy",
        )],
    },
    Rule {
        name: "inf_verif_1230_missing_file_under_source_disks_files",
        kept: |inf| {
            !copied(inf).is_empty()
                && copied(inf).iter().all(|file| {
                    inf.directive("SourceDisksFiles", file.value(0))
                        .and_then(|source| inf.directive("SourceDisksNames", source.value(0)))
                        .is_some()
                })
        },
        broken_by: &[
            ("ringcopy.sys = 1", "other.sys = 1"),
            ("ringcopy.sys = 1", "ringcopy.sys = 2"),
        ],
    },
    Rule {
        name: "inf_verif_1233_missing_directive_required_for_signature",
        kept: |inf| inf.text("Version", "CatalogFile").as_deref() == Some("ringcopy.cat"),
        broken_by: &[
            ("CatalogFile = ringcopy.cat", ""),
            ("CatalogFile = ringcopy.cat", "CatalogFile = other.cat"),
        ],
    },
    Rule {
        name: "inf_verif_1235_string_token_not_defined",
        kept: |inf| {
            inf.entries().all(|(_, entry)| {
                entry.values.iter().all(|value| {
                    // Every second part stands between percent signs; numbers are folders.
                    value.split('%').skip(1).step_by(2).all(|token| {
                        token.parse::<u32>().is_ok() || inf.text("Strings", token).is_some()
                    })
                })
            })
        },
        broken_by: &[
            ("%ServiceName%", "%ServiceTitle%"),
            ("1 = %DiskName%", "1 = %Disk%"),
        ],
    },
    Rule {
        // "Creating a new primitive driver": "[DefaultInstall] sections must be architecture decorated,
        // and no undecorated versions may be present".
        name: "inf_verif_1297_device_driver_does_not_install_on_any_devices",
        kept: |inf| {
            inf.section(INSTALL).is_some()
                && !has_section(inf, |name| {
                    [
                        "defaultinstall",
                        "defaultinstall.services",
                        "defaultinstall.nt",
                    ]
                    .contains(&name)
                })
        },
        broken_by: &[
            ("[DefaultInstall.NTamd64]", "[DefaultInstall]"),
            ("[Strings]", "[DefaultInstall]\r\n[Strings]"),
        ],
    },
    Rule {
        name: "inf_verif_1300_and_1301_legacy_sections_and_directives",
        kept: |inf| {
            !has_section(inf, |name| {
                [
                    ".coinstallers",
                    ".logconfigoverride",
                    ".factdef",
                    ".interfaces",
                ]
                .iter()
                .any(|legacy| name.ends_with(legacy))
                    || name.starts_with("classinstall32")
            }) && !has_directive(
                inf,
                &[
                    "BitReg",
                    "CopyINF",
                    "Ini2Reg",
                    "LogConfig",
                    "ProfileItems",
                    "RegisterDlls",
                    "RenFiles",
                    "UnregisterDlls",
                    "UpdateIniFields",
                    "UpdateInis",
                ],
            )
        },
        broken_by: &[
            (
                "[Strings]",
                "[DefaultInstall.NTamd64.CoInstallers]\r\n[Strings]",
            ),
            ("[Strings]", "[ClassInstall32]\r\n[Strings]"),
            ("CopyFiles =", "RenFiles = a\r\nCopyFiles ="),
            ("CopyFiles =", "RegisterDlls = a\r\nCopyFiles ="),
        ],
    },
    Rule {
        name: "inf_verif_1302_legacy_operation_outside_of_the_package",
        kept: |inf| !has_directive(inf, &["DelFiles", "DelReg", "DelService"]),
        broken_by: &[("AddService =", "DelService = Other\r\nAddService =")],
    },
    Rule {
        name: "inf_verif_1303_legacy_operation_defining_co_installers",
        kept: |inf| {
            !inf.entries().any(|(_, entry)| {
                let named = |value: &String| value.to_ascii_lowercase().contains("coinstallers");
                entry.values.iter().any(named)
            })
        },
        broken_by: &[("HKR, Parameters, Policy", "HKR,, CoInstallers32")],
    },
    Rule {
        // "Driver Package Isolation", Service Registry State: "stored under the "Parameters" subkey of
        // the service using an HKR line".
        name: "inf_verif_1304_legacy_operation_using_non_relative_key",
        kept: |inf| {
            !registry(inf).is_empty()
                && registry(inf).iter().all(|line| {
                    line.value(0).eq_ignore_ascii_case("HKR")
                        && line.value(1).eq_ignore_ascii_case("Parameters")
                })
        },
        broken_by: &[
            ("HKR, Parameters, Policy", "HKLM, Software, Policy"),
            ("HKR, Parameters, Engine", "HKR, , Engine"),
        ],
    },
    Rule {
        name: "inf_verif_1305_legacy_operation_using_appendable_multi_sz_value",
        kept: |inf| {
            registry(inf).iter().all(|line| {
                let flags = line.value(3).trim_start_matches("0x");
                u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & FLG_ADDREG_APPEND == 0)
            })
        },
        broken_by: &[("0x00010003", "0x00010008")],
    },
    Rule {
        // "Driver Package Isolation", Run From Driver Store; "Creating a new primitive driver": "Drivers
        // should also use Dirid 13".
        name: "inf_verif_1306_legacy_operation_with_non_system_target_path",
        kept: |inf| {
            let folders = inf.section("DestinationDirs").unwrap_or_default();
            !folders.is_empty()
                && folders
                    .iter()
                    .all(|entry| entry.value(0) == DIRID_DRIVER_STORE)
                && inf.text("RingCopy.Service", "ServiceBinary").as_deref()
                    == Some(r"%13%\ringcopy.sys")
        },
        broken_by: &[
            ("DefaultDestDir = 13", "DefaultDestDir = 12"),
            (r"%13%\ringcopy.sys", r"%12%\ringcopy.sys"),
            (r"%13%\ringcopy.sys", r"%13%\other.sys"),
        ],
    },
    Rule {
        name: "inf_verif_1330_functional_errors_of_several_install_sections",
        kept: |inf| {
            let installs = |name: &&str| {
                let name = name.to_ascii_lowercase();
                name.starts_with("defaultinstall") && name.matches('.').count() < 2
            };
            inf.sections().filter(installs).count() == 1
                && inf.section(SERVICES).map(<[Entry]>::len) == Some(1)
        },
        broken_by: &[
            ("[Strings]", "[DefaultInstall.NTarm64]\r\n[Strings]"),
            (
                "AddService = RingCopy, , RingCopy.Service",
                "AddService = A, , RingCopy.Service\r\nAddService = B, , RingCopy.Service",
            ),
        ],
    },
    Rule {
        name: "inf_verif_2083_section_not_referenced_or_used",
        kept: |inf| {
            let named = references(inf);
            inf.sections().all(|section| {
                KNOWN
                    .iter()
                    .chain(&[WDF])
                    .any(|known| known.eq_ignore_ascii_case(section))
                    || named
                        .iter()
                        .any(|(_, name)| name.eq_ignore_ascii_case(section))
            })
        },
        broken_by: &[("[Strings]", "[Forgotten]\r\n[Strings]")],
    },
    Rule {
        name: "primitive_driver_version_section_must_be_complete",
        kept: |inf| {
            let filled = |name| {
                inf.text("Version", name)
                    .is_some_and(|text| !text.is_empty())
            };
            ["Provider", "Class", "ClassGuid"].into_iter().all(filled)
                && inf.text("Version", "Signature").as_deref() == Some("$WINDOWS NT$")
        },
        broken_by: &[
            ("Class       = System", ""),
            ("Class       = System", "Class ="),
            ("ClassGuid   = {", "; {"),
            ("$WINDOWS NT$", "$OTHER$"),
        ],
    },
    Rule {
        name: "primitive_driver_default_uninstall_may_not_be_present",
        kept: |inf| !has_section(inf, |name| name.starts_with("defaultuninstall")),
        broken_by: &[("[Strings]", "[DefaultUninstall.NTamd64]\r\n[Strings]")],
    },
    Rule {
        name: "setup_class_is_available_to_vendors",
        kept: |inf| {
            inf.text("Version", "Class").as_deref() == Some("System")
                && inf.text("Version", "ClassGuid").as_deref()
                    == Some("{4D36E97D-E325-11CE-BFC1-08002BE10318}")
        },
        broken_by: &[("= System", "= SoftwareDevice"), ("{4D36E97D", "{4D36E97E")],
    },
    Rule {
        name: "version_section_pnp_lockdown",
        kept: |inf| inf.text("Version", "PnpLockdown").as_deref() == Some("1"),
        broken_by: &[
            ("PnpLockdown = 1", "PnpLockdown = 0"),
            ("PnpLockdown = 1", ""),
        ],
    },
    Rule {
        // "INF AddService Directive": SERVICE_KERNEL_DRIVER, SERVICE_DEMAND_START. A driver that starts
        // with Windows would need page hashes, and safe mode to be got rid of.
        name: "service_is_a_kernel_driver_started_on_demand",
        kept: |inf| {
            [
                ("ServiceType", "1"),
                ("StartType", "3"),
                ("ErrorControl", "1"),
            ]
            .iter()
            .all(|(name, value)| inf.text("RingCopy.Service", name).as_deref() == Some(value))
        },
        broken_by: &[
            ("StartType     = 3", "StartType     = 0"),
            ("ServiceType   = 1", "ServiceType   = 16"),
        ],
    },
    Rule {
        name: "driver_ver_is_a_date_and_four_numbers",
        kept: |inf| {
            inf.directive("Version", "DriverVer")
                .is_some_and(|entry| is_date(entry.value(0)) && is_version(entry.value(1)))
        },
        broken_by: &[
            ("DriverVer   = ", "DriverVer   = 1"),
            ("DriverVer   = ", "DriverVer   = ,"),
            ("DriverVer   = ", "; "),
        ],
    },
    Rule {
        name: "wdf_directives_name_the_service_and_the_framework",
        kept: |inf| {
            let service = |section, name| Some(inf.directive(section, name)?.value(0).to_owned());
            service(SERVICES, "AddService").is_some()
                && service(SERVICES, "AddService") == service(WDF, "KmdfService")
                && inf.text("RingCopy.Wdf", "KmdfLibraryVersion") == Some(kmdf_version())
        },
        broken_by: &[
            ("AddService = RingCopy,", "AddService = Other,"),
            ("[DefaultInstall.NTamd64.Wdf]", "[DefaultInstall.Wdf]"),
            ("KmdfLibraryVersion = ", "KmdfLibraryVersion = 9"),
        ],
    },
];

fn is_date(date: &str) -> bool {
    let parts: Vec<Option<u32>> = date.split('/').map(|part| part.parse().ok()).collect();
    date.len() == 10 && matches!(parts[..], [Some(1..=12), Some(1..=31), Some(2000..=2100)])
}

fn is_version(version: &str) -> bool {
    let parts = version.split('.').map(str::parse::<u16>);
    parts.clone().count() == 4 && parts.into_iter().all(|part| part.is_ok())
}

/// Returns the framework for which the driver's manifest asks wdk-build.
fn kmdf_version() -> String {
    let manifest = include_str!("../../../Cargo.toml");
    let number = |name: &str| {
        let line = manifest.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split('=').nth(1)).unwrap().trim()
    };
    format!(
        "{}.{}",
        number("kmdf-version-major"),
        number("target-kmdf-version-minor")
    )
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn the_inf_keeps_every_rule_and_each_can_be_broken() {
    let text = String::from_utf8(Package::built().read("ringcopy.inf")).unwrap();
    for Rule {
        name,
        kept,
        broken_by,
    } in RULES
    {
        assert!(kept(&Inf::parse(&text).unwrap()), "{name} is broken");
        for (original, change) in *broken_by {
            assert!(text.contains(original), "{name}: there is no {original}");
            let broken = text.replacen(original, change, 1);
            let inf = Inf::parse(&broken).unwrap();
            assert!(!kept(&inf), "{name} is kept by\n{broken}");
        }
    }
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn driver_ver_has_the_version_of_the_package() {
    let inf = String::from_utf8(Package::built().read("ringcopy.inf")).unwrap();
    let version = concat!(",", env!("CARGO_PKG_VERSION"), ".0\r\n");
    assert!(inf.contains(version), "the version is not {version}");
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn general_syntax_lines_end_as_on_windows() {
    let bytes = Package::built().read("ringcopy.inf");
    assert!(bytes.is_ascii(), "anything else needs a byte order mark");
    let ends = bytes.split_inclusive(|byte| *byte == b'\n');
    assert!(ends.into_iter().all(|line| line.ends_with(b"\r\n")));
}
