//! What can stop the making of a package, besides what can stop any task.

use super::{key_folder::Fault, timestamp::Refusal};
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A build has made something else than an image to be signed.
    #[error("{} can't be signed: {what}", path.display())]
    Image { path: PathBuf, what: &'static str },

    /// The folder for the package is used otherwise.
    #[error(
        "{} holds {foreign}, which belongs to no package, and was left as it is; \
         name an empty folder, or a package's, with --output",
        path.display()
    )]
    FolderInUse { path: PathBuf, foreign: String },

    /// The folder for the package can't be made or written.
    #[error("{} can't be written: {source}; name another folder with --output", path.display())]
    FolderNotWritable {
        path: PathBuf,
        source: std::io::Error,
    },

    /// Nothing tells the date that goes into the package.
    #[error(
        "the package is dated by its commit, and {why}; work in a clone with git installed, or \
         set SOURCE_DATE_EPOCH to the seconds since 1970"
    )]
    NoDate { why: String },

    /// The package's date has not come yet.
    #[error(
        "the package would be dated {date}, and this machine's clock says {clock}; set the clock, \
         or, if that is right, set SOURCE_DATE_EPOCH to the seconds since 1970 of a date that has \
         come"
    )]
    DateInFuture { date: String, clock: String },

    /// No certificate can have the package's date.
    #[error(
        "the package would be dated {date}, and catalogs and certificates tell no time after 2049; \
         set SOURCE_DATE_EPOCH to the seconds since 1970 of a date that has come"
    )]
    DateNotExpressible { date: String },

    /// No certificate can be valid from now on.
    #[error(
        "this machine's clock says {clock}, and a certificate that is valid from then on would end \
         after 2049, which it can't tell; set the clock"
    )]
    ClockNotExpressible { clock: String },

    /// The manifest does not say what the INF has to repeat.
    #[error("{} has no {name} that is a number", path.display())]
    NoKmdfVersion { path: PathBuf, name: &'static str },

    /// The INF's source has a variable that nobody fills.
    #[error("{} holds {variable}, which nothing fills", path.display())]
    InfVariable { path: PathBuf, variable: String },

    /// A place for the key from which it could get into a repository.
    #[error(
        "{} is in a git working tree and not ignored there, and a key must never be committed; \
         name another folder with --certificate, or have git ignore this one",
        path.display()
    )]
    KeyNotIgnored { path: PathBuf },

    /// A place for the key from which it would be given away.
    #[error(
        "{} is in the package's own folder, and who gets the package must not get the key; name \
         another folder with --certificate",
        path.display()
    )]
    KeyInPackage { path: PathBuf },

    /// The folder for key and certificate can't be read or written.
    #[error(
        "{} can't hold key and certificate: {source}; name another folder with --certificate",
        path.display()
    )]
    KeyFolderUnusable {
        path: PathBuf,
        source: std::io::Error,
    },

    /// What is in the folder for key and certificate does not sign.
    #[error("{}: {fault}", path.display())]
    KeptPair { path: PathBuf, fault: Fault },

    /// An authority has not stamped a signature.
    #[error(
        "{address} has not stamped the package with the time: {refusal}; look at address and \
         network, name another authority with --timestamp, or leave that out; no package was made"
    )]
    TimeStamp { address: String, refusal: Refusal },

    /// A structure that DER can't express.
    #[error("the signature can't be encoded: {0}")]
    Encoding(#[from] der::Error),

    /// No key, or no signature with it.
    #[error("the test certificate's key can't be made: {0}")]
    Key(#[from] rsa::Error),

    /// The key was made, and can't be written down.
    #[error("the test certificate's key can't be kept: {0}")]
    KeyFile(#[from] rsa::pkcs8::Error),

    /// The key was made, and does not sign.
    #[error("the test certificate's key does not sign: {0}")]
    Signature(#[from] rsa::signature::Error),

    /// No certificate for the key.
    #[error("the test certificate can't be made: {0}")]
    Certificate(#[from] x509_cert::builder::Error),

    /// The key can't be written into a certificate.
    #[error("the test certificate can't hold its key: {0}")]
    PublicKey(#[from] x509_cert::spki::Error),
}
