//! What of an answer has to be true before it goes into a file.

use super::{
    Question,
    message::{Info, Response, VERSION},
    refusal::Refusal,
};
use cms::{
    cert::CertificateChoices,
    content_info::ContentInfo,
    signed_data::{SignedData, SignerIdentifier, SignerInfo},
};
use der::{
    Any, Decode, Encode, Sequence,
    asn1::{ObjectIdentifier, OctetString},
    oid::AssociatedOid,
    referenced::OwnedToRef,
};
use rsa::{
    RsaPublicKey,
    pkcs1v15::{Signature, VerifyingKey},
    signature::Verifier as _,
};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::time::Duration;
use x509_cert::{
    Certificate,
    attr::Attributes,
    ext::pkix::{ExtendedKeyUsage, SubjectKeyIdentifier},
    spki::AlgorithmIdentifierOwned,
    time::Validity,
};

/// `granted` and `grantedWithMods` of `PKIStatus`, with which a token comes.
const GRANTED: [u8; 2] = [0, 1];

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");

/// `id-ct-TSTInfo`.
pub const INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// `id-aa-signingCertificate` and `id-aa-signingCertificateV2`.
const SIGNING_CERTIFICATE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
pub const SIGNING_CERTIFICATE_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// `id-kp-timeStamping`.
pub const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");

/// The token in `answer`, byte for byte as it came, if it answers `question` with a time in
/// `validity`.
///
/// # Errors
///
/// What is wrong with it.
pub fn judged(answer: &[u8], question: &Question, validity: &Validity) -> Result<Any, Refusal> {
    let response = Response::from_der(answer)?;
    if !GRANTED.contains(&response.status.status) {
        return Err(Refusal::stated(&response.status));
    }
    let token = response.token.ok_or(Refusal::Nothing)?;
    let message: ContentInfo = token.decode_as()?;
    if message.content_type != SIGNED_DATA {
        return Err(Refusal::OtherContent);
    }
    let data: SignedData = message.content.decode_as()?;
    let content = content(&data)?;
    let info = Info::from_der(content.as_bytes())?;
    if info.version != VERSION {
        return Err(Refusal::OtherContent);
    }
    if info.imprint != question.imprint {
        return Err(Refusal::OtherImprint);
    }
    if info.nonce.as_ref() != Some(&question.nonce) {
        return Err(Refusal::OtherNonce);
    }

    let [signer] = data.signer_infos.0.as_slice() else {
        return Err(Refusal::Signers);
    };
    let certificate = certificate(&data, signer)?;
    check_purpose(certificate)?;
    check_signature(content.as_bytes(), signer, certificate)?;

    let time = info.time()?;
    if !holds(&certificate.tbs_certificate.validity, time) {
        return Err(Refusal::AuthorityNotValid);
    }
    if !holds(validity, time) {
        return Err(Refusal::Time);
    }
    Ok(token)
}

fn content(data: &SignedData) -> Result<OctetString, Refusal> {
    let content = &data.encap_content_info;
    match &content.econtent {
        Some(bytes) if content.econtent_type == INFO => Ok(bytes.decode_as()?),
        _ => Err(Refusal::OtherContent),
    }
}

/// The certificate that the signer names.
fn certificate<'a>(data: &'a SignedData, signer: &SignerInfo) -> Result<&'a Certificate, Refusal> {
    data.certificates
        .iter()
        .flat_map(|certificates| certificates.0.iter())
        .filter_map(|choice| match choice {
            CertificateChoices::Certificate(certificate) => Some(certificate),
            CertificateChoices::Other(_) => None,
        })
        .find(|certificate| {
            let certificate = &certificate.tbs_certificate;
            match &signer.sid {
                SignerIdentifier::IssuerAndSerialNumber(named) => {
                    named.issuer == certificate.issuer
                        && named.serial_number == certificate.serial_number
                }
                SignerIdentifier::SubjectKeyIdentifier(named) => certificate
                    .get::<SubjectKeyIdentifier>()
                    .is_ok_and(|own| own.is_some_and(|(_, own)| own == *named)),
            }
        })
        .ok_or(Refusal::NoCertificate)
}

/// RFC 3161, section 2.3: one purpose, and critical.
fn check_purpose(certificate: &Certificate) -> Result<(), Refusal> {
    let usage = certificate.tbs_certificate.get::<ExtendedKeyUsage>()?;
    match usage {
        Some((true, ExtendedKeyUsage(purposes))) if purposes == [TIME_STAMPING] => Ok(()),
        _ => Err(Refusal::Purpose),
    }
}

