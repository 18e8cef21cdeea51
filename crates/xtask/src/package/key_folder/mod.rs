//! The folder in which a tester's key and test certificate are kept from one package to the next.

mod place;

#[cfg(test)]
mod tests;

use super::{
    pair::{CODE_SIGNING, Pair, name},
    problem::Problem,
};
use der::{Decode, Encode, referenced::OwnedToRef as _};
use rsa::{
    RsaPrivateKey, RsaPublicKey,
    pkcs1v15::{Signature, SigningKey},
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding},
    signature::{Keypair as _, Verifier as _},
};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::Path,
    str,
    time::Duration,
};
use x509_cert::{Certificate, ext::pkix::ExtendedKeyUsage};

/// The key, in PKCS #8 and PEM.
pub const KEY: &str = "ringcopy.key";

/// The certificate, as the package has it.
const CERTIFICATE: &str = "ringcopy.cer";

/// More than either file has.
const LONGEST: u64 = 64 * 1024;

/// Why what is kept does not sign.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(
        "{there} is there and {missing} is not; put that back, or remove the other, and a pair is \
         made that testers have to trust anew"
    )]
    Half {
        there: &'static str,
        missing: &'static str,
    },

    #[error(
        "{KEY} can be read by others than its owner; run chmod 600 on it, or, if somebody may \
         have, remove it and {CERTIFICATE}"
    )]
    Open,

    #[error("{KEY} is no RSA key in the form PKCS #8 and PEM; {ANEW}")]
    NoKey,

    #[error("{CERTIFICATE} is no certificate that this command has made; {ANEW}")]
    Foreign,

    #[error("{KEY} is not the key of {CERTIFICATE}; {ANEW}")]
    Mismatch,

    #[error("{CERTIFICATE} ended at {0}; {ANEW}")]
    Ended(String),

    #[error("{CERTIFICATE} begins at {0}; see whether the clock of this machine is right")]
    NotYet(String),
}

const ANEW: &str = "remove both, and a pair is made that testers have to trust anew";

/// The pair in `folder`, an absolute path; made there if there is none. `output` is where the
/// package will be.
///
/// `now` is the time since the beginning of 1970.
///
/// # Errors
///
/// If the key must not lie there, or what lies there can't sign now. Nothing is changed then.
pub fn pair_in(folder: &Path, output: &Path, now: Duration) -> Result<Pair, Problem> {
    let unusable = |source| Problem::KeyFolderUnusable {
        path: folder.to_owned(),
        source,
    };
    let place = place::checked(folder, output)?;
    let (key_file, certificate_file) = (place.join(KEY), place.join(CERTIFICATE));
    let found = (
        read(&key_file).map_err(unusable)?,
        read(&certificate_file).map_err(unusable)?,
    );
    match found {
        (None, None) => {
            let pair = Pair::new(now)?;
            let key = pair.key.to_pkcs8_pem(LineEnding::LF)?;
            let certificate = pair.certificate()?;
            private_folder(&place)
                .and_then(|()| write(&key_file, key.as_bytes()))
                .and_then(|()| {
                    write(&certificate_file, &certificate).inspect_err(|_| {
                        let _ = fs::remove_file(&key_file);
                    })
                })
                .map_err(unusable)?;
            Ok(pair)
        }
        (Some(_), Some(_)) if !is_private(&key_file).map_err(unusable)? => Err(Fault::Open),
        (Some(key), Some(certificate)) => judged(&key, &certificate, now),
        (Some(_), None) => Err(Fault::Half {
            there: KEY,
            missing: CERTIFICATE,
        }),
        (None, Some(_)) => Err(Fault::Half {
            there: CERTIFICATE,
            missing: KEY,
        }),
    }
    .map_err(|fault| Problem::KeptPair {
        path: folder.to_owned(),
        fault,
    })
}

/// The pair that two files hold.
fn judged(key: &[u8], certificate: &[u8], now: Duration) -> Result<Pair, Fault> {
    let key = str::from_utf8(key).map_err(|_| Fault::NoKey)?;
    let key = RsaPrivateKey::from_pkcs8_pem(key).map_err(|_| Fault::NoKey)?;
    let certificate = Certificate::from_der(certificate).map_err(|_| Fault::Foreign)?;
    let content = &certificate.tbs_certificate;
    let usage = content.get::<ExtendedKeyUsage>();
    if !name().is_ok_and(|name| name == content.subject)
        || !usage.is_ok_and(|usage| usage.is_some_and(|(_, usage)| usage.0 == [CODE_SIGNING]))
    {
        return Err(Fault::Foreign);
    }

    let public = &content.subject_public_key_info;
    if RsaPublicKey::try_from(public.owned_to_ref()) != Ok(key.to_public_key()) {
        return Err(Fault::Mismatch);
    }
    let key = SigningKey::new(key);
    let signed = content.to_der().map_err(|_| Fault::Foreign)?;
    Signature::try_from(certificate.signature.raw_bytes())
        .and_then(|signature| key.verifying_key().verify(&signed, &signature))
        .map_err(|_| Fault::Foreign)?;

    let validity = &content.validity;
    if validity.not_after.to_unix_duration() <= now {
        return Err(Fault::Ended(validity.not_after.to_string()));
    }
    if now < validity.not_before.to_unix_duration() {
        return Err(Fault::NotYet(validity.not_before.to_string()));
    }
    Ok(Pair { key, certificate })
}

/// What is in a file, if there is one.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(found) if !found.is_file() || found.len() > LONGEST => {
            return Err(io::Error::other(format!(
                "{} is none of its files",
                path.display()
            )));
        }
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Writes a file for its owner alone. Never over another: two runs at a time must not end with the key
/// of one and the certificate of the other.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes).inspect_err(|_| {
        let _ = fs::remove_file(path);
    })
}

/// Makes the folder, if it is not there, for its owner alone.
fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Whether nobody but its owner can read a file, as far as its mode tells.
#[cfg(unix)]
fn is_private(path: &Path) -> io::Result<bool> {
    const OTHERS: u32 = 0o077;
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(path)?);
    Ok(mode & OTHERS == 0)
}

#[cfg(not(unix))]
fn is_private(_: &Path) -> io::Result<bool> {
    Ok(true)
}
