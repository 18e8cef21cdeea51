//! Settings of every type and length in the registry.

#![forbid(unsafe_code)]

use ringcopy_client::protocol::{ENGINE_VALUE, NtStatus, POLICY_VALUE, Reach};
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
    let values = values.iter().map(|&(name, kind, data)| RegistryValue {
        name: name.into(),
        kind,
        data: data.into(),
    });
    let lab = boot_with(Options {
        policy: None,
        values: values.collect(),
        ..options(Reach::empty())
    });
    let mut process = privileged(&lab);
    let information = open(&mut process).information().unwrap();
    (information.policy, information.native_status)
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_value_of_another_type_or_length_allows_the_least() {
    for &(kind, data) in MISTYPED {
        assert_eq!(
            settings(&[(POLICY_VALUE, kind, data), (ENGINE_VALUE, kind, data)]),
            (Reach::empty(), NtStatus::NOT_SUPPORTED),
            "type {kind}, {} bytes",
            data.len()
        );
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
