//! The rules that `infverif` checks for a primitive driver, on the package's INF. Each test is named
//! by the rule, and breaks it on purpose too: a rule that nothing can break would be none. There are
//! many rules, hence the length.
//!
//! Numbers are those of "INF Validation Errors and Warnings"; other names are of the pages that set
//! the rule: "Creating a new primitive driver", "Driver Package Isolation", "INF Version Section",
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

/// Checks that the package's INF keeps a rule, and that it would not if a piece of it were another.
fn rule(kept: impl Fn(&Inf) -> bool, breaks: &[(&str, &str)]) {
    let text = String::from_utf8(Package::built().read("ringcopy.inf")).unwrap();
    assert!(kept(&Inf::parse(&text).unwrap()), "the rule is broken");
    for (original, broken) in breaks {
        assert!(text.contains(original), "there is no {original}");
        let broken = text.replacen(original, broken, 1);
        assert!(!kept(&Inf::parse(&broken).unwrap()), "kept by\n{broken}");
    }
}

/// Directives that name sections, where they stand among the values, and the section named.
fn references(inf: &Inf) -> Vec<(&Entry, &str)> {
    let place = |entry: &Entry| match entry.key.as_deref()?.to_ascii_lowercase().as_str() {
        "copyfiles" | "addreg" | "delreg" | "delfiles" => Some(0),
        "addservice" => Some(2),
        "kmdfservice" => Some(1),
        _ => None,
    };
    inf.entries()
        .filter_map(|(_, entry)| Some((entry, entry.value(place(entry)?))))
        .filter(|(_, section)| !section.starts_with('@'))
        .collect()
}

/// The lines that write the registry.
fn registry(inf: &Inf) -> Vec<&Entry> {
    references(inf)
        .into_iter()
        .filter(|(entry, _)| entry.is("AddReg"))
        .filter_map(|(_, section)| inf.section(section))
        .flatten()
        .collect()
}

