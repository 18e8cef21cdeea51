//! The folder in which a tester keeps key and test certificate for further packages.

mod location;

#[cfg(test)]
mod tests;

use super::pair::{NAME, Pair};
use anyhow::{Context as _, Result, anyhow, bail};
use const_oid::db::rfc5280::ID_KP_CODE_SIGNING;
use der::{Decode, Encode, referenced::OwnedToRef as _};
use location::usable;
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
const KEY: &str = "ringcopy.key";

/// The certificate, as in the package.
const CERTIFICATE: &str = "ringcopy.cer";

/// More bytes than either file has.
const LONGEST: u64 = 64 * 1024;

const NEW_PAIR: &str = "remove both, and a new pair is made, which testers have to trust again";

/// Returns the pair in `folder`, an absolute path. If there is none, it is made. `output` is the folder
/// of the package; `now` is the time since the beginning of 1970. After an error, the folder is
/// unchanged.
pub fn pair_in(folder: &Path, output: &Path, now: Duration) -> Result<Pair> {
    let real = location::check(folder, output, KEY)?;
    let (key_file, certificate_file) = (real.join(KEY), real.join(CERTIFICATE));
    let found = (
        usable(folder, read(&key_file))?,
        usable(folder, read(&certificate_file))?,
    );
    match found {
        (None, None) => {
            let pair = Pair::new(now)?;
            let key = pair.key.to_pkcs8_pem(LineEnding::LF)?;
            let certificate = pair.certificate()?;
            let written = private_folder(&real)
                .and_then(|()| write(&key_file, key.as_bytes()))
                .and_then(|()| {
                    write(&certificate_file, &certificate).inspect_err(|_| {
                        let _ = fs::remove_file(&key_file);
                    })
                });
            usable(folder, written)?;
            return Ok(pair);
        }
        (Some(_), Some(_)) if !usable(folder, is_private(&key_file))? => Err(anyhow!(
            "{KEY} can be read by others than its owner; run chmod 600 on it, or, if others may have \
             read it, remove it and {CERTIFICATE}"
        )),
        (Some(key), Some(certificate)) => parse(&key, &certificate, now),
        (Some(_), None) => Err(half(KEY, CERTIFICATE)),
        (None, Some(_)) => Err(half(CERTIFICATE, KEY)),
    }
    .with_context(|| folder.display().to_string())
}

fn half(there: &str, missing: &str) -> anyhow::Error {
    anyhow!(
        "{there} is there and {missing} is not; put that back, or remove the other, and a new pair is \
         made, which testers have to trust again"
    )
}

/// Parses and checks the contents of the two files.
fn parse(key: &[u8], certificate: &[u8], now: Duration) -> Result<Pair> {
    let key = str::from_utf8(key)
        .ok()
        .and_then(|key| RsaPrivateKey::from_pkcs8_pem(key).ok())
        .with_context(|| format!("{KEY} is no RSA key in the form PKCS #8 and PEM; {NEW_PAIR}"))?;
    let other =
        || format!("{CERTIFICATE} is no certificate that this command has made; {NEW_PAIR}");
    let certificate = Certificate::from_der(certificate).map_err(|_| anyhow!(other()))?;
    let content = &certificate.tbs_certificate;
    let usage = content.get::<ExtendedKeyUsage>();
    if content.subject.to_string() != format!("CN={NAME}")
        || !usage.is_ok_and(|usage| usage.is_some_and(|(_, usage)| usage.0 == [ID_KP_CODE_SIGNING]))
    {
        bail!(other());
    }

    let public = &content.subject_public_key_info;
    if RsaPublicKey::try_from(public.owned_to_ref()) != Ok(key.to_public_key()) {
        bail!("{KEY} is not the key of {CERTIFICATE}; {NEW_PAIR}");
    }
    let key = SigningKey::new(key);
    let signed = content.to_der()?;
    Signature::try_from(certificate.signature.raw_bytes())
        .and_then(|signature| key.verifying_key().verify(&signed, &signature))
        .map_err(|_| anyhow!(other()))?;

    let validity = &content.validity;
    if validity.not_after.to_unix_duration() <= now {
        bail!("{CERTIFICATE} ended at {}; {NEW_PAIR}", validity.not_after);
    }
    if now < validity.not_before.to_unix_duration() {
        bail!(
            "{CERTIFICATE} begins at {}; check the clock of this machine",
            validity.not_before
        );
    }
    Ok(Pair { key, certificate })
}

/// Returns the content of a file, if it exists.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(found) if !found.is_file() || found.len() > LONGEST => {
            return Err(io::Error::other(format!(
                "{} is neither a key nor a certificate",
                path.display()
            )));
        }
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Writes a file that only its owner can read. It never replaces a file: two runs at a time must not end
/// with the key of one and the certificate of the other.
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

/// Makes the folder, unless it exists, with access only for its owner.
fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Returns whether the mode of a file gives access only to its owner.
#[cfg(unix)]
fn is_private(path: &Path) -> io::Result<bool> {
    const OTHERS: u32 = 0o077;
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(path)?);
    Ok(mode & OTHERS == 0)
}

#[cfg(not(unix))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the mode on Unix can fail to be read"
)]
const fn is_private(_: &Path) -> io::Result<bool> {
    Ok(true)
}
