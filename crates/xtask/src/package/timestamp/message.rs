//! The structures of RFC 3161. Those of the crate `x509-tsp` are not used: its times are whole seconds,
//! and an authority may state fractions (section 2.4.2).

use der::{
    Any, Sequence, Tag, Tagged,
    asn1::{BitString, GeneralizedTime, Int, ObjectIdentifier, OctetString},
};
use std::time::Duration;
use x509_cert::{ext::Extensions, spki::AlgorithmIdentifierOwned};

/// The version of all structures.
pub const VERSION: u8 = 1;

/// `TimeStampReq`.
#[derive(Sequence)]
pub struct Request {
    pub version: u8,
    pub imprint: Imprint,
    pub policy: Option<ObjectIdentifier>,
    pub nonce: Option<Int>,
    #[asn1(default = "Default::default")]
    pub with_certificate: bool,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub extensions: Option<Extensions>,
}

/// `MessageImprint`.
#[derive(Clone, Debug, Eq, PartialEq, Sequence)]
pub struct Imprint {
    pub algorithm: AlgorithmIdentifierOwned,
    pub hash: OctetString,
}

/// `TimeStampResp`.
#[derive(Sequence)]
pub struct Response {
    pub status: StatusInfo,
    pub token: Option<Any>,
}

/// `PKIStatusInfo`.
#[derive(Sequence)]
pub struct StatusInfo {
    pub status: u8,
    pub text: Option<Vec<String>>,
    pub failure: Option<BitString>,
}

/// `TSTInfo`.
#[derive(Sequence)]
pub struct Info {
    pub version: u8,
    pub policy: ObjectIdentifier,
    pub imprint: Imprint,
    pub serial_number: Int,
    pub time: Any,
    pub accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    pub ordering: bool,
    pub nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub authority: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub extensions: Option<Extensions>,
}

/// `Accuracy`.
#[derive(Sequence)]
pub struct Accuracy {
    pub seconds: Option<u64>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub milliseconds: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub microseconds: Option<u16>,
}

impl Info {
    /// Returns the time since the beginning of 1970, in whole seconds.
    pub fn time(&self) -> der::Result<Duration> {
        self.time.tag().assert_eq(Tag::GeneralizedTime)?;
        let stated = self.time.value();
        let whole = stated.split(|byte| *byte == b'.').next();
        let mut whole = whole.unwrap_or_default().to_vec();
        if whole.len() < stated.len() {
            whole.push(b'Z');
        }
        let whole = Any::new(Tag::GeneralizedTime, whole)?;
        Ok(whole.decode_as::<GeneralizedTime>()?.to_unix_duration())
    }
}
