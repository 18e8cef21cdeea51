//! Time stamps: an authority's signed statement that a signature existed at a certain time. With it, the
//! signature can outlive its certificate.
//!
//! Sources: RFC 3161 and its update RFC 5816; "Time Stamping Authenticode Signatures", by which the
//! time stamp is of the signature, and an unsigned attribute of the signer.

mod message;
mod question;
mod token;
mod transport;

#[cfg(test)]
mod forged_response;
#[cfg(test)]
mod tests;

pub use transport::Address;

use anyhow::{Result, anyhow};
use der::{Any, Encode, asn1::ObjectIdentifier};
use question::Question;
use std::time::Duration;
use x509_cert::time::Validity;

/// `szOID_RFC3161_counterSign`, whose value is the authority's `TimeStampToken`.
pub const COUNTERSIGNATURE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.3.3.1");

/// The time limit of a response, from connecting to its last byte.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// A time-stamping authority.
pub struct Authority {
    address: Address,
    time_limit: Duration,
}

impl Authority {
    pub const fn at(address: Address) -> Self {
        Self {
            address,
            time_limit: TIME_LIMIT,
        }
    }

    /// Returns a `TimeStampToken` for `signature`, made with a certificate that is valid in `validity`.
    /// The token is checked: it is for this signature, responds to this request, and is signed with a
    /// certificate for time stamps. Whether Windows trusts that certificate is not checked.
    pub fn stamp(&self, signature: &[u8], validity: &Validity) -> Result<Any> {
        self.token(signature, validity).map_err(|error| {
            anyhow!(
                "{} has not stamped the package with the time: {error:#}; check address and network, \
                 name another authority with --timestamp, or leave that out; no package was made",
                self.address
            )
        })
    }

    fn token(&self, signature: &[u8], validity: &Validity) -> Result<Any> {
        let question = Question::about(signature)?;
        let request = question.request().to_der()?;
        let response = transport::ask(&self.address, &request, self.time_limit)?;
        token::of_response(&response, &question, validity)
    }
}
