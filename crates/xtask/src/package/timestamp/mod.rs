//! Time stamps: an authority's word that a signature was there at a certain time, by which the
//! signature can outlive its certificate.
//!
//! Sources: RFC 3161 and its update RFC 5816; "Time Stamping Authenticode Signatures", by which the
//! word is an unsigned attribute of the signer's, and is given on the signature.

mod message;
mod refusal;
mod token;
mod transport;

#[cfg(test)]
mod counterfeit;
#[cfg(test)]
mod tests;

pub use refusal::Refusal;
pub use transport::Address;

use super::{indirect_data::sha256_algorithm, problem::Problem};
use der::{
    Any, Encode,
    asn1::{Int, ObjectIdentifier, OctetString},
};
use message::{Imprint, Request, VERSION};
use rsa::rand_core::{OsRng, RngCore as _};
use sha2::{Digest, Sha256};
use std::time::Duration;
use x509_cert::time::Validity;

/// `szOID_RFC3161_counterSign`, of which the value is the authority's `TimeStampToken`.
pub const COUNTERSIGNATURE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.3.3.1");

/// How long an answer may take, from the first step to its last byte.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who gives time stamps.
pub struct Authority {
    address: Address,
    patience: Duration,
}

impl Authority {
    /// The one that answers at `address`.
    pub const fn at(address: Address) -> Self {
        Self {
            address,
            patience: PATIENCE,
        }
    }

    /// A `TimeStampToken` for `signature`, made with a certificate that is valid in `validity`. It
    /// is of this signature, asked for just now, and signed by who may give time stamps; whether
    /// Windows knows that signer is Windows' to say.
    ///
    /// # Errors
    ///
    /// If no such token comes.
    pub fn stamp(&self, signature: &[u8], validity: &Validity) -> Result<Any, Problem> {
        Question::about(signature)
            .map_err(Refusal::from)
            .and_then(|question| {
                let request = question.request().to_der()?;
                let answer = transport::ask(&self.address, &request, self.patience)?;
                token::judged(&answer, &question, validity)
            })
            .map_err(|refusal| Problem::TimeStamp {
                address: self.address.to_string(),
                refusal,
            })
    }
}

/// What is asked, and what an answer has to repeat.
struct Question {
    imprint: Imprint,
    nonce: Int,
}

impl Question {
    fn about(signature: &[u8]) -> der::Result<Self> {
        let mut nonce = [0; 8];
        OsRng.fill_bytes(&mut nonce);
        // Positive, and written without leading zeros.
        nonce[0] = nonce[0] & 0x7F | 0x40;
        Ok(Self {
            imprint: Imprint {
                algorithm: sha256_algorithm(),
                hash: OctetString::new(&*Sha256::digest(signature))?,
            },
            nonce: Int::new(&nonce)?,
        })
    }

    fn request(&self) -> Request {
        Request {
            version: VERSION,
            imprint: self.imprint.clone(),
            policy: None,
            nonce: Some(self.nonce.clone()),
            with_certificate: true,
            extensions: None,
        }
    }
}
