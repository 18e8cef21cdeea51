//! A key, and its self-signed test certificate.

use super::{
    date::{self, HEAD_START},
    pkcs7,
};
use anyhow::{Context as _, Result};
use const_oid::db::rfc5280::ID_KP_CODE_SIGNING;
use der::{DateTime, Encode, asn1::UtcTime};
use rsa::{
    RsaPrivateKey,
    pkcs1v15::SigningKey,
    rand_core::{OsRng, RngCore},
};
use sha2::Sha256;
use std::time::Duration;
use x509_cert::{
    Certificate,
    ext::pkix::ExtendedKeyUsage,
    time::{Time, Validity},
};

/// The certificate's name.
pub const NAME: &str = "ringcopy test signing";

/// The length of "Creating Test Certificates", which kernel-mode code signing accepts.
const KEY_BITS: usize = 2048;

/// How long from now the certificate is valid. Signatures without a time stamp end with it.
const LIFE: Duration = Duration::from_hours(365 * 24);

/// A key and its certificate.
pub struct Pair {
    pub key: SigningKey<Sha256>,
    pub certificate: Certificate,
}

impl Pair {
    /// Makes a pair. `now` is the time since the beginning of 1970.
    pub fn new(now: Duration) -> Result<Self> {
        let end = date::end_of_certificate(now, LIFE)?;
        let key = SigningKey::new(
            RsaPrivateKey::new(&mut OsRng, KEY_BITS)
                .context("the test certificate's key can't be made")?,
        );
        let mut serial = [0; 16];
        OsRng.fill_bytes(&mut serial);
        // A serial number is positive, and written without leading zeros.
        serial[0] = serial[0] & 0x7F | 0x40;

        let validity = Validity {
            not_before: utc(now.saturating_sub(HEAD_START))?,
            not_after: utc(end)?,
        };
        let purpose = ExtendedKeyUsage(vec![ID_KP_CODE_SIGNING]);
        let certificate = pkcs7::self_signed(&key, NAME, &serial, validity, &purpose)?;
        Ok(Self { key, certificate })
    }

    /// Returns the bytes of the certificate's file.
    pub fn certificate(&self) -> der::Result<Vec<u8>> {
        self.certificate.to_der()
    }

    /// Returns when the certificate is valid.
    pub const fn validity(&self) -> &Validity {
        &self.certificate.tbs_certificate.validity
    }
}

fn utc(since_1970: Duration) -> der::Result<Time> {
    let whole = Duration::from_secs(since_1970.as_secs());
    Ok(UtcTime::from_date_time(DateTime::from_unix_duration(whole)?)?.into())
}
