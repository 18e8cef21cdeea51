//! Signatures in the form PKCS #7.

use super::{
    date,
    pair::Pair,
    pkcs7::{self, attributes, signed_data, signer_info},
    timestamp::{Authority, COUNTERSIGNATURE},
};
use anyhow::Result;
use cms::content_info::{CmsVersion, ContentInfo};
use const_oid::db::rfc5911::{ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNED_DATA};
use der::{
    Any, Encode, Tag,
    asn1::{ObjectIdentifier, OctetString},
};
use rsa::signature::{SignatureEncoding, Signer as _};
use sha2::{Digest, Sha256};

/// `SPC_SP_OPUS_INFO_OBJID`: the program's name and address, which are left out.
const OPUS_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.12");

/// `SPC_STATEMENT_TYPE_OBJID` and its value: an individual's signature.
const STATEMENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.11");
const INDIVIDUAL: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.21");

/// A test certificate with its key, and a time-stamping authority.
pub struct Signer {
    pub pair: Pair,
    /// Whether the pair is kept for further packages.
    pub kept: bool,
    pub authority: Option<Authority>,
}

impl Signer {
    /// Returns the README's lines about the certificate.
    pub fn description(&self) -> Vec<String> {
        let mut lines = if self.kept {
            let end = self.pair.validity().not_after.to_unix_duration();
            vec![
                "Its key is with who made the folder, and signs others.".to_owned(),
                format!("It ends on {}.", date::readable(end)),
            ]
        } else {
            vec!["Its key is gone. It ends a year after the folder was made.".to_owned()]
        };
        if self.authority.is_some() {
            lines.push("The signatures are stamped with the time, to outlast it.".to_owned());
        }
        lines
    }

    /// Signs `content`. Returns a `ContentInfo` with a `SignedData` of PKCS #7 1.5, which Windows
    /// expects. The builders of `cms` are not used: in CMS the content is in an octet string, and
    /// versions are other numbers.
    pub fn sign(&self, kind: ObjectIdentifier, content: Any) -> Result<Vec<u8>> {
        let digest = Sha256::digest(content.value());
        let attributes = attributes([
            (ID_CONTENT_TYPE, Any::encode_from(&kind)?),
            (
                ID_MESSAGE_DIGEST,
                Any::encode_from(&OctetString::new(&*digest)?)?,
            ),
            (OPUS_INFO, Any::new(Tag::Sequence, [])?),
            (STATEMENT_TYPE, Any::encode_from(&vec![INDIVIDUAL])?),
        ])?;
        let signature = self.pair.key.try_sign(&attributes.to_der()?)?.to_vec();
        let certificate = &self.pair.certificate;
        let stamp = self
            .authority
            .as_ref()
            .map(|authority| authority.stamp(&signature, self.pair.validity()))
            .transpose()?;
        let mut signer = signer_info(certificate, attributes, signature)?;
        signer.unsigned_attrs = stamp
            .map(|stamp| pkcs7::attributes([(COUNTERSIGNATURE, stamp)]))
            .transpose()?;
        let data = signed_data(CmsVersion::V1, kind, content, certificate, vec![signer])?;
        let info = ContentInfo {
            content_type: ID_SIGNED_DATA,
            content: Any::encode_from(&data)?,
        };
        Ok(info.to_der()?)
    }
}
