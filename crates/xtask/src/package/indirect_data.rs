//! What a signature states about a file: its hash and its kind.
//!
//! Source: "Windows Authenticode Portable Executable Signature Format".

use authenticode::{DigestInfo, SpcAttributeTypeAndOptionalValue, SpcIndirectDataContent};
use der::{
    Any, Encode, Sequence, Tag, TagMode, TagNumber,
    asn1::{
        BitString, BmpString, ContextSpecific, ContextSpecificRef, Null, ObjectIdentifier,
        OctetString,
    },
    oid::AssociatedOid,
};
use sha2::Sha256;
use x509_cert::spki::AlgorithmIdentifierOwned;

/// `SPC_PE_IMAGE_DATA_OBJID`.
const PE_IMAGE_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.15");

/// `SPC_CAB_DATA_OBJID`, which catalogs use for every file whose bytes are hashed unchanged.
const CAB_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.25");

/// The name of the file, which verifiers ignore.
const OBSOLETE: &str = "<<<Obsolete>>>";

/// `SpcPeImageData`.
#[derive(Sequence)]
struct PeImageData {
    flags: BitString,
    file: ContextSpecific<Any>,
}

/// Describes a PE image with this [`Image::digest`](super::image::Image::digest).
pub fn of_image(sha256: &[u8]) -> der::Result<SpcIndirectDataContent> {
    let value = PeImageData {
        // "Although flags is always present, it is ignored when calculating the hash".
        flags: BitString::from_bytes(&[])?,
        file: ContextSpecific {
            tag_number: TagNumber::N0,
            tag_mode: TagMode::Explicit,
            value: link(OBSOLETE)?,
        },
    };
    new(PE_IMAGE_DATA, Any::encode_from(&value)?, sha256)
}

/// Describes any other file, whose bytes have this hash.
pub fn of_file(sha256: &[u8]) -> der::Result<SpcIndirectDataContent> {
    new(CAB_DATA, link("")?, sha256)
}

fn new(
    value_type: ObjectIdentifier,
    value: Any,
    sha256: &[u8],
) -> der::Result<SpcIndirectDataContent> {
    Ok(SpcIndirectDataContent {
        data: SpcAttributeTypeAndOptionalValue { value_type, value },
        message_digest: DigestInfo {
            digest_algorithm: sha256_algorithm(),
            digest: OctetString::new(sha256)?,
        },
    })
}

/// Returns SHA-256 as PKCS #7 identifies it, with null parameters.
pub fn sha256_algorithm() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned {
        oid: Sha256::OID,
        parameters: Some(Null.into()),
    }
}

/// Returns an `SpcLink` with a file name: `[2] EXPLICIT SpcString`, of the kind
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
