//! The checks of an authority's response, before its token is put into a file.

use super::{
    message::{Info, Response, StatusInfo, VERSION},
    question::Question,
};
use anyhow::{Context as _, Result, anyhow, bail};
use cms::{
    cert::CertificateChoices,
    content_info::ContentInfo,
    signed_data::{SignedData, SignerIdentifier, SignerInfo},
};
use const_oid::db::{
    rfc5280::ID_KP_TIME_STAMPING,
    rfc5911::{
        ID_AA_SIGNING_CERTIFICATE, ID_AA_SIGNING_CERTIFICATE_V_2, ID_CONTENT_TYPE,
        ID_MESSAGE_DIGEST, ID_SIGNED_DATA,
    },
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

/// `granted` and `grantedWithMods` of `PKIStatus`, which come with a token.
const GRANTED: [u8; 2] = [0, 1];

/// The bits of `PKIFailureInfo` that an authority may set (RFC 3161, section 2.4.2).
const FAILURES: [(usize, &str); 8] = [
    (0, "it does not know the hash"),
    (2, "it does not allow the request"),
    (5, "it can't read the request"),
    (14, "its clock does not work"),
    (15, "it does not know the policy"),
    (16, "it does not know an extension"),
    (17, "it does not know what else was asked for"),
    (25, "it is out of order"),
];

/// `id-ct-TSTInfo`.
pub const INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

const OTHER_CONTENT: &str = "its response is signed, and no time stamp";
const WRONG_SIGNATURE: &str = "the signature of its time stamp is wrong";

/// Returns the token in `response`, byte for byte, if it responds to `question` with a time in
/// `validity`.
pub fn of_response(response: &[u8], question: &Question, validity: &Validity) -> Result<Any> {
    checked(response, question, validity).map_err(|error| {
        if error.is::<der::Error>() {
            error.context("its response can't be read as a time stamp")
        } else {
            error
        }
    })
}

fn checked(response: &[u8], question: &Question, validity: &Validity) -> Result<Any> {
    let response = Response::from_der(response)?;
    if !GRANTED.contains(&response.status.status) {
        bail!("it refused: {}", reason(&response.status));
    }
    let token = response
        .token
        .context("it granted a time stamp and sent none")?;
    let message: ContentInfo = token.decode_as()?;
    if message.content_type != ID_SIGNED_DATA {
        bail!(OTHER_CONTENT);
    }
    let data: SignedData = message.content.decode_as()?;
    let content = content(&data)?;
    let info = Info::from_der(content.as_bytes())?;
    if info.version != VERSION {
        bail!(OTHER_CONTENT);
    }
    if info.imprint != question.imprint {
        bail!("its time stamp is of something else than was sent");
    }
    if info.nonce.as_ref() != Some(&question.nonce) {
        bail!("its time stamp responds to another request");
    }

    // RFC 3161, section 2.4.2: "The time-stamp token MUST NOT contain any signatures other than the
    // signature of the TSA".
    let [signer] = data.signer_infos.0.as_slice() else {
        bail!("its time stamp has not exactly one signature");
    };
    let certificate = certificate(&data, signer)
        .context("it left out the certificate with which its time stamp is signed")?;
    check_purpose(certificate)?;
    check_signature(content.as_bytes(), signer, certificate)?;

    let time = info.time()?;
    if !holds(&certificate.tbs_certificate.validity, time) {
        bail!("its certificate is not valid at the time that it states");
    }
    if !holds(validity, time) {
        bail!(
            "it states a time at which the test certificate is not valid; check the clock of this \
             machine"
        );
    }
    Ok(token)
}

/// Returns the reasons in a status.
fn reason(status: &StatusInfo) -> String {
    let texts = status.text.iter().flatten().map(|text| quoted(text));
    let failures = FAILURES.iter().filter(|(bit, _)| {
        let bits = status.failure.as_ref();
        bits.is_some_and(|bits| bits.bits().nth(*bit) == Some(true))
    });
    std::iter::once(format!("status {}", status.status))
        .chain(texts)
        .chain(failures.map(|(_, reason)| (*reason).to_owned()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Returns the beginning of a text from the network, escaped for a terminal.
pub fn quoted(text: &str) -> String {
    const LONGEST: usize = 200;
    let escaped = text.chars().take(LONGEST).flat_map(char::escape_debug);
    format!("\"{}\"", escaped.collect::<String>())
}

fn content(data: &SignedData) -> Result<OctetString> {
    let content = &data.encap_content_info;
    match &content.econtent {
        Some(bytes) if content.econtent_type == INFO => Ok(bytes.decode_as()?),
        _ => bail!(OTHER_CONTENT),
    }
}

/// Returns the certificate that the signer names.
fn certificate<'a>(data: &'a SignedData, signer: &SignerInfo) -> Option<&'a Certificate> {
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
}

/// Checks the certificate's only purpose, which must be critical (RFC 3161, section 2.3).
fn check_purpose(certificate: &Certificate) -> Result<()> {
    let usage = certificate.tbs_certificate.get::<ExtendedKeyUsage>()?;
    match usage {
        Some((true, ExtendedKeyUsage(purposes))) if purposes == [ID_KP_TIME_STAMPING] => Ok(()),
        _ => bail!("its certificate is not one for time stamps and for nothing else"),
    }
}

/// Checks the signature over the attributes, and the attribute with the hash of the content (RFC 5652,
/// section 5.4).
fn check_signature(content: &[u8], signer: &SignerInfo, certificate: &Certificate) -> Result<()> {
    let attributes = signer.signed_attrs.as_ref().context(WRONG_SIGNATURE)?;
    let kind: ObjectIdentifier = only_value(attributes, ID_CONTENT_TYPE)?.decode_as()?;
    let digest: OctetString = only_value(attributes, ID_MESSAGE_DIGEST)?.decode_as()?;
    let hash = signer.digest_alg.oid;
    if kind != INFO || digest.as_bytes() != digest_by(hash, content)? {
        bail!(WRONG_SIGNATURE);
    }
    check_named_certificate(attributes, certificate)?;

    let key = &certificate.tbs_certificate.subject_public_key_info;
    let key = RsaPublicKey::try_from(key.owned_to_ref()).map_err(|_| unknown(key.algorithm.oid))?;
    let message = attributes.to_der()?;
    let signature = Signature::try_from(signer.signature.as_bytes()).context(WRONG_SIGNATURE)?;
    match hash {
        Sha256::OID => VerifyingKey::<Sha256>::new(key).verify(&message, &signature),
        Sha384::OID => VerifyingKey::<Sha384>::new(key).verify(&message, &signature),
        Sha512::OID => VerifyingKey::<Sha512>::new(key).verify(&message, &signature),
        other => return Err(unknown(other)),
    }
    .context(WRONG_SIGNATURE)
}

/// Checks the attribute with the hash of the certificate (RFC 5816, section 2.2.1).
fn check_named_certificate(attributes: &Attributes, certificate: &Certificate) -> Result<()> {
    let (named, default) = match only_value(attributes, ID_AA_SIGNING_CERTIFICATE_V_2) {
        Ok(value) => (value, Sha256::OID),
        Err(_) => (
            only_value(attributes, ID_AA_SIGNING_CERTIFICATE)?,
            Sha1::OID,
        ),
    };
    let named: SigningCertificate = named.decode_as()?;
    // "The first certificate identified in the sequence of certificate identifiers MUST be the
    // certificate used to verify the signature" (RFC 5035, section 3).
    let first = named.certificates.first().context(WRONG_SIGNATURE)?;
    let hash = first.algorithm.as_ref().map_or(default, |named| named.oid);
    let certificate = certificate.to_der()?;
    let digest = if hash == Sha1::OID {
        Sha1::digest(&certificate).to_vec()
    } else {
        digest_by(hash, &certificate)?
    };
    if first.hash.as_bytes() != digest {
        bail!("its time stamp is signed with another certificate than it says");
    }
    Ok(())
}

/// Returns the value of an attribute that must be there once, with one value.
fn only_value(attributes: &Attributes, oid: ObjectIdentifier) -> Result<&Any> {
    let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
    match (found.next(), found.next()) {
        (Some(attribute), None) if attribute.values.len() == 1 => {
            attribute.values.get(0).context(WRONG_SIGNATURE)
        }
        _ => bail!(WRONG_SIGNATURE),
    }
}

fn unknown(algorithm: ObjectIdentifier) -> anyhow::Error {
    anyhow!("its time stamp is signed in a way that is not known here ({algorithm})")
}

fn digest_by(hash: ObjectIdentifier, bytes: &[u8]) -> Result<Vec<u8>> {
    match hash {
        Sha256::OID => Ok(Sha256::digest(bytes).to_vec()),
        Sha384::OID => Ok(Sha384::digest(bytes).to_vec()),
        Sha512::OID => Ok(Sha512::digest(bytes).to_vec()),
        other => Err(unknown(other)),
    }
}

fn holds(validity: &Validity, time: Duration) -> bool {
    (validity.not_before.to_unix_duration()..=validity.not_after.to_unix_duration()).contains(&time)
}

/// `SigningCertificate` and `SigningCertificateV2`, which differ in the hash if none is named.
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
