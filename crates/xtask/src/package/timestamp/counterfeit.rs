//! An authority for tests, on this machine, which says what it is told to: the truth, or something
//! that is wrong in one place.

use super::{
    message::{Imprint, Info, Request, Response, StatusInfo, VERSION},
    token::{CertificateId, INFO, SIGNING_CERTIFICATE_V2, SigningCertificate, TIME_STAMPING},
    transport::Address,
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
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    str::FromStr,
    sync::LazyLock,
    thread,
    time::Duration,
};
use x509_cert::{
    Certificate,
    attr::Attribute,
    builder::{Builder, CertificateBuilder, Profile},
    ext::{AsExtension, Extension, pkix::ExtendedKeyUsage},
    name::Name,
    serial_number::SerialNumber,
    spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned},
    time::{Time, Validity},
};

/// When all of its answers are given.
pub const NOW: Duration = Duration::from_secs(1_700_000_000);

pub const DAY: Duration = Duration::from_hours(24);

static KEY: LazyLock<SigningKey<Sha256>> =
    LazyLock::new(|| SigningKey::new(RsaPrivateKey::new(&mut OsRng, 1024).unwrap()));

/// What an authority answers, part by part. [`Default`] is the truth.
#[allow(clippy::struct_excessive_bools)]
pub struct Answer {
    pub status: u8,
    pub text: Option<Vec<String>>,
    pub failure: Option<BitString>,
    pub token: bool,
    /// Of the message, of what it holds, and as its own attributes say.
    pub kinds: [ObjectIdentifier; 3],
    pub version: u8,
    /// What becomes of what was asked.
    pub imprint: fn(Imprint) -> Imprint,
    pub nonce: fn(Int) -> Option<Int>,
    pub time: Any,
    /// What becomes of the content, and of the attributes, after they were signed.
    pub signed_content: fn(Vec<u8>) -> Vec<u8>,
    pub digest: fn(&[u8]) -> Vec<u8>,
    pub signature: fn(Vec<u8>) -> Vec<u8>,
    pub hash: AlgorithmIdentifierOwned,
    pub attributes: bool,
    /// Of the certificate that the attributes name.
    pub named: fn(&[u8]) -> Vec<u8>,
    pub signers: u8,
    pub certificate: bool,
    pub purposes: Vec<ObjectIdentifier>,
    pub critical: bool,
    pub validity: Validity,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            status: 0,
            text: None,
            failure: None,
            token: true,
            kinds: [
                ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2"),
                INFO,
                INFO,
            ],
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
            purposes: vec![TIME_STAMPING],
            critical: true,
            validity: around(NOW, DAY),
        }
    }
}

/// A time as a token states it.
pub fn time(text: &str) -> Any {
    Any::new(Tag::GeneralizedTime, text.as_bytes()).unwrap()
}

/// So long before `time` and after it.
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

impl Answer {
    /// To a request.
    pub fn to(&self, request: &[u8]) -> Vec<u8> {
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
        let content = OctetString::new((self.signed_content)(content)).unwrap();
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

    /// Signers differ by their number in a place that nothing depends on.
    fn signer(&self, number: u8, content: &[u8], certificate: &Certificate) -> SignerInfo {
        let named = SigningCertificate {
            certificates: vec![CertificateId {
                algorithm: None,
                hash: OctetString::new((self.named)(&certificate.to_der().unwrap())).unwrap(),
                issuer: None,
            }],
            policies: None,
        };
        let values: [(&str, Any); 2] = [
            (
                "1.2.840.113549.1.9.3",
                Any::encode_from(&self.kinds[2]).unwrap(),
            ),
            (
                "1.2.840.113549.1.9.4",
                Any::encode_from(&OctetString::new((self.digest)(content)).unwrap()).unwrap(),
            ),
        ];
        let mut attributes: SetOfVec<Attribute> = values
            .into_iter()
            .map(|(oid, value)| attribute(ObjectIdentifier::new_unwrap(oid), value).unwrap())
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        let named = Any::encode_from(&named).unwrap();
        let number = ObjectIdentifier::from_arcs([1, 2, 3, u32::from(number)]).unwrap();
        for (oid, value) in [(SIGNING_CERTIFICATE_V2, named), (number, Null.into())] {
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
                oid: ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1"),
                parameters: Some(Null.into()),
            },
            signature: OctetString::new((self.signature)(signature.to_vec())).unwrap(),
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

/// The purposes, critical or not.
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

/// A server for one request, which gets what `answer` makes of its body: a head, of the lines that
/// tell what follows, and what follows.
pub fn serve(answer: impl FnOnce(&[u8]) -> (String, Vec<u8>) + Send + 'static) -> Address {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line.trim_end().is_empty() {
                break;
            }
            let line = line.to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let (head, content) = answer(&body);
        // A client that has seen enough is gone by then.
        drop(stream.write_all(format!("HTTP/1.1 {head}\r\n\r\n").as_bytes()));
        drop(stream.write_all(&content));
    });
    address.parse().unwrap()
}

/// The head of an answer as it should be.
pub fn head(content: &[u8]) -> String {
    format!(
        "200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}",
        content.len()
    )
}
