//! Signatures in the form PKCS #7.

use super::{
    date,
    indirect_data::sha256_algorithm,
    pair::Pair,
    timestamp::{Authority, COUNTERSIGNATURE},
};
use anyhow::Result;
use cms::{
    cert::{CertificateChoices, IssuerAndSerialNumber},
    content_info::{CmsVersion, ContentInfo},
    signed_data::{
        CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo,
        SignerInfos,
    },
};
use const_oid::db::{
    rfc5911::{ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNED_DATA},
    rfc5912::RSA_ENCRYPTION,
};
use der::{
    Any, Encode, Tag,
    asn1::{Null, ObjectIdentifier, OctetString, SetOfVec},
};
use rsa::signature::{SignatureEncoding, Signer as _};
use sha2::{Digest, Sha256};
use x509_cert::{attr::Attribute, spki::AlgorithmIdentifierOwned};

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
        let mut attributes = SetOfVec::new();
        for (oid, value) in [
            (ID_CONTENT_TYPE, Any::encode_from(&kind)?),
            (
                ID_MESSAGE_DIGEST,
                Any::encode_from(&OctetString::new(&*digest)?)?,
            ),
            (OPUS_INFO, Any::new(Tag::Sequence, [])?),
            (STATEMENT_TYPE, Any::encode_from(&vec![INDIVIDUAL])?),
        ] {
            attributes.insert(attribute(oid, value)?)?;
        }
        let signature = self.pair.key.try_sign(&attributes.to_der()?)?.to_bytes();

        let certificate = &self.pair.certificate.tbs_certificate;
        let stamp = self
            .authority
            .as_ref()
            .map(|authority| authority.stamp(&signature, &certificate.validity))
            .transpose()?;
        let signer = SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
                issuer: certificate.issuer.clone(),
                serial_number: certificate.serial_number.clone(),
            }),
            digest_alg: sha256_algorithm(),
            signed_attrs: Some(attributes),
            signature_algorithm: AlgorithmIdentifierOwned {
                oid: RSA_ENCRYPTION,
                parameters: Some(Null.into()),
            },
            signature: OctetString::new(signature)?,
            unsigned_attrs: stamp
                .map(|stamp| SetOfVec::from_iter([attribute(COUNTERSIGNATURE, stamp)?]))
                .transpose()?,
        };
        let data = SignedData {
            version: CmsVersion::V1,
            digest_algorithms: SetOfVec::from_iter([sha256_algorithm()])?,
            encap_content_info: EncapsulatedContentInfo {
                econtent_type: kind,
                econtent: Some(content),
            },
            certificates: Some(CertificateSet::try_from(vec![
                CertificateChoices::Certificate(self.pair.certificate.clone()),
            ])?),
            crls: None,
            signer_infos: SignerInfos::try_from(vec![signer])?,
        };
        let info = ContentInfo {
            content_type: ID_SIGNED_DATA,
            content: Any::encode_from(&data)?,
        };
        Ok(info.to_der()?)
    }
}

/// Returns an attribute with one value.
pub fn attribute(oid: ObjectIdentifier, value: Any) -> der::Result<Attribute> {
    Ok(Attribute {
        oid,
        values: SetOfVec::from_iter([value])?,
    })
}
