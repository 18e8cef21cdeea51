//! Responses for tests: valid, or wrong in one part.
//!
//! openssl, the time-stamping authority of the end-to-end tests, only makes valid ones. It is a second
//! opinion on requests and responses, which this forger is not.

use super::{
    message::{Imprint, Info, Request, Response, StatusInfo, VERSION},
    token::{CertificateId, INFO, SigningCertificate},
};
use crate::package::{indirect_data::sha256_algorithm, pkcs7};
use cms::{
    content_info::{CmsVersion, ContentInfo},
    signed_data::SignerInfo,
};
use const_oid::db::{
    rfc5280::ID_KP_TIME_STAMPING,
    rfc5911::{ID_AA_SIGNING_CERTIFICATE_V_2, ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNED_DATA},
};
use der::{
    Any, DateTime, Decode, Encode, Tag,
    asn1::{BitString, GeneralizedTime, Int, Null, ObjectIdentifier, OctetString},
};
use rsa::{
    RsaPrivateKey,
    pkcs1v15::{Signature, SigningKey},
    rand_core::OsRng,
    signature::{SignatureEncoding, Signer as _},
};
use sha2::{Digest, Sha256};
use std::{sync::LazyLock, time::Duration};
use x509_cert::{
    Certificate,
    ext::{AsExtension, Extension, pkix::ExtendedKeyUsage},
    name::Name,
    spki::AlgorithmIdentifierOwned,
    time::{Time, Validity},
};

/// The time of all responses.
pub const NOW: Duration = Duration::from_secs(1_700_000_000);

pub const DAY: Duration = Duration::from_hours(24);

static KEY: LazyLock<SigningKey<Sha256>> =
    LazyLock::new(|| SigningKey::new(RsaPrivateKey::new(&mut OsRng, 1024).unwrap()));

/// The parts of a response. [`Default`] is a valid one.
#[allow(clippy::struct_excessive_bools)]
pub struct Forged {
    pub status: u8,
    pub text: Option<Vec<String>>,
    pub failure: Option<BitString>,
    pub token: bool,
    /// The types of the message, of its content, and in its attributes.
    pub kinds: [ObjectIdentifier; 3],
    pub version: u8,
    /// Changes of the requested values.
    pub imprint: fn(Imprint) -> Imprint,
    pub nonce: fn(Int) -> Option<Int>,
    pub time: Any,
    /// Changes of the content after it was signed, and of the signature's parts.
    pub signed_content: fn(Vec<u8>) -> Vec<u8>,
    pub digest: fn(&[u8]) -> Vec<u8>,
    pub signature: fn(Vec<u8>) -> Vec<u8>,
    pub hash: AlgorithmIdentifierOwned,
    pub attributes: bool,
    /// The hash of the certificate, in the attributes.
    pub named: fn(&[u8]) -> Vec<u8>,
    pub signers: u8,
    pub certificate: bool,
    pub purposes: Vec<ObjectIdentifier>,
    pub critical: bool,
    pub validity: Validity,
}

impl Default for Forged {
    fn default() -> Self {
        Self {
            status: 0,
            text: None,
            failure: None,
            token: true,
            kinds: [ID_SIGNED_DATA, INFO, INFO],
            version: VERSION,
            imprint: |asked| asked,
            nonce: Some,
            time: time("20231114221320Z"),
            signed_content: |content| content,
            digest: |content| Sha256::digest(content).to_vec(),
            signature: |signature| signature,
            hash: sha256_algorithm(),
            attributes: true,
            named: |certificate| Sha256::digest(certificate).to_vec(),
            signers: 1,
            certificate: true,
            purposes: vec![ID_KP_TIME_STAMPING],
            critical: true,
            validity: around(NOW, DAY),
        }
    }
}

fn octets(bytes: Vec<u8>) -> OctetString {
    OctetString::new(bytes).unwrap()
}

/// Encodes a time as in a token.
pub fn time(text: &str) -> Any {
    Any::new(Tag::GeneralizedTime, text.as_bytes()).unwrap()
}

