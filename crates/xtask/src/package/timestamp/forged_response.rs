//! Responses for tests: valid, or wrong in one part.
//!
//! openssl, the time-stamping authority of the end-to-end tests, only makes valid ones. It is a second
//! opinion on requests and responses, which this forger is not.

use super::{
    message::{Imprint, Info, Request, Response, StatusInfo, VERSION},
    token::{CertificateId, INFO, SigningCertificate},
};
use crate::package::{indirect_data::sha256_algorithm, signer::attribute};
use cms::{
    cert::{CertificateChoices, IssuerAndSerialNumber},
    content_info::{CmsVersion, ContentInfo},
    signed_data::{
        CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo,
        SignerInfos,
    },
};
use const_oid::db::{
    rfc5280::ID_KP_TIME_STAMPING,
    rfc5911::{ID_AA_SIGNING_CERTIFICATE_V_2, ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNED_DATA},
    rfc5912::RSA_ENCRYPTION,
};
use der::{
    Any, DateTime, Decode, Encode, Tag,
    asn1::{BitString, GeneralizedTime, Int, Null, ObjectIdentifier, OctetString, SetOfVec},
};
use rsa::{
    RsaPrivateKey,
    pkcs1v15::{Signature, SigningKey},
    rand_core::OsRng,
    signature::{Keypair, SignatureEncoding, Signer as _},
};
use sha2::{Digest, Sha256};
use std::{str::FromStr, sync::LazyLock, time::Duration};
use x509_cert::{
    Certificate,
    builder::{Builder, CertificateBuilder, Profile},
    ext::{AsExtension, Extension, pkix::ExtendedKeyUsage},
    name::Name,
    serial_number::SerialNumber,
    spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned},
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
        let data = SignedData {
            version: CmsVersion::V3,
            digest_algorithms: SetOfVec::from_iter([sha256_algorithm()]).unwrap(),
            encap_content_info: EncapsulatedContentInfo {
                econtent_type: held,
                econtent: Some(Any::encode_from(&content).unwrap()),
            },
            certificates: self.certificate.then(|| {
                let certificates = vec![CertificateChoices::Certificate(certificate.clone())];
                CertificateSet::try_from(certificates).unwrap()
            }),
            crls: None,
            signer_infos: SignerInfos::try_from(signers).unwrap(),
        };
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
        let mut attributes = SetOfVec::new();
        for (oid, value) in [
            (ID_CONTENT_TYPE, Any::encode_from(&self.kinds[2]).unwrap()),
            (ID_MESSAGE_DIGEST, Any::encode_from(&digest).unwrap()),
            (
                ID_AA_SIGNING_CERTIFICATE_V_2,
                Any::encode_from(&named).unwrap(),
            ),
            (number, Null.into()),
        ] {
            attributes.insert(attribute(oid, value).unwrap()).unwrap();
        }
        let signature: Signature = KEY.sign(&attributes.to_der().unwrap());
        let own = &certificate.tbs_certificate;
        SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
                issuer: own.issuer.clone(),
                serial_number: own.serial_number.clone(),
            }),
            digest_alg: self.hash.clone(),
            signed_attrs: self.attributes.then_some(attributes),
            signature_algorithm: AlgorithmIdentifierOwned {
                oid: RSA_ENCRYPTION,
                parameters: Some(Null.into()),
            },
            signature: octets((self.signature)(signature.to_vec())),
            unsigned_attrs: None,
        }
    }

    fn certificate(&self) -> Certificate {
        let name = Name::from_str("CN=an authority for tests").unwrap();
        let mut builder = CertificateBuilder::new(
            Profile::Leaf {
                issuer: name.clone(),
                enable_key_agreement: false,
                enable_key_encipherment: false,
            },
            SerialNumber::new(&[7]).unwrap(),
            self.validity,
            name,
            SubjectPublicKeyInfoOwned::from_key(KEY.verifying_key()).unwrap(),
            &*KEY,
        )
        .unwrap();
        let usage = Usage {
            purposes: ExtendedKeyUsage(self.purposes.clone()),
            critical: self.critical,
        };
        builder.add_extension(&usage).unwrap();
        builder.build::<Signature>().unwrap()
    }
}

/// Purposes in an extension that is critical or not.
struct Usage {
    purposes: ExtendedKeyUsage,
    critical: bool,
}

impl der::oid::AssociatedOid for Usage {
    const OID: ObjectIdentifier = <ExtendedKeyUsage as der::oid::AssociatedOid>::OID;
}

impl Encode for Usage {
    fn encoded_len(&self) -> der::Result<der::Length> {
        self.purposes.encoded_len()
    }

    fn encode(&self, writer: &mut impl der::Writer) -> der::Result<()> {
        self.purposes.encode(writer)
    }
}

impl AsExtension for Usage {
    fn critical(&self, _: &Name, _: &[Extension]) -> bool {
        self.critical
    }
}
