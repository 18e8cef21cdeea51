//! The decoder of events: what describes an event may be damaged, for a file can come from anywhere.

#![forbid(unsafe_code)]

use proptest::prelude::*;
use ringcopy_client::{
    protocol::NtStatus,
    trace::{Malformed, PROVIDER, Raw, Value},
};

/// Puts its length before a description.
fn sized(description: &[u8]) -> Vec<u8> {
    let length = u16::try_from(description.len() + 2).unwrap();
    [&length.to_le_bytes(), description].concat()
}

/// An event with a field of each type.
fn event() -> Raw {
    Raw {
        provider: PROVIDER,
        level: 4,
        provider_metadata: sized(b"Some.Provider\0"),
        event_metadata: sized(
            b"\0Name\0Byte\0\x04Flag\0\x84\x03Number\0\x0ABits\0\x14Status\0\x94\x0EText\0\x97\x23",
        ),
        data: [
            &[7_u8, 1][..],
            &300_u64.to_le_bytes(),
            &0x10_u32.to_le_bytes(),
            &NtStatus::ACCESS_DENIED.0.to_le_bytes(),
            &[2, 0],
            b"ab",
        ]
        .concat(),
    }
}

/// The line of a log for an event.
fn line(event: &Raw) -> String {
    let digits = |bytes: &[u8]| {
        let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
        digits.collect::<Vec<_>>().concat()
    };
    format!(
        "12:34 WDF: ETW event {:032x} {} {} {} {}",
        event.provider,
        event.level,
        digits(&event.provider_metadata),
        digits(&event.event_metadata),
        digits(&event.data)
    )
}

#[test]
fn fields_have_the_types_that_describe_them() {
    let event = event().decode().unwrap();
    assert_eq!((&*event.provider, &*event.name), ("Some.Provider", "Name"));
    for (name, value) in [
        ("Byte", Value::Number(7)),
        ("Flag", Value::Boolean(true)),
        ("Number", Value::Number(300)),
        ("Bits", Value::Hex(0x10)),
        ("Status", Value::Status(NtStatus::ACCESS_DENIED)),
        ("Text", Value::Text("ab".into())),
    ] {
        assert_eq!(event.field(name), Some(&value), "{name}");
    }
    assert_eq!(
        event.to_string(),
        "information Name Byte=7 Flag=true Number=300 Bits=0x10 Status=STATUS_ACCESS_DENIED \
         Text=\"ab\""
    );
}

#[test]
fn an_event_that_ends_early_or_late_is_malformed() {
    let whole = event();
    for length in 0..whole.data.len() {
        let mut event = whole.clone();
        event.data.truncate(length);
        assert!(
            matches!(event.decode(), Err(Malformed::Short(_))),
            "{length}"
        );
    }
    let mut event = whole.clone();
    event.data.push(0);
    assert_eq!(event.decode(), Err(Malformed::Rest));
    let mut event = whole;
    event.event_metadata.push(0);
    assert!(matches!(event.decode(), Err(Malformed::Length(_))));
}

#[test]
fn a_type_that_the_driver_does_not_use_is_named() {
    let event = Raw {
        event_metadata: sized(b"\0Name\0Field\0\x0E"),
        ..event()
    };
    assert_eq!(
        event.decode(),
        Err(Malformed::Type {
            type_in: 0x0E,
            type_out: 0
        })
    );
}

#[test]
fn a_line_of_a_log_holds_an_event() {
    let event = event();
    assert_eq!(Raw::of_line(&line(&event)), Some(event.clone()));
    let without_fields = Raw {
        data: Vec::new(),
        ..event
    };
    assert_eq!(
        Raw::of_line(&line(&without_fields)),
        Some(without_fields.clone())
    );
    for other in ["", "ETW event", "ETW event 1 2 3 4", "an ETW event of 1"] {
        assert_eq!(Raw::of_line(other), None, "{other}");
    }
}

proptest! {
    #[test]
    fn nothing_makes_the_decoder_panic(
        provider in any::<Vec<u8>>(),
        description in any::<Vec<u8>>(),
        data in any::<Vec<u8>>(),
        change in any::<(usize, u8)>(),
    ) {
        let good = event();
        let mut changed = good.event_metadata.clone();
        let place = change.0 % changed.len();
        changed[place] = change.1;
        for (provider_metadata, event_metadata, data) in [
            (provider, good.event_metadata, good.data.clone()),
            (good.provider_metadata.clone(), sized(&description), good.data.clone()),
            (good.provider_metadata.clone(), changed, good.data),
            (good.provider_metadata, sized(&description), data),
        ] {
            let event = Raw { provider: 0, level: 0, provider_metadata, event_metadata, data };
            let _ = event.decode();
        }
    }
}