/// Returns the validity from `distance` before `time` to `distance` after it.
pub fn around(time: Duration, distance: Duration) -> Validity {
    let at = |time| {
        let time = DateTime::from_unix_duration(time).unwrap();
        Time::from(GeneralizedTime::from_date_time(time))
    };
    Validity {
        not_before: at(time.saturating_sub(distance)),
        not_after: at(time + distance),
    }
}

impl Forged {
    /// Returns the response to a request.
    pub fn response_to(&self, request: &[u8]) -> Vec<u8> {
        let asked = Request::from_der(request).unwrap();
        assert!(asked.with_certificate);
        let response = Response {
            status: StatusInfo {
                status: self.status,
                text: self.text.clone(),
                failure: self.failure.clone(),
            },
            token: self.token.then(|| self.token(asked)),
        };
        response.to_der().unwrap()
    }

    fn token(&self, asked: Request) -> Any {
        let [message, held, _] = self.kinds;
        let info = Info {
            version: self.version,
            policy: ObjectIdentifier::new_unwrap("1.2.3.4"),
            imprint: (self.imprint)(asked.imprint),
            serial_number: Int::new(&[1]).unwrap(),
            time: self.time.clone(),
            accuracy: None,
            ordering: false,
            nonce: (self.nonce)(asked.nonce.unwrap()),
            authority: None,
            extensions: None,
        };
        let content = info.to_der().unwrap();
        let certificate = self.certificate();
        let signers: Vec<SignerInfo> = (1..=self.signers)
            .map(|number| self.signer(number, &content, &certificate))
            .collect();
        let content = octets((self.signed_content)(content));
        let content = Any::encode_from(&content).unwrap();
        let mut data =
            pkcs7::signed_data(CmsVersion::V3, held, content, &certificate, signers).unwrap();
        if !self.certificate {
            data.certificates = None;
        }
        Any::encode_from(&ContentInfo {
            content_type: message,
            content: Any::encode_from(&data).unwrap(),
        })
        .unwrap()
    }

    /// Returns a signer. The number, in an attribute of its own, makes signers different.
    fn signer(&self, number: u8, content: &[u8], certificate: &Certificate) -> SignerInfo {
        let named = SigningCertificate {
            certificates: vec![CertificateId {
                algorithm: None,
                hash: octets((self.named)(&certificate.to_der().unwrap())),
                issuer: None,
            }],
            policies: None,
        };
        let digest = octets((self.digest)(content));
        let number = ObjectIdentifier::from_arcs([1, 2, 3, u32::from(number)]).unwrap();
        let attributes = pkcs7::attributes([
            (ID_CONTENT_TYPE, Any::encode_from(&self.kinds[2]).unwrap()),
            (ID_MESSAGE_DIGEST, Any::encode_from(&digest).unwrap()),
            (
                ID_AA_SIGNING_CERTIFICATE_V_2,
                Any::encode_from(&named).unwrap(),
            ),
            (number, Null.into()),
        ])
        .unwrap();
        let signature: Signature = KEY.sign(&attributes.to_der().unwrap());
        let signature = (self.signature)(signature.to_vec());
        let mut signer = pkcs7::signer_info(certificate, attributes, signature).unwrap();
        signer.digest_alg = self.hash.clone();
        if !self.attributes {
            signer.signed_attrs = None;
        }
        signer
    }

    fn certificate(&self) -> Certificate {
        let purposes = Purposes {
            purposes: ExtendedKeyUsage(self.purposes.clone()),
            critical: self.critical,
        };
        let name = "an authority for tests";
        pkcs7::self_signed(&KEY, name, &[7], self.validity, &purposes).unwrap()
    }
}

/// Purposes in an extension that is critical or not.
struct Purposes {
    purposes: ExtendedKeyUsage,
    critical: bool,
}

impl der::oid::AssociatedOid for Purposes {
    const OID: ObjectIdentifier = <ExtendedKeyUsage as der::oid::AssociatedOid>::OID;
}

impl Encode for Purposes {
    fn encoded_len(&self) -> der::Result<der::Length> {
        self.purposes.encoded_len()
    }

    fn encode(&self, writer: &mut impl der::Writer) -> der::Result<()> {
        self.purposes.encode(writer)
    }
}

impl AsExtension for Purposes {
    fn critical(&self, _: &Name, _: &[Extension]) -> bool {
        self.critical
    }
}
