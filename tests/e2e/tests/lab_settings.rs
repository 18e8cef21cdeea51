//! Settings of every type and length in the registry.

#![forbid(unsafe_code)]

use ringcopy_client::{
    Information,
    protocol::{ENGINE_VALUE, MAXIMUM_HANDLES_VALUE, NATIVE_VALUE, NtStatus, POLICY_VALUE, Reach},
};
use ringcopy_lab::{Options, RegistryValue};
use ringcopy_tests::{boot_with, open, options, privileged};

const REG_NONE: u32 = 0;
const REG_SZ: u32 = 1;
const REG_BINARY: u32 = 3;
const REG_DWORD: u32 = 4;
const REG_DWORD_BIG_ENDIAN: u32 = 5;
const REG_QWORD: u32 = 11;

/// Values that are not a `REG_DWORD` of four bytes. Most hold bits that would allow all reach.
const MISTYPED: &[(u32, &[u8])] = &[
    (REG_DWORD, &[]),
    (REG_DWORD, &[3]),
    (REG_DWORD, &[3, 0, 0]),
    (REG_DWORD, &[3, 0, 0, 0, 0]),
    (REG_DWORD, &[3; 256]),
    (REG_NONE, &[]),
    (REG_NONE, &[3, 0, 0, 0]),
    (REG_SZ, &[]),
    (REG_SZ, &[0, 0]),
    (REG_SZ, b"3\0\0\0"),
    (REG_BINARY, &[3, 0, 0, 0]),
    (REG_DWORD_BIG_ENDIAN, &[3, 0, 0, 0]),
    (REG_QWORD, &[]),
    (REG_QWORD, &[3, 0, 0, 0]),
    (REG_QWORD, &[3, 0, 0, 0, 0, 0, 0, 0]),
    (u32::MAX, &[3, 0, 0, 0]),
];

/// The policy of the driver and the status of its native engine, with these values.
fn settings(values: &[(&str, u32, &[u8])]) -> (Reach, NtStatus) {
    let information = information(values);
    (information.policy, information.native_status)
}

/// What the driver says about itself, with these values.
fn information(values: &[(&str, u32, &[u8])]) -> Information {
    let values = values.iter().map(|&(name, kind, data)| RegistryValue {
        name: name.into(),
        kind,
        data: data.into(),
    });
    let lab = boot_with(Options {
        values: values.collect(),
        ..options(Reach::empty())
    });
    let mut process = privileged(&lab);
    open(&mut process).information().unwrap()
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_value_of_another_type_or_length_allows_the_least() {
    for &(kind, data) in MISTYPED {
        let names = [
            POLICY_VALUE,
            ENGINE_VALUE,
            NATIVE_VALUE,
            MAXIMUM_HANDLES_VALUE,
        ];
        let information = information(&names.map(|name| (name, kind, data)));
        let what = format!("type {kind}, {} bytes", data.len());
        assert_eq!(information.policy, Reach::empty(), "{what}");
        assert_eq!(information.native_status, NtStatus::NOT_SUPPORTED, "{what}");
        assert!(!information.native_under_hypervisor, "{what}");
        assert_eq!(information.maximum_handles, 1, "{what}");
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_number_is_taken_as_it_stands() {
    for reach in [Reach::empty(), Reach::PHYSICAL, Reach::all()] {
        let policy = reach.bits().to_le_bytes();
        assert_eq!(
            settings(&[
                (POLICY_VALUE, REG_DWORD, &policy),
                (ENGINE_VALUE, REG_DWORD, &[0; 4])
            ]),
            (reach, NtStatus::SUCCESS)
        );
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_cap_on_handles_and_the_native_engine_are_told() {
    for (handles, told) in [(1, 1), (4096, 4096), (0, 1), (4097, 1), (u32::MAX, 1)] {
        let data = u32::to_le_bytes(handles);
        let information = information(&[(MAXIMUM_HANDLES_VALUE, REG_DWORD, &data)]);
        assert_eq!(information.maximum_handles, told, "{handles}");
    }
    for (native, told) in [(0, false), (1, true), (2, false)] {
        let data = u32::to_le_bytes(native);
        let information = information(&[(NATIVE_VALUE, REG_DWORD, &data)]);
        assert_eq!(information.native_under_hypervisor, told, "{native}");
    }
    assert_eq!(information(&[]).maximum_handles, 256);
}

/// A mistyped value has no effect on the other.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn one_mistyped_value_spoils_no_other() {
    let all = Reach::all().bits().to_le_bytes();
    assert_eq!(
        settings(&[
            (POLICY_VALUE, REG_DWORD, &all),
            (ENGINE_VALUE, REG_SZ, b"1\0\0\0")
        ]),
        (Reach::all(), NtStatus::NOT_SUPPORTED)
    );
    assert_eq!(
        settings(&[(POLICY_VALUE, REG_BINARY, &all)]),
        (Reach::empty(), NtStatus::SUCCESS)
    );
}
