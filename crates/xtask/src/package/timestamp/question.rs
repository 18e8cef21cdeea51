//! The request to an authority, in the form in which its response has to repeat it.

use super::message::{Imprint, Request, VERSION};
use crate::package::indirect_data::sha256_algorithm;
use der::asn1::{Int, OctetString};
use rsa::rand_core::{OsRng, RngCore as _};
use sha2::{Digest, Sha256};

pub struct Question {
    pub imprint: Imprint,
    pub nonce: Int,
}

impl Question {
    pub fn about(signature: &[u8]) -> der::Result<Self> {
        let mut nonce = [0; 8];
        OsRng.fill_bytes(&mut nonce);
        // Positive, and without leading zeros.
        nonce[0] = nonce[0] & 0x7F | 0x40;
        Ok(Self {
            imprint: Imprint {
                algorithm: sha256_algorithm(),
                hash: OctetString::new(&*Sha256::digest(signature))?,
            },
            nonce: Int::new(&nonce)?,
        })
    }

    pub fn request(&self) -> Request {
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
