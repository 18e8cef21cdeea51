//! What the driver makes of a hypervisor that may withhold memory: the native engine is not used,
//! unless an administrator insists.

#![forbid(unsafe_code)]

use ringcopy_client::{
    Source,
    protocol::{EngineKind, NATIVE_VALUE, NtStatus, Reach},
};
use ringcopy_lab::{HypervisorKind, Options, RegistryValue};
use ringcopy_tests::{boot_with, open, options, privileged};

const REG_DWORD: u32 = 4;

/// The status of the native engine, and the engine that the automatic choice takes.
fn engine(hypervisor: HypervisorKind, native: Option<&[u8]>) -> (NtStatus, EngineKind) {
    let mut options = Options {
        hypervisor,
        ..options(Reach::all())
    };
    options.values.extend(native.map(|data| RegistryValue {
        name: NATIVE_VALUE.into(),
        kind: REG_DWORD,
        data: data.into(),
    }));
    let lab = boot_with(options);
    let mut process = privileged(&lab);
    let mut device = open(&mut process);
    let status = device.information().unwrap().native_status;
    let source = Source::Physical(0x10_0000);
    let mut read = |engine| device.copy_memory(source, engine, &mut [0; 8]).unwrap();
    let report = read(EngineKind::Auto);
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(read(EngineKind::Native).result.status(), status);
    (status, report.result.engine())
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_native_engine_is_not_used_where_memory_may_be_withheld() {
    let used = (NtStatus::SUCCESS, EngineKind::Native);
    let unused = (NtStatus::HV_ACCESS_DENIED, EngineKind::System);
    for (hypervisor, expected) in [
        (HypervisorKind::None, used),
        (HypervisorKind::HyperV, used),
        (HypervisorKind::Vsm, unused),
        (HypervisorKind::Isolated, unused),
    ] {
        assert_eq!(engine(hypervisor, None), expected, "{hypervisor:?}");
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn an_administrator_may_insist_on_the_native_engine() {
    let used = (NtStatus::SUCCESS, EngineKind::Native);
    let unused = (NtStatus::HV_ACCESS_DENIED, EngineKind::System);
    for (value, expected) in [
        (&[1, 0, 0, 0][..], used),
        (&[0, 0, 0, 0], unused),
        (&[2, 0, 0, 0], unused),
        (&[1, 0, 0], unused),
    ] {
        assert_eq!(
            engine(HypervisorKind::Vsm, Some(value)),
            expected,
            "{value:?}"
        );
    }
}
