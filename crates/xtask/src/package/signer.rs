//! Who signs a package, and how.

use super::{
    indirect_data::sha256_algorithm,
    pair::Pair,
    problem::Problem,
    timestamp::{Authority, COUNTERSIGNATURE},
};
use cms::{
    cert::{CertificateChoices, IssuerAndSerialNumber},
    content_info::{CmsVersion, ContentInfo},
    signed_data::{
        CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo,
        SignerInfos,
    },
};
use der::{
    Any, Encode, Tag,
    asn1::{Null, ObjectIdentifier, OctetString, SetOfVec},
};
use rsa::signature::{SignatureEncoding, Signer as _};
use sha2::{Digest, Sha256};
use x509_cert::{attr::Attribute, spki::AlgorithmIdentifierOwned};

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// `SPC_SP_OPUS_INFO_OBJID`: the program's name and address, both of which may be left out.
const OPUS_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.12");

/// `SPC_STATEMENT_TYPE_OBJID`, and what it states: an individual's signature.
const STATEMENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.11");
const INDIVIDUAL: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.21");

/// The test certificate, and who stamps what is signed with it.
pub struct Signer {
    pub pair: Pair,
    /// Whether the pair stays when the package is made.
    pub kept: bool,
    pub authority: Option<Authority>,
}

impl Signer {
    /// What the README says of the certificate, in lines.
    pub fn told(&self) -> Vec<String> {
        let mut told = if self.kept {
            let end = self.pair.validity().not_after.to_date_time();
            let (year, month, day) = (end.year(), end.month(), end.day());
            vec![
                "Its key is with who made the folder, and signs others.".to_owned(),
                format!("It ends on {year}-{month:02}-{day:02}."),
            ]
        } else {
            vec!["Its key is gone. It ends a year after the folder was made.".to_owned()]
        };
        if self.authority.is_some() {
            told.push("The signatures are stamped with the time, to outlast it.".to_owned());
        }
        told
    }

    /// Signs `content`: a `ContentInfo` with a `SignedData` as PKCS #7 1.5 has it, which is what
    /// Windows reads. (CMS would wrap the content into an octet string, and count versions
    /// otherwise.)
    ///
    /// # Errors
    ///
    /// If DER can't express it, or no time stamp is to be had.
    pub fn sign(&self, kind: ObjectIdentifier, content: Any) -> Result<Vec<u8>, Problem> {
        let digest = Sha256::digest(content.value());
        let mut attributes = SetOfVec::new();
        for (oid, value) in [
            (CONTENT_TYPE, Any::encode_from(&kind)?),
            (
                MESSAGE_DIGEST,
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
            content_type: SIGNED_DATA,
            content: Any::encode_from(&data)?,
        };
        Ok(info.to_der()?)
    }
}

/// An attribute with one value.
pub fn attribute(oid: ObjectIdentifier, value: Any) -> der::Result<Attribute> {
    Ok(Attribute {
        oid,
        values: SetOfVec::from_iter([value])?,
    })
}
