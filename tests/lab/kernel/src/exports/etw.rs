//! Event Tracing for Windows: providers of events.
//!
//! A session listens if the command line has `trace`. Its events go to the log, a line each, which
//! the host decodes.

use alloc::{string::String, vec::Vec};
use core::fmt;

use nt_status::NtStatus;

use crate::bugcheck::violation;
use crate::global::Global;
use crate::irql::{PASSIVE_LEVEL, require_at_most};
use crate::serial::say;
use crate::{call, options, raw};

/// `EVENT_CONTROL_CODE_ENABLE_PROVIDER`.
const ENABLE_PROVIDER: u64 = 1;
/// A session that names no keywords asks for all of them: "`EnableTraceEx2` function".
const ALL_KEYWORDS: u64 = u64::MAX;
/// `EventProviderSetTraits`, of `EVENT_INFO_CLASS`.
const SET_TRAITS: u32 = 2;
/// The most data descriptors of an event: `MAX_EVENT_DATA_DESCRIPTORS`.
const DESCRIPTORS: u32 = 128;
/// Bytes of an `EVENT_DATA_DESCRIPTOR`, and the offsets of its members.
const DESCRIPTOR_SIZE: u64 = 16;
const DESCRIPTOR_LENGTH: u64 = 8;
const DESCRIPTOR_TYPE: u64 = 12;
/// Types of data descriptors: `EVENT_DATA_DESCRIPTOR_TYPE_…`.
const USER_DATA: u8 = 0;
const EVENT_METADATA: u8 = 1;
const PROVIDER_METADATA: u8 = 2;
/// The offset of the level in an `EVENT_DESCRIPTOR`.
const EVENT_LEVEL: u64 = 4;

/// A provider's `GUID`.
#[derive(Clone, Copy)]
struct Identifier {
    words: (u32, u16, u16),
    rest: [u8; 8],
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, two, three) = self.words;
        write!(f, "{one:08x}{two:04x}{three:04x}{}", Digits(&self.rest))
    }
}

/// Bytes in hexadecimal.
struct Digits<'a>(&'a [u8]);

impl fmt::Display for Digits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The registered providers, by their handles, which are never used again.
static PROVIDERS: Global<(u64, Vec<(u64, Identifier)>)> = Global::new((0, Vec::new()));

fn find(handle: u64) -> Option<Identifier> {
    PROVIDERS.with(|(_, all)| {
        all.iter()
            .find(|(number, _)| *number == handle)
            .map(|(_, identifier)| *identifier)
    })
}

/// `EtwRegister` function (wdm.h). A session that listens already enables the provider before the
/// function returns: `ETWENABLECALLBACK`. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn EtwRegister(
    provider: u64,
    callback: u64,
    context: u64,
    handle: u64,
) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "EtwRegister");
    if provider == 0 || handle == 0 {
        return NtStatus::INVALID_PARAMETER;
    }
    let identifier = Identifier {
        words: (
            raw::read(provider),
            raw::read(provider + 4),
            raw::read(provider + 6),
        ),
        rest: raw::read(provider + 8),
    };
    let number = PROVIDERS.with(|(last, all)| {
        *last += 1;
        all.push((*last, identifier));
        *last
    });
    raw::write(handle, number);
    let level = options::get().trace;
    if level != 0 && callback != 0 {
        call::enable_callback(
            callback,
            [
                provider,
                ENABLE_PROVIDER,
                level.into(),
                ALL_KEYWORDS,
                0,
                0,
                context,
            ],
        );
    }
    NtStatus::SUCCESS
}

/// `EtwUnregister` function (wdm.h). IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn EtwUnregister(handle: u64) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "EtwUnregister");
    let known = PROVIDERS.with(|(_, all)| {
        let before = all.len();
        all.retain(|(number, _)| *number != handle);
        all.len() < before
    });
    if !known {
        violation!("EtwUnregister was given {handle:#x}, which is no registered provider");
    }
    NtStatus::SUCCESS
}

/// `EtwSetInformation` function (wdm.h), which takes any class and keeps nothing: events carry what
/// describes their provider.
pub(super) extern "win64" fn EtwSetInformation(
    handle: u64,
    class: u32,
    information: u64,
    length: u32,
) -> NtStatus {
    if find(handle).is_none() {
        return NtStatus::INVALID_HANDLE;
    }
    if class == SET_TRAITS && (length < 3 || u32::from(raw::read::<u16>(information)) != length) {
        violation!("EtwSetInformation was given traits whose length is not {length}");
    }
    NtStatus::SUCCESS
}

/// `EtwWriteTransfer` function (wdm.h), for events that describe themselves. Any IRQL.
pub(super) extern "win64" fn EtwWriteTransfer(
    handle: u64,
    event: u64,
    _activity: u64,
    _related: u64,
    count: u32,
    descriptors: u64,
) -> NtStatus {
    let Some(provider) = find(handle) else {
        violation!("EtwWriteTransfer was given {handle:#x}, which is no registered provider");
    };
    if count > DESCRIPTORS {
        return NtStatus::INVALID_PARAMETER;
    }
    let mut parts = [const { Vec::new() }; 3];
    for number in 0..u64::from(count) {
        let descriptor = descriptors + number * DESCRIPTOR_SIZE;
        let kind: u8 = raw::read(descriptor + DESCRIPTOR_TYPE);
        let part: &mut Vec<u8> = match kind {
            USER_DATA => &mut parts[2],
            EVENT_METADATA => &mut parts[1],
            PROVIDER_METADATA => &mut parts[0],
            _ => violation!("EtwWriteTransfer was given a descriptor of type {kind}"),
        };
        let length: u32 = raw::read(descriptor + DESCRIPTOR_LENGTH);
        let start = part.len();
        part.resize(start + length as usize, 0);
        raw::copy_out(raw::read(descriptor), &mut part[start..]);
    }
    let [traits, description, data] = &parts;
    say!(
        "ETW event {provider} {} {} {} {}",
        raw::read::<u8>(event + EVENT_LEVEL),
        Digits(traits),
        Digits(description),
        Digits(data)
    );
    NtStatus::SUCCESS
}

/// Returns a line for each provider that is still registered. On Windows the system would call its
/// callback, in an image that is gone.
pub(crate) fn left() -> Vec<String> {
    PROVIDERS.with(|(_, all)| {
        all.drain(..)
            .map(|(_, identifier)| {
                alloc::format!("the event provider {identifier} is still registered")
            })
            .collect()
    })
}
