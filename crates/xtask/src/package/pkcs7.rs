//! The structures of PKCS #7 that signatures and time stamps have in common, and their certificates.

use super::indirect_data::sha256_algorithm;
use anyhow::Result;
use cms::{
    cert::{CertificateChoices, IssuerAndSerialNumber},
    content_info::CmsVersion,
    signed_data::{
        CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo,
        SignerInfos,
    },
};
use const_oid::db::rfc5912::RSA_ENCRYPTION;
use der::{
    Any,
    asn1::{Null, ObjectIdentifier, OctetString, SetOfVec},
};
use rsa::{
    pkcs1v15::{Signature, SigningKey},
    signature::Keypair as _,
};
use sha2::Sha256;
use std::str::FromStr as _;
use x509_cert::{
    Certificate,
    attr::Attribute,
    builder::{Builder as _, CertificateBuilder, Profile},
    ext::AsExtension,
    name::Name,
    serial_number::SerialNumber,
    spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned},
    time::Validity,
};

/// Returns attributes with one value each.
pub fn attributes(
    values: impl IntoIterator<Item = (ObjectIdentifier, Any)>,
) -> der::Result<SetOfVec<Attribute>> {
    let mut attributes = SetOfVec::new();
    for (oid, value) in values {
        let values = SetOfVec::from_iter([value])?;
        attributes.insert(Attribute { oid, values })?;
    }
    Ok(attributes)
}

/// Returns the signer that `certificate` identifies, with a signature over SHA-256 of `attributes`.
pub fn signer_info(
    certificate: &Certificate,
    attributes: SetOfVec<Attribute>,
    signature: impl Into<Vec<u8>>,
) -> der::Result<SignerInfo> {
    let certificate = &certificate.tbs_certificate;
    Ok(SignerInfo {
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
        unsigned_attrs: None,
    })
}

/// Returns signed content of a kind.
pub fn signed_data(
    version: CmsVersion,
    kind: ObjectIdentifier,
    content: Any,
    certificate: &Certificate,
    signers: Vec<SignerInfo>,
) -> der::Result<SignedData> {
    let certificate = CertificateChoices::Certificate(certificate.clone());
    Ok(SignedData {
        version,
        digest_algorithms: SetOfVec::from_iter([sha256_algorithm()])?,
        encap_content_info: EncapsulatedContentInfo {
            econtent_type: kind,
            econtent: Some(content),
        },
        certificates: Some(CertificateSet::try_from(vec![certificate])?),
        crls: None,
        signer_infos: SignerInfos::try_from(signers)?,
    })
}

/// Makes a certificate that is signed with its own key.
pub fn self_signed(
    key: &SigningKey<Sha256>,
    name: &str,
    serial: &[u8],
    validity: Validity,
    purposes: &impl AsExtension,
) -> Result<Certificate> {
    let name = Name::from_str(&format!("CN={name}"))?;
    let mut builder = CertificateBuilder::new(
        Profile::Leaf {
            issuer: name.clone(),
            enable_key_agreement: false,
            enable_key_encipherment: false,
        },
        SerialNumber::new(serial)?,
        validity,
        name,
        SubjectPublicKeyInfoOwned::from_key(key.verifying_key())?,
        key,
    )?;
    builder.add_extension(purposes)?;
    Ok(builder.build::<Signature>()?)
}