/// The files that are copied.
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

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_1100_driver_store_copy_file_name_mismatch() {
    rule(
        |inf| {
            let files = inf.section("SourceDisksFiles").unwrap_or_default();
            let in_place = |dirs: &[Entry]| dirs.iter().all(|entry| entry.value(1).is_empty());
            // Not renamed, nor put into another folder of the store than it comes from.
            copied(inf).iter().all(|file| file.value(1).is_empty())
                && in_place(files)
                && in_place(inf.section("DestinationDirs").unwrap_or_default())
        },
        &[
            (
                "[RingCopy.Files]\r\nringcopy.sys",
                "[RingCopy.Files]\r\nr.sys, ringcopy.sys",
            ),
            ("ringcopy.sys = 1", "ringcopy.sys = 1, x64"),
            ("DefaultDestDir = 13", "DefaultDestDir = 13, x64"),
        ],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_1203_section_not_found() {
    rule(
        |inf| {
            let found = |(_, section): (_, &str)| inf.section(section).is_some();
            references(inf).len() == 4 && references(inf).into_iter().all(found)
        },
        &[
            ("CopyFiles = RingCopy.Files", "CopyFiles = ringcopy.sys"),
            ("[RingCopy.Service]", "[RingCopy.Services]"),
            ("[RingCopy.Parameters]", "[Parameters]"),
            ("[RingCopy.Wdf]", "[Wdf]"),
        ],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_1204_provider_cannot_be_microsoft() {
    rule(
        |inf| {
            let provider = inf.text("Version", "Provider").unwrap_or_default();
            !provider.is_empty() && !provider.eq_ignore_ascii_case("Microsoft")
        },
        &[
            ("= \"ringcopy\"", "= \"Microsoft\""),
            ("Provider    = %Provider%", ""),
        ],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_1205_section_referenced_from_two_directives() {
    rule(
        |inf| {
            let mut named: Vec<String> = references(inf)
                .into_iter()
                .map(|(_, section)| section.to_ascii_lowercase())
                .collect();
            let all = named.len();
            named.sort();
            named.dedup();
            named.len() == all
        },
        &[(
            "KmdfService = RingCopy, RingCopy.Wdf",
            "KmdfService = RingCopy, RingCopy.Service",
        )],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_1212_cannot_have_both_default_install_and_manufacturer() {
    // "Creating a new primitive driver": "No [Manufacturer] section may be present".
    rule(
        |inf| inf.section("Manufacturer").is_none(),
        &[("[Strings]", "[Manufacturer]\r\n[Strings]")],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_1221_cannot_modify_services_regkey() {
    rule(
        |inf| {
            !inf.entries().any(|(_, entry)| {
                let line = entry.values.join(",").to_ascii_lowercase();
                line.contains(r"currentcontrolset\services")
            })
        },
        &[(
            "HKR, Parameters, Policy",
            r"HKLM, SYSTEM\CurrentControlSet\Services\RingCopy\Parameters, Policy",
        )],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_1230_missing_file_under_source_disks_files() {
    rule(
        |inf| {
            !copied(inf).is_empty()
                && copied(inf).iter().all(|file| {
                    inf.directive("SourceDisksFiles", file.value(0))
                        .and_then(|source| inf.directive("SourceDisksNames", source.value(0)))
                        .is_some()
                })
        },
        &[
            ("ringcopy.sys = 1", "other.sys = 1"),
            ("ringcopy.sys = 1", "ringcopy.sys = 2"),
        ],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_1233_missing_directive_required_for_signature() {
    rule(
        |inf| inf.text("Version", "CatalogFile").as_deref() == Some("ringcopy.cat"),
        &[
            ("CatalogFile = ringcopy.cat", ""),
            ("CatalogFile = ringcopy.cat", "CatalogFile = other.cat"),
        ],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_1235_string_token_not_defined() {
    rule(
        |inf| {
            inf.entries().all(|(_, entry)| {
                entry.values.iter().all(|value| {
                    // Every second part stands between percent signs; numbers are folders.
                    value.split('%').skip(1).step_by(2).all(|token| {
                        token.parse::<u32>().is_ok() || inf.text("Strings", token).is_some()
                    })
                })
            })
        },
        &[
            ("%ServiceName%", "%ServiceTitle%"),
            ("1 = %DiskName%", "1 = %Disk%"),
        ],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_1297_device_driver_does_not_install_on_any_devices() {
    // "Creating a new primitive driver": "[DefaultInstall] sections must be architecture decorated,
    // and no undecorated versions may be present".
    rule(
        |inf| {
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
        &[
            ("[DefaultInstall.NTamd64]", "[DefaultInstall]"),
            ("[Strings]", "[DefaultInstall]\r\n[Strings]"),
        ],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_1300_and_1301_legacy_sections_and_directives() {
    rule(
        |inf| {
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
        &[
            (
                "[Strings]",
                "[DefaultInstall.NTamd64.CoInstallers]\r\n[Strings]",
            ),
            ("[Strings]", "[ClassInstall32]\r\n[Strings]"),
            ("CopyFiles =", "RenFiles = a\r\nCopyFiles ="),
            ("CopyFiles =", "RegisterDlls = a\r\nCopyFiles ="),
        ],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_1302_legacy_operation_outside_of_the_package() {
    rule(
        |inf| !has_directive(inf, &["DelFiles", "DelReg", "DelService"]),
        &[("AddService =", "DelService = Other\r\nAddService =")],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_1303_legacy_operation_defining_co_installers() {
    rule(
        |inf| {
            !inf.entries().any(|(_, entry)| {
                let named = |value: &String| value.to_ascii_lowercase().contains("coinstallers");
                entry.values.iter().any(named)
            })
        },
        &[("HKR, Parameters, Policy", "HKR,, CoInstallers32")],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_1304_legacy_operation_using_non_relative_key() {
    // "Driver Package Isolation", Service Registry State: "stored under the "Parameters" subkey of
    // the service using an HKR line".
    rule(
        |inf| {
            !registry(inf).is_empty()
                && registry(inf).iter().all(|line| {
                    line.value(0).eq_ignore_ascii_case("HKR")
                        && line.value(1).eq_ignore_ascii_case("Parameters")
                })
        },
        &[
            ("HKR, Parameters, Policy", "HKLM, Software, Policy"),
            ("HKR, Parameters, Engine", "HKR, , Engine"),
        ],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_1305_legacy_operation_using_appendable_multi_sz_value() {
    rule(
        |inf| {
            registry(inf).iter().all(|line| {
                let flags = line.value(3).trim_start_matches("0x");
                u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & FLG_ADDREG_APPEND == 0)
            })
        },
        &[("0x00010003", "0x00010008")],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_1306_legacy_operation_with_non_system_target_path() {
    // "Driver Package Isolation", Run From Driver Store; "Creating a new primitive driver": "Drivers
    // should also use Dirid 13".
    rule(
        |inf| {
            let folders = inf.section("DestinationDirs").unwrap_or_default();
            !folders.is_empty()
                && folders
                    .iter()
                    .all(|entry| entry.value(0) == DIRID_DRIVER_STORE)
                && inf.text("RingCopy.Service", "ServiceBinary").as_deref()
                    == Some(r"%13%\ringcopy.sys")
        },
        &[
            ("DefaultDestDir = 13", "DefaultDestDir = 12"),
            (r"%13%\ringcopy.sys", r"%12%\ringcopy.sys"),
            (r"%13%\ringcopy.sys", r"%13%\other.sys"),
        ],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_1330_functional_errors_of_several_install_sections() {
    rule(
        |inf| {
            let installs = |name: &&str| {
                let name = name.to_ascii_lowercase();
                name.starts_with("defaultinstall") && name.matches('.').count() < 2
            };
            inf.sections().filter(installs).count() == 1
                && inf.section(SERVICES).map(<[Entry]>::len) == Some(1)
        },
        &[
            ("[Strings]", "[DefaultInstall.NTarm64]\r\n[Strings]"),
            (
                "AddService = RingCopy, , RingCopy.Service",
                "AddService = A, , RingCopy.Service\r\nAddService = B, , RingCopy.Service",
            ),
        ],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn inf_verif_2083_section_not_referenced_or_used() {
    rule(
        |inf| {
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
        &[("[Strings]", "[Forgotten]\r\n[Strings]")],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn primitive_driver_version_section_must_be_complete() {
    rule(
        |inf| {
            let filled = |name| {
                inf.text("Version", name)
                    .is_some_and(|text| !text.is_empty())
            };
            ["Provider", "Class", "ClassGuid"].into_iter().all(filled)
                && inf.text("Version", "Signature").as_deref() == Some("$WINDOWS NT$")
        },
        &[
            ("Class       = System", ""),
            ("Class       = System", "Class ="),
            ("ClassGuid   = {", "; {"),
            ("$WINDOWS NT$", "$OTHER$"),
        ],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn primitive_driver_default_uninstall_may_not_be_present() {
    rule(
        |inf| !has_section(inf, |name| name.starts_with("defaultuninstall")),
        &[("[Strings]", "[DefaultUninstall.NTamd64]\r\n[Strings]")],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn setup_class_is_available_to_vendors() {
    rule(
        |inf| {
            inf.text("Version", "Class").as_deref() == Some("System")
                && inf.text("Version", "ClassGuid").as_deref()
                    == Some("{4D36E97D-E325-11CE-BFC1-08002BE10318}")
        },
        &[("= System", "= SoftwareDevice"), ("{4D36E97D", "{4D36E97E")],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn version_section_pnp_lockdown() {
    rule(
        |inf| inf.text("Version", "PnpLockdown").as_deref() == Some("1"),
        &[
            ("PnpLockdown = 1", "PnpLockdown = 0"),
            ("PnpLockdown = 1", ""),
        ],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn driver_ver_is_a_date_and_four_numbers() {
    let is_date = |date: &str| {
        let parts: Vec<Option<u32>> = date.split('/').map(|part| part.parse().ok()).collect();
        date.len() == 10 && matches!(parts[..], [Some(1..=12), Some(1..=31), Some(2000..=2100)])
    };
    let is_version = |version: &str| {
        let parts = version.split('.').map(str::parse::<u16>);
        parts.clone().count() == 4 && parts.into_iter().all(|part| part.is_ok())
    };
    rule(
        |inf| {
            inf.directive("Version", "DriverVer")
                .is_some_and(|entry| is_date(entry.value(0)) && is_version(entry.value(1)))
        },
        &[
            ("DriverVer   = ", "DriverVer   = 1"),
            ("DriverVer   = ", "DriverVer   = ,"),
            ("DriverVer   = ", "; "),
        ],
    );
    let inf = String::from_utf8(Package::built().read("ringcopy.inf")).unwrap();
    let version = concat!(",", env!("CARGO_PKG_VERSION"), ".0\r\n");
    assert!(
        inf.contains(version),
        "the version is another than {version}"
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn wdf_directives_name_the_service_and_the_framework() {
    // The framework that the driver's manifest asks wdk-build for.
    let manifest = include_str!("../../../Cargo.toml");
    let number = |name: &str| {
        let line = manifest.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split('=').nth(1)).unwrap().trim()
    };
    let version = format!(
        "{}.{}",
        number("kmdf-version-major"),
        number("target-kmdf-version-minor")
    );
    let library = format!("KmdfLibraryVersion = {version}");
    rule(
        |inf| {
            let service = |section, name| Some(inf.directive(section, name)?.value(0).to_owned());
            service(SERVICES, "AddService").is_some()
                && service(SERVICES, "AddService") == service(WDF, "KmdfService")
                && inf.text("RingCopy.Wdf", "KmdfLibraryVersion") == Some(version.clone())
        },
        &[
            ("AddService = RingCopy,", "AddService = Other,"),
            ("[DefaultInstall.NTamd64.Wdf]", "[DefaultInstall.Wdf]"),
            (&library, "KmdfLibraryVersion = 1.9"),
        ],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn service_is_a_kernel_driver_started_on_demand() {
    // "INF AddService Directive": SERVICE_KERNEL_DRIVER, SERVICE_DEMAND_START. A driver that starts
    // with Windows would need page hashes, and safe mode to be got rid of.
    rule(
        |inf| {
            [
                ("ServiceType", "1"),
                ("StartType", "3"),
                ("ErrorControl", "1"),
            ]
            .iter()
            .all(|(name, value)| inf.text("RingCopy.Service", name).as_deref() == Some(value))
        },
        &[
            ("StartType     = 3", "StartType     = 0"),
            ("ServiceType   = 1", "ServiceType   = 16"),
        ],
    );
}

#[test]
#[ignore = "needs a package: cargo xtask test runs it"]
fn general_syntax_lines_end_as_windows_ends_them() {
    let bytes = Package::built().read("ringcopy.inf");
    assert!(bytes.is_ascii(), "anything else needs a byte order mark");
    let ends = bytes.split_inclusive(|byte| *byte == b'\n');
    assert!(ends.into_iter().all(|line| line.ends_with(b"\r\n")));
}
