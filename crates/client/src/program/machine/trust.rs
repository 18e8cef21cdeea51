//! Makes the machine trust a package's certificate, and undoes it.
//!
//! Each package may have a certificate of its own. What is added to a store is first noted under
//! the service's `Parameters` key. A certificate that the machine trusted before is neither noted
//! nor removed.

use std::{fmt::Write as _, path::Path};

use sha1::{Digest, Sha1};

use super::{Failure, System, service::check_interrupt};

/// A value of the service's `Parameters` key: what installations added, as `Store:hash`, separated
/// by spaces. A hash without a store stands for all stores.
const NOTE: &str = "TrustedCertificate";

/// The stores that a certificate must be in to be trusted for drivers.
pub(super) const STORES: [&str; 2] = ["Root", "TrustedPublisher"];

/// `NTE_NOT_FOUND` and `CRYPT_E_NOT_FOUND`: certutil's exit codes if it finds no certificate.
const NOT_FOUND: [i32; 2] = [0x8009_0011_u32.cast_signed(), 0x8009_2004_u32.cast_signed()];

/// A certificate in a store, identified by its SHA-1 hash as in certutil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trusted {
    store: &'static str,
    hash: String,
}

impl Trusted {
    pub(super) fn new(store: &'static str, certificate: &[u8]) -> Self {
        let mut hash = String::new();
        for byte in Sha1::digest(certificate) {
            // Writing to a string cannot fail.
            let _ = write!(hash, "{byte:02x}");
        }
        Self { store, hash }
    }

    /// Notes that the certificate is about to be added. Returns `false` if the store has it
    /// already.
    pub(super) fn note(&self, system: &mut dyn System) -> Result<bool, Failure> {
        if self.is_there(system)? == Some(true) {
            return Ok(false);
        }
        let mut all = noted(system)?;
        if !all.contains(self) {
            all.push(self.clone());
            put(system, &all)?;
        }
        Ok(true)
    }

    /// Adds the certificate from a file.
    pub(super) fn add(&self, system: &mut dyn System, file: &Path) -> Result<(), Failure> {
        let file = file.display().to_string();
        certutil(system, &["-f", "-addstore", self.store, &file]).or_else(|failure| {
            // If the user asked to stop, certutil did not fail.
            check_interrupt(system)?;
            Err(failure)
        })
    }

    /// Removes the certificate from the store and from the note.
    pub(super) fn remove(&self, system: &mut dyn System) -> Result<(), Failure> {
        if self.is_there(system)? != Some(false) {
            certutil(system, &["-delstore", self.store, &self.hash])?;
        }
        let mut all = noted(system)?;
        let before = all.len();
        all.retain(|trusted| trusted != self);
        if all.len() < before {
            put(system, &all)?;
        }
        Ok(())
    }

    /// Returns whether the store has the certificate, if certutil says so.
    fn is_there(&self, system: &mut dyn System) -> Result<Option<bool>, Failure> {
        let output = system.run("certutil.exe", &["-store", self.store, &self.hash])?;
        Ok(match output.code {
            Some(0) => Some(true),
            Some(code) if NOT_FOUND.contains(&code) => Some(false),
            _ => None,
        })
    }
}

/// Returns what installations added.
pub(super) fn noted(system: &mut dyn System) -> Result<Vec<Trusted>, Failure> {
    let note = system.note(NOTE)?.unwrap_or_default();
    let mut all = Vec::new();
    for word in note.split_whitespace() {
        let (only, hash) = match word.split_once(':') {
            Some((store, hash)) => (Some(store), hash),
            None => (None, word),
        };
        for store in STORES {
            if only.is_none_or(|only| only == store) {
                let hash = hash.into();
                all.push(Trusted { store, hash });
            }
        }
    }
    Ok(all)
}

fn put(system: &mut dyn System, all: &[Trusted]) -> Result<(), Failure> {
    if all.is_empty() {
        return Ok(system.remove_note(NOTE)?);
    }
    let words = all
        .iter()
        .map(|Trusted { store, hash }| format!("{store}:{hash}"));
    let words: Vec<_> = words.collect();
    Ok(system.set_note(NOTE, &words.join(" "))?)
}

fn certutil(system: &mut dyn System, arguments: &[&str]) -> Result<(), Failure> {
    let output = system.run("certutil.exe", arguments)?;
    if output.code == Some(0) {
        return Ok(());
    }
    Err(Failure(format!(
        "`certutil {}` failed: {}; start this program as an administrator, and check the \
         certificate in the package.",
        arguments.join(" "),
        output.text.trim()
    )))
}
