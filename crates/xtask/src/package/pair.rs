//! The test certificate and its key.

use super::{date, problem::Problem};
use der::{
    DateTime, Encode,
    asn1::{ObjectIdentifier, UtcTime},
};
use rsa::{
    RsaPrivateKey,
    pkcs1v15::{Signature, SigningKey},
    rand_core::{OsRng, RngCore},
    signature::Keypair,
};
use sha2::Sha256;
use std::{str::FromStr, time::Duration};
use x509_cert::{
    Certificate,
    builder::{Builder, CertificateBuilder, Profile},
    ext::pkix::ExtendedKeyUsage,
    name::Name,
    serial_number::SerialNumber,
    spki::SubjectPublicKeyInfoOwned,
    time::{Time, Validity},
};

/// The certificate's name, by which it is found among others.
pub const NAME: &str = "ringcopy test signing";

pub const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");

/// What "Creating Test Certificates" asks for, and kernel-mode code signing accepts.
const KEY_BITS: usize = 2048;

/// How long ago the certificate begins to be valid: the clock of a virtual machine is as old as its
/// snapshot.
pub const HEAD_START: Duration = Duration::from_hours(30 * 24);

/// How long from now it ends to be. Signatures without a time stamp end with it.
const LIFE: Duration = Duration::from_hours(365 * 24);

/// A key and its certificate.
pub struct Pair {
    pub key: SigningKey<Sha256>,
    pub certificate: Certificate,
}

impl Pair {
    /// Makes both.
    ///
    /// `now` is the time since the beginning of 1970.
    ///
    /// # Errors
    ///
    /// If this machine has no random numbers, or thinks that it is after 2048.
    pub fn new(now: Duration) -> Result<Self, Problem> {
        let end = date::end_of_certificate(now, LIFE)?;
        let key = SigningKey::new(RsaPrivateKey::new(&mut OsRng, KEY_BITS)?);
        let mut serial = [0; 16];
        OsRng.fill_bytes(&mut serial);
        // A serial number is positive, and written without leading zeros.
        serial[0] = serial[0] & 0x7F | 0x40;

        let name = name()?;
        let mut builder = CertificateBuilder::new(
            Profile::Leaf {
                issuer: name.clone(),
                enable_key_agreement: false,
                enable_key_encipherment: false,
            },
            SerialNumber::new(&serial)?,
            Validity {
                not_before: utc(now.saturating_sub(HEAD_START))?,
                not_after: utc(end)?,
            },
            name,
            SubjectPublicKeyInfoOwned::from_key(key.verifying_key())?,
            &key,
        )?;
        builder.add_extension(&ExtendedKeyUsage(vec![CODE_SIGNING]))?;
        let certificate = builder.build::<Signature>()?;
        Ok(Self { key, certificate })
    }

    /// The certificate as a file.
    ///
    /// # Errors
    ///
    /// If DER can't express it.
    pub fn certificate(&self) -> der::Result<Vec<u8>> {
        self.certificate.to_der()
    }

    /// When it is valid.
    pub const fn validity(&self) -> &Validity {
        &self.certificate.tbs_certificate.validity
    }
}

/// [`NAME`] as a certificate has it.
///
/// # Errors
///
/// If DER can't express it.
pub fn name() -> der::Result<Name> {
    Name::from_str(&format!("CN={NAME}"))
}

fn utc(since_1970: Duration) -> der::Result<Time> {
    let whole = Duration::from_secs(since_1970.as_secs());
    Ok(UtcTime::from_date_time(DateTime::from_unix_duration(whole)?)?.into())
}
