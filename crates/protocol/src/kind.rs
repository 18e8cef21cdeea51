//! The table of requests. Every other list of requests is made from it.

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::{
    BatchEntry, BatchRequest, BatchResponse, CallerCopyRequest, Code, CopyMemoryRequest,
    CopyResponse, CopyThroughRequest, DEVICE_PAGE_LENGTH, DeviceCopyRequest, InformationRequest,
    InformationResponse, MemoryRangesRequest, MemoryRangesResponse, Method, Payload,
    RequiredAccess, ScatterEntry, ScatterRequest, code::control_code, validate::Validate,
};

/// A [`RequestKind`] as a type, with the types of its messages.
pub trait Kind {
    /// The value for this type.
    const KIND: RequestKind;
    /// The fixed part of the input.
    type Request: Validate;
    /// The fixed part of the output.
    type Response: FromBytes + IntoBytes + Immutable;
}

macro_rules! requests {
    ($(
        $(#[$doc:meta])*
        $kind:ident, $name:literal: $function:literal, $method:ident, $access:ident,
        $request:ty => $response:ty, $payload:expr;
    )+) => {
        /// Which request a control code stands for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum RequestKind {
            $($(#[$doc])* $kind,)+
        }

        impl RequestKind {
            /// Every kind, in the order of their control codes.
            pub const ALL: &[Self] = &[$(Self::$kind),+];
        }

        $(
            #[doc = concat!("[`RequestKind::", stringify!($kind), "`] as a type.")]
            #[derive(Clone, Copy, Debug)]
            pub enum $kind {}

            impl Kind for $kind {
                const KIND: RequestKind = RequestKind::$kind;
                type Request = $request;
                type Response = $response;
            }
        )+

        impl Code {
            /// Returns the control code of a kind of request.
            #[must_use]
            pub const fn of(kind: RequestKind) -> &'static Self {
                match kind {
                    $(RequestKind::$kind => const {
                        &Self {
                            kind: RequestKind::$kind,
                            name: $name,
                            value: control_code($function, Method::$method, RequiredAccess::$access),
                            method: Method::$method,
                            access: RequiredAccess::$access,
                            request_length: size_of::<$request>(),
                            response_length: size_of::<$response>(),
                            payload: $payload,
                        }
                    },)+
                }
            }
        }

        /// Every control code that the driver serves.
        pub const CODES: [Code; RequestKind::ALL.len()] = [$(*Code::of(RequestKind::$kind)),+];
    };
}

// Functions from 0x800 up are the vendor's.
requests! {
    /// Returns the version and the limits of the driver, and the reach of the handle.
    Information, "information": 0x800, Buffered, Read,
        InformationRequest => InformationResponse, Payload::None;
    /// Copies the caller's memory to the session buffer, by `CopyFromModeAligned`.
    CopyFrom, "copy from": 0x801, Neither, Write,
        CallerCopyRequest => CopyResponse, Payload::None;
    /// Copies the session buffer to the caller's memory, by `CopyToMode`.
    CopyTo, "copy to": 0x802, Neither, Read,
        CallerCopyRequest => CopyResponse, Payload::None;
    /// Copies the caller's memory to the caller's memory, through the driver.
    CopyThrough, "copy through": 0x803, Neither, ReadWrite,
        CopyThroughRequest => CopyResponse, Payload::None;
    /// Copies to, from or within the uncached device page, by `RtlCopyDeviceMemory`.
    DeviceCopy, "device copy": 0x804, Buffered, ReadWrite,
        DeviceCopyRequest => CopyResponse, Payload::Bytes(DEVICE_PAGE_LENGTH as u64);
    /// Copies virtual or physical memory, as `MmCopyMemory` does.
    CopyMemory, "copy memory": 0x805, OutDirect, Read,
        CopyMemoryRequest => CopyResponse, Payload::None;
    /// Copies many pieces of memory to the output, one after another.
    CopyBatch, "copy batch": 0x806, OutDirect, Read,
        BatchRequest => BatchResponse, Payload::Entries(size_of::<BatchEntry>());
    /// Copies many pieces of memory, each to its own address in the caller's memory.
    CopyScatter, "copy scatter": 0x807, Neither, Read,
        ScatterRequest => BatchResponse, Payload::Entries(size_of::<ScatterEntry>());
    /// Returns the ranges of physical memory that are RAM.
    MemoryRanges, "memory ranges": 0x808, Buffered, Read,
        MemoryRangesRequest => MemoryRangesResponse, Payload::None;
}

impl RequestKind {
    /// Returns the name in listings and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Code::of(self).name
    }
}

impl Code {
    /// Returns the control code with this value, if the driver serves it.
    #[must_use]
    pub fn from_value(value: u32) -> Option<&'static Self> {
        static TABLE: [Code; RequestKind::ALL.len()] = CODES;
        let number = Self::function(value).checked_sub(FIRST_FUNCTION)?;
        TABLE
            .get(number as usize)
            .filter(|code| code.value == value)
    }

    /// The function of a control code: its bits 2 to 13.
    const fn function(value: u32) -> u32 {
        value >> 2 & 0xFFF
    }
}

/// The function of the first request. Those of the others follow it, in their order.
const FIRST_FUNCTION: u32 = 0x800;

const _: () = {
    let mut rest = CODES.as_slice();
    let mut function = FIRST_FUNCTION;
    while let [code, others @ ..] = rest {
        assert!(Code::function(code.value) == function);
        function += 1;
        rest = others;
    }
};
