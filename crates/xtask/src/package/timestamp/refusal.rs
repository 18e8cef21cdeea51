//! Why an answer, or the want of one, makes no time stamp.

use super::message::StatusInfo;
use der::asn1::ObjectIdentifier;

/// How much of a stranger's words is shown.
const WORDS: usize = 200;

/// The bits of `PKIFailureInfo` that an authority may set (RFC 3161, section 2.4.2).
const FAILURES: [(usize, &str); 8] = [
    (0, "it does not know the hash"),
    (2, "it does not allow the request"),
    (5, "it can't read the request"),
    (14, "its clock does not work"),
    (15, "it does not know the policy"),
    (16, "it does not know an extension"),
    (17, "it does not know what else was asked for"),
    (25, "it is out of order"),
];

#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Nobody is there, or not for long enough.
    #[error("no answer came ({0})")]
    NoAnswer(#[from] ureq::Error),

    /// The server has something else to say.
    #[error("it answered with HTTP status {0}")]
    HttpStatus(u16),

    /// The server is no time-stamping authority.
    #[error("it answered with {}, which is no time stamp", shown(.0))]
    ContentType(String),

    /// The answer is longer than any.
    #[error("its answer is longer than any time stamp")]
    TooLong,

    /// The answer is not in the format.
    #[error("its answer can't be read as a time stamp ({0})")]
    Unreadable(#[from] der::Error),

    /// The authority does not want to.
    #[error("it refused: {0}")]
    Refused(String),

    /// It says that it is willing, and that is all.
    #[error("it granted a time stamp and sent none")]
    Nothing,

    /// A signed message, but about something else.
    #[error("what it sent is signed, and no time stamp")]
    OtherContent,

    /// The hash is not that of our signature.
    #[error("its time stamp is of something else than was sent")]
    OtherImprint,

    /// An answer to somebody else, or to an earlier request.
    #[error("its time stamp answers another request")]
    OtherNonce,

    /// RFC 3161, section 2.4.2: the signature of the authority, and no others.
    #[error("its time stamp has not exactly one signature")]
    Signers,

    /// It was asked to send it.
    #[error("it left out the certificate that its time stamp is signed with")]
    NoCertificate,

    /// The certificate in the answer is not the one that the signature names.
    #[error("its time stamp is signed with another certificate than it says")]
    OtherCertificate,

    /// RFC 3161, section 2.3.
    #[error("its certificate is not one for time stamps and for nothing else")]
    Purpose,

    /// The certificate had ended, or had yet to begin.
    #[error("its certificate is not valid at the time that it states")]
    AuthorityNotValid,

    /// With that time, the stamp is of no use.
    #[error(
        "it states a time at which the test certificate is not valid; see whether the clock of \
         this machine is right"
    )]
    Time,

    /// Windows knows more.
    #[error("its time stamp is signed in a way that is not known here ({0})")]
    Algorithm(ObjectIdentifier),

    /// The signature, or what it covers, was changed.
    #[error("the signature of its time stamp is wrong")]
    Signature,
}

impl Refusal {
    /// What the authority says of itself.
    pub fn stated(status: &StatusInfo) -> Self {
        let said = status.text.iter().flatten().map(|text| shown(text));
        let failures = FAILURES.iter().filter(|(bit, _)| {
            let bits = status.failure.as_ref();
            bits.is_some_and(|bits| bits.bits().nth(*bit) == Some(true))
        });
        let reasons: Vec<String> = said
            .chain(failures.map(|(_, reason)| (*reason).to_owned()))
            .collect();
        Self::Refused(if reasons.is_empty() {
            format!("status {}", status.status)
        } else {
            format!("status {}, {}", status.status, reasons.join(", "))
        })
    }
}

/// A stranger's words, fit for a terminal.
fn shown(text: &str) -> String {
    let shown = text.chars().take(WORDS).flat_map(char::escape_debug);
    format!("\"{}\"", shown.collect::<String>())
}
