//! What a signature says of a file: its hash, and what kind of file it is of.
//!
//! The structures are those of "Windows Authenticode Portable Executable Signature Format".

use der::{
    Any, Encode, Sequence, Tag, TagNumber,
    asn1::{BitString, BmpString, ContextSpecific, Null, ObjectIdentifier, OctetString},
    oid::AssociatedOid,
};
use der::{TagMode, asn1::ContextSpecificRef};
use sha2::Sha256;
use x509_cert::spki::AlgorithmIdentifierOwned;

/// `SPC_INDIRECT_DATA_OBJID`.
pub const INDIRECT_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.4");

/// `SPC_PE_IMAGE_DATA_OBJID`.
const PE_IMAGE_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.15");

/// `SPC_CAB_DATA_OBJID`, which catalogs write for every file that is hashed as it is.
const CAB_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.25");

/// What stands for the name of the file, in which no verifier is interested.
const OBSOLETE: &str = "<<<Obsolete>>>";

/// `SpcIndirectDataContent`.
#[derive(Clone, Sequence)]
pub struct IndirectData {
    data: TypeAndValue,
    digest: DigestInfo,
}

/// `SpcAttributeTypeAndOptionalValue`.
#[derive(Clone, Sequence)]
struct TypeAndValue {
    kind: ObjectIdentifier,
    value: Any,
}

#[derive(Clone, Sequence)]
struct DigestInfo {
    algorithm: AlgorithmIdentifierOwned,
    digest: OctetString,
}

/// `SpcPeImageData`.
#[derive(Sequence)]
struct PeImageData {
    flags: BitString,
    file: ContextSpecific<Any>,
}

impl IndirectData {
    /// Of a PE image, by the hash of [`Image`](super::image::Image).
    ///
    /// # Errors
    ///
    /// If DER can't express it.
    pub fn of_image(sha256: &[u8]) -> der::Result<Self> {
        let value = PeImageData {
            // "Although flags is always present, it is ignored when calculating the hash".
            flags: BitString::from_bytes(&[])?,
            file: ContextSpecific {
                tag_number: TagNumber::N0,
                tag_mode: TagMode::Explicit,
                value: link(OBSOLETE)?,
            },
        };
        Self::new(PE_IMAGE_DATA, Any::encode_from(&value)?, sha256)
    }

    /// Of any other file, by the hash of its bytes.
    ///
    /// # Errors
    ///
    /// If DER can't express it.
    pub fn of_file(sha256: &[u8]) -> der::Result<Self> {
        Self::new(CAB_DATA, link("")?, sha256)
    }

    fn new(kind: ObjectIdentifier, value: Any, sha256: &[u8]) -> der::Result<Self> {
        Ok(Self {
            data: TypeAndValue { kind, value },
            digest: DigestInfo {
                algorithm: sha256_algorithm(),
                digest: OctetString::new(sha256)?,
            },
        })
    }
}

/// SHA-256 as PKCS #7 writes it, with parameters that are null.
pub fn sha256_algorithm() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned {
        oid: Sha256::OID,
        parameters: Some(Null.into()),
    }
}

/// `SpcLink` with a file name: `[2] EXPLICIT SpcString`, of which the kind is
/// `[0] IMPLICIT BMPString`.
fn link(name: &str) -> der::Result<Any> {
    let name = BmpString::from_utf8(name)?;
    let string = ContextSpecificRef {
        tag_number: TagNumber::N0,
        tag_mode: TagMode::Implicit,
        value: &name,
    };
    Any::new(
        Tag::ContextSpecific {
            constructed: true,
            number: TagNumber::N2,
        },
        string.to_der()?,
    )
}
