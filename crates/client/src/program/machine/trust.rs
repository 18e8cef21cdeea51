//! Making the machine trust a package's certificate, and undoing it.
//!
//! Each package may have a certificate of its own. What is added is noted under the service's
//! `Parameters` key first, store by store; what the machine trusts without that was somebody
//! else's doing, and is neither noted nor taken away.

use std::{fmt::Write as _, path::Path};

use sha1::{Digest, Sha1};

use super::{Failure, Machine, service::go_on};

/// Under the service's `Parameters` key: what installations added, as `Store:hash`, with spaces
/// between. A hash alone stands for all stores.
const NOTE: &str = "TrustedCertificate";

/// The stores that a certificate has to be in to be trusted for drivers.
pub(super) const STORES: [&str; 2] = ["Root", "TrustedPublisher"];

/// `NTE_NOT_FOUND` and `CRYPT_E_NOT_FOUND`: what certutil ends with when it finds no certificate.
const NOT_FOUND: [i32; 2] = [0x8009_0011_u32.cast_signed(), 0x8009_2004_u32.cast_signed()];

/// A certificate in a store, by its SHA-1 hash, as certutil knows it.
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

    /// Notes that it is about to be added. Gives whether it has to be: it is not there yet.
    pub(super) fn note(&self, machine: &mut dyn Machine) -> Result<bool, Failure> {
        if self.is_there(machine)? == Some(true) {
            return Ok(false);
        }
        let mut all = noted(machine)?;
        if !all.contains(self) {
            all.push(self.clone());
            put(machine, &all)?;
        }
        Ok(true)
    }

    /// Adds it, from a file.
    pub(super) fn add(&self, machine: &mut dyn Machine, file: &Path) -> Result<(), Failure> {
        let file = file.display().to_string();
        certutil(machine, &["-f", "-addstore", self.store, &file]).or_else(|failure| {
            // An end that the user asked for is no failure of certutil's.
            go_on(machine)?;
            Err(failure)
        })
    }

    /// Takes it away, if it is there, and out of the note.
    pub(super) fn remove(&self, machine: &mut dyn Machine) -> Result<(), Failure> {
        if self.is_there(machine)? != Some(false) {
            certutil(machine, &["-delstore", self.store, &self.hash])?;
        }
        let mut all = noted(machine)?;
        let before = all.len();
        all.retain(|trusted| trusted != self);
        if all.len() < before {
            put(machine, &all)?;
        }
        Ok(())
    }

    /// Whether the store has it, if certutil tells.
    fn is_there(&self, machine: &mut dyn Machine) -> Result<Option<bool>, Failure> {
        let said = machine.run("certutil.exe", &["-store", self.store, &self.hash])?;
        Ok(match said.code {
            Some(0) => Some(true),
            Some(code) if NOT_FOUND.contains(&code) => Some(false),
            _ => None,
        })
    }
}

/// What installations added.
pub(super) fn noted(machine: &mut dyn Machine) -> Result<Vec<Trusted>, Failure> {
    let note = machine.note(NOTE)?.unwrap_or_default();
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

fn put(machine: &mut dyn Machine, all: &[Trusted]) -> Result<(), Failure> {
    if all.is_empty() {
        return Ok(machine.remove_note(NOTE)?);
    }
    let words = all
        .iter()
        .map(|Trusted { store, hash }| format!("{store}:{hash}"));
    let words: Vec<_> = words.collect();
    Ok(machine.set_note(NOTE, &words.join(" "))?)
}

fn certutil(machine: &mut dyn Machine, arguments: &[&str]) -> Result<(), Failure> {
    let said = machine.run("certutil.exe", arguments)?;
    if said.code == Some(0) {
        return Ok(());
    }
    Err(Failure(format!(
        "`certutil {}` failed: {}; start this program as an administrator, and check the \
         certificate in the package.",
        arguments.join(" "),
        said.text.trim()
    )))
}
