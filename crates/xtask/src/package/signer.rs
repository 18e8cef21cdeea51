//! The test certificate, and what is signed with it.
//!
//! Key and certificate are made for one package and live as long as it is being made: there is no
//! key to lose, and nothing else that the certificate vouches for.

use super::{
    indirect_data::sha256_algorithm,
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
    Any, DateTime, Encode, Tag,
    asn1::{Null, ObjectIdentifier, OctetString, SetOfVec, UtcTime},
};
use rsa::{
    RsaPrivateKey,
    pkcs1v15::{Signature, SigningKey},
    rand_core::{OsRng, RngCore},
    signature::{Keypair, SignatureEncoding, Signer as _},
};
use sha2::{Digest, Sha256};
use std::{str::FromStr, time::Duration};
use x509_cert::{
    Certificate,
    attr::Attribute,
    builder::{Builder, CertificateBuilder, Profile},
    ext::pkix::ExtendedKeyUsage,
    name::Name,
    serial_number::SerialNumber,
    spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned},
    time::{Time, Validity},
};

/// The certificate's name, by which it is found among others.
pub const NAME: &str = "ringcopy test signing";

/// What "Creating Test Certificates" asks for, and kernel-mode code signing accepts.
const KEY_BITS: usize = 2048;

/// How long ago the certificate begins to be valid: the clock of a virtual machine is as old as its
/// snapshot.
const HEAD_START: Duration = Duration::from_hours(30 * 24);

/// How long from now it ends to be. Signatures without a time stamp end with it.
const LIFE: Duration = Duration::from_hours(365 * 24);

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");

/// `SPC_SP_OPUS_INFO_OBJID`: the program's name and address, both of which may be left out.
const OPUS_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.12");

/// `SPC_STATEMENT_TYPE_OBJID`, and what it states: an individual's signature.
const STATEMENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.11");
const INDIVIDUAL: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.21");

/// A key and its certificate; and who stamps what is signed with the time, if it is to be.
pub struct Signer {
    key: SigningKey<Sha256>,
    certificate: Certificate,
    authority: Option<Authority>,
}

impl Signer {
    /// Makes both, without anybody who stamps.
    ///
    /// `now` is the time since the beginning of 1970.
    ///
    /// # Errors
    ///
    /// If this machine has no random numbers, or thinks that it is before 1970 or after 2049.
    pub fn new(now: Duration) -> Result<Self, Problem> {
        let key = SigningKey::new(RsaPrivateKey::new(&mut OsRng, KEY_BITS)?);
        let mut serial = [0; 16];
        OsRng.fill_bytes(&mut serial);
        // A serial number is positive, and written without leading zeros.
        serial[0] = serial[0] & 0x7F | 0x40;

        let name = Name::from_str(&format!("CN={NAME}"))?;
        let mut builder = CertificateBuilder::new(
            Profile::Leaf {
                issuer: name.clone(),
                enable_key_agreement: false,
                enable_key_encipherment: false,
            },
            SerialNumber::new(&serial)?,
            Validity {
                not_before: utc(now.saturating_sub(HEAD_START))?,
                not_after: utc(now.saturating_add(LIFE))?,
            },
            name,
            SubjectPublicKeyInfoOwned::from_key(key.verifying_key())?,
            &key,
        )?;
        builder.add_extension(&ExtendedKeyUsage(vec![CODE_SIGNING]))?;
        let certificate = builder.build::<Signature>()?;
        Ok(Self {
            key,
            certificate,
            authority: None,
        })
    }

    /// Has what is signed from now on stamped by `authority`.
    pub fn stamped_by(self, authority: Option<Authority>) -> Self {
        Self { authority, ..self }
    }

    /// The certificate as a file.
    ///
    /// # Errors
    ///
    /// If DER can't express it.
    pub fn certificate(&self) -> der::Result<Vec<u8>> {
        self.certificate.to_der()
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
        let signature = self.key.try_sign(&attributes.to_der()?)?.to_bytes();

        let certificate = &self.certificate.tbs_certificate;
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
                CertificateChoices::Certificate(self.certificate.clone()),
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

fn utc(since_1970: Duration) -> der::Result<Time> {
    let whole = Duration::from_secs(since_1970.as_secs());
    Ok(UtcTime::from_date_time(DateTime::from_unix_duration(whole)?)?.into())
}