/// RFC 5652, section 5.4: the signature is over the attributes, and one of them is the hash of the
/// content. RFC 5816, section 2.2.1: another names the certificate by its hash.
fn check_signature(
    content: &[u8],
    signer: &SignerInfo,
    certificate: &Certificate,
) -> Result<(), Refusal> {
    let attributes = signer.signed_attrs.as_ref().ok_or(Refusal::Signature)?;
    let kind: ObjectIdentifier = only_value(attributes, CONTENT_TYPE)?.decode_as()?;
    let digest: OctetString = only_value(attributes, MESSAGE_DIGEST)?.decode_as()?;
    let hash = signer.digest_alg.oid;
    if kind != INFO || digest.as_bytes() != digest_by(hash, content)? {
        return Err(Refusal::Signature);
    }
    check_named_certificate(attributes, certificate)?;

    let key = &certificate.tbs_certificate.subject_public_key_info;
    let key = RsaPublicKey::try_from(key.owned_to_ref())
        .map_err(|_| Refusal::Algorithm(key.algorithm.oid))?;
    let message = attributes.to_der()?;
    let signature =
        Signature::try_from(signer.signature.as_bytes()).map_err(|_| Refusal::Signature)?;
    match hash {
        Sha256::OID => VerifyingKey::<Sha256>::new(key).verify(&message, &signature),
        Sha384::OID => VerifyingKey::<Sha384>::new(key).verify(&message, &signature),
        Sha512::OID => VerifyingKey::<Sha512>::new(key).verify(&message, &signature),
        other => return Err(Refusal::Algorithm(other)),
    }
    .map_err(|_| Refusal::Signature)
}

fn check_named_certificate(
    attributes: &Attributes,
    certificate: &Certificate,
) -> Result<(), Refusal> {
    let (named, default) = match only_value(attributes, SIGNING_CERTIFICATE_V2) {
        Ok(value) => (value, Sha256::OID),
        Err(_) => (only_value(attributes, SIGNING_CERTIFICATE)?, Sha1::OID),
    };
    let named: SigningCertificate = named.decode_as()?;
    // "The first certificate identified in the sequence of certificate identifiers MUST be the
    // certificate used to verify the signature" (RFC 5035, section 3).
    let first = named.certificates.first().ok_or(Refusal::Signature)?;
    let hash = first.algorithm.as_ref().map_or(default, |named| named.oid);
    let certificate = certificate.to_der()?;
    let digest = if hash == Sha1::OID {
        Sha1::digest(&certificate).to_vec()
    } else {
        digest_by(hash, &certificate)?
    };
    if first.hash.as_bytes() == digest {
        Ok(())
    } else {
        Err(Refusal::OtherCertificate)
    }
}

/// The value of an attribute that has one, and that is there once.
fn only_value(attributes: &Attributes, oid: ObjectIdentifier) -> Result<&Any, Refusal> {
    let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
    match (found.next(), found.next()) {
        (Some(attribute), None) if attribute.values.len() == 1 => {
            attribute.values.get(0).ok_or(Refusal::Signature)
        }
        _ => Err(Refusal::Signature),
    }
}

fn digest_by(hash: ObjectIdentifier, bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    match hash {
        Sha256::OID => Ok(Sha256::digest(bytes).to_vec()),
        Sha384::OID => Ok(Sha384::digest(bytes).to_vec()),
        Sha512::OID => Ok(Sha512::digest(bytes).to_vec()),
        other => Err(Refusal::Algorithm(other)),
    }
}

fn holds(validity: &Validity, time: Duration) -> bool {
    (validity.not_before.to_unix_duration()..=validity.not_after.to_unix_duration()).contains(&time)
}

/// `SigningCertificate` and `SigningCertificateV2`, which differ in what hash is meant where none is
/// named.
#[derive(Sequence)]
pub struct SigningCertificate {
    pub certificates: Vec<CertificateId>,
    pub policies: Option<Any>,
}

/// `ESSCertID` and `ESSCertIDv2`.
#[derive(Sequence)]
pub struct CertificateId {
    pub algorithm: Option<AlgorithmIdentifierOwned>,
    pub hash: OctetString,
    pub issuer: Option<Any>,
}
