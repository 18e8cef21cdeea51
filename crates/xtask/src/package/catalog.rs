//! The catalog: a signed list of the hashes of a package's files, by which Windows verifies the
//! package.
//!
//! It is a certificate trust list (`CTL_INFO`, `CERT_TRUST_LIST` in the documentation of
//! `wincrypt.h`) in the second version of its layout, in which a plain hash identifies a member.
//! Members and attributes are those that `inf2cat` writes for a package for 64-bit Windows 10.

use super::{image::Image, indirect_data, pkcs7::attributes, signer::Signer};
use anyhow::Result;
use authenticode::{SPC_INDIRECT_DATA_OBJID, SpcIndirectDataContent};
use der::{
    Any, DateTime, Encode, Sequence, Tag, TagNumber,
    asn1::{BmpString, Null, ObjectIdentifier, OctetString, SetOfVec, UtcTime},
};
use sha1::Sha1;
use sha2::{Digest, Sha256, digest::Output};
use std::time::Duration;
use x509_cert::{attr::Attribute, ext::Extension, spki::AlgorithmIdentifierOwned};

/// `szOID_CTL`.
const CTL: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.10.1");

/// `szOID_CATALOG_LIST`, and `szOID_CATALOG_LIST_MEMBER2`: SHA-256 identifies its members.
const CATALOG_LIST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.12.1.1");
const CATALOG_LIST_MEMBER: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.12.1.3");

/// `CAT_NAMEVALUE_OBJID` and `CAT_MEMBERINFO2_OBJID`.
const NAME_VALUE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.12.2.1");
const MEMBER_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.12.2.3");

/// The flags of a name and its value: authenticated, the name is text, the value is text
/// (`CRYPTCAT_ATTR_AUTHENTICATED`, `CRYPTCAT_ATTR_NAMEASCII`, `CRYPTCAT_ATTR_DATAASCII`).
const ATTRIBUTE_FLAGS: u32 = 0x1001_0001;

/// The operating systems of a member: NT 10.0 and later.
const OS_ATTRIBUTE: &str = "2:10.0";

/// The operating system of the package, as `inf2cat /os:10_X64` writes it.
const OS: &str = "_v100_X64";

/// A file of the package.
pub struct Member {
    name: &'static str,
    sha1: Output<Sha1>,
    sha256: Output<Sha256>,
    data: SpcIndirectDataContent,
}

impl Member {
    /// Returns an image, identified by its Authenticode hashes.
    pub fn image(name: &'static str, image: &Image) -> Result<Self> {
        let sha256 = image.digest::<Sha256>()?;
        Ok(Self {
            name,
            sha1: image.digest::<Sha1>()?,
            sha256,
            data: indirect_data::of_image(&sha256)?,
        })
    }

    /// Returns any other file, identified by the hashes of its bytes.
    pub fn file(name: &'static str, bytes: &[u8]) -> Result<Self> {
        let sha256 = Sha256::digest(bytes);
        Ok(Self {
            name,
            sha1: Sha1::digest(bytes),
            sha256,
            data: indirect_data::of_file(&sha256)?,
        })
    }

    /// Returns the content of an image's own signature.
    pub const fn data(&self) -> &SpcIndirectDataContent {
        &self.data
    }

    /// Returns the entries of the member, one for each hash. Verifiers before Windows 8 look for SHA-1,
    /// whose entry has no trusted hash.
    fn subjects(&self) -> der::Result<[Subject; 2]> {
        let mut values = vec![(MEMBER_INFO, member_info()?)];
        for (name, value) in [("File", self.name), ("OSAttr", OS_ATTRIBUTE)] {
            let value = Any::encode_from(&NameValue::new(name, value)?)?;
            values.push((NAME_VALUE, value));
        }
        let known = attributes(values.clone())?;
        values.push((SPC_INDIRECT_DATA_OBJID, Any::encode_from(&self.data)?));
        let trusted = attributes(values)?;
        Ok([
            Subject {
                identifier: OctetString::new(&*self.sha1)?,
                attributes: known,
            },
            Subject {
                identifier: OctetString::new(&*self.sha256)?,
                attributes: trusted,
            },
        ])
    }
}

/// Returns a signed catalog of `members`. Its signed content depends only on the members and on `date`,
/// the time since the beginning of 1970.
pub fn make(members: &[Member], date: Duration, signer: &Signer) -> Result<Vec<u8>> {
    let mut subjects = Vec::new();
    for member in members {
        subjects.extend(member.subjects()?);
    }
    subjects.sort_by(|a, b| a.identifier.as_bytes().cmp(b.identifier.as_bytes()));

    let identity = members
        .iter()
        .fold(Sha256::new(), |hash, member| {
            hash.chain_update(member.sha256)
        })
        .finalize();
    let list = TrustList {
        usage: vec![CATALOG_LIST],
        identifier: OctetString::new(&identity[..16])?,
        this_update: UtcTime::from_date_time(DateTime::from_unix_duration(date)?)?,
        subject_algorithm: AlgorithmIdentifierOwned {
            oid: CATALOG_LIST_MEMBER,
            parameters: Some(Null.into()),
        },
        subjects,
        extensions: vec![Extension {
            extn_id: NAME_VALUE,
            critical: false,
            extn_value: OctetString::new(NameValue::new("OS", OS)?.to_der()?)?,
        }],
    };
    signer.sign(CTL, Any::encode_from(&list)?)
}

/// `CertificateTrustList`, without the fields that a catalog leaves out.
#[derive(Sequence)]
struct TrustList {
    usage: Vec<ObjectIdentifier>,
    identifier: OctetString,
    this_update: UtcTime,
    subject_algorithm: AlgorithmIdentifierOwned,
    subjects: Vec<Subject>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

/// `TrustedSubject`.
#[derive(Sequence)]
struct Subject {
    identifier: OctetString,
    attributes: SetOfVec<Attribute>,
}

/// `CatalogNameValue`.
#[derive(Sequence)]
struct NameValue {
    name: BmpString,
    flags: u32,
    value: OctetString,
}

impl NameValue {
    /// Encodes the value as UTF-16 with a terminator.
    fn new(name: &str, value: &str) -> der::Result<Self> {
        let value: Vec<u8> = value
            .encode_utf16()
            .chain([0])
            .flat_map(u16::to_le_bytes)
            .collect();
        Ok(Self {
            name: BmpString::from_utf8(name)?,
            flags: ATTRIBUTE_FLAGS,
            value: OctetString::new(value)?,
        })
    }
}

/// Returns the value of `CAT_MEMBERINFO2_OBJID`: an empty value with the tag `[2]`.
fn member_info() -> der::Result<Any> {
    Any::new(
        Tag::ContextSpecific {
            constructed: false,
            number: TagNumber::N2,
        },
        [],
    )
}
